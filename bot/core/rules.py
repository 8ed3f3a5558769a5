"""Everything that must hold for a whole campaign, said at once: what `check` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.campaign import Account, Campaign, Post, Source
from bot.core.caps import crowded
from bot.core.likeness import Rendering, likenesses
from bot.core.model import Limits, Status, Traits
from bot.core.profiles import is_personal
from bot.core.quotation_marks import marked_spans
from bot.core.quoting import is_exact, occurrences, overlaps, quotes_graphic
from bot.core.rendering import Rendered, render
from bot.core.standing import unready_accounts
from bot.core.versions import Version, key_of, problem_at, version_of
from bot.core.wording import (
    dated_words,
    has_date,
    wording_problems,
    wordings_of,
    wrong_mentions,
)
from bot.errors import Problem, Severity


@dataclass(frozen=True, slots=True)
class _Scene:
    """One check: the campaign, and how its accounts' platforms differ."""

    campaign: Campaign
    traits: Mapping[str, Traits]
    limits: Mapping[str, Limits]

    def accounts_of(self, post: Post) -> tuple[Account, ...]:
        known = self.campaign.schedule.accounts
        names = post.accounts or tuple(known)
        return tuple(
            known[name] for name in names if name in known and known[name].platform in self.traits
        )

    def render(self, post: Post, account: Account) -> Rendered:
        traits = self.traits[account.platform]
        limits = self.limits.get(account.name, traits.limits)
        return render(post, account, campaign=self.campaign, traits=traits, limits=limits)


def check(
    campaign: Campaign,
    *,
    traits: Mapping[str, Traits],
    limits: Mapping[str, Limits],
    now: datetime,
) -> tuple[Problem, ...]:
    """Prove a campaign; give all its problems in the order of files, lines and columns.

    ``traits`` are by platform and ``limits`` by account; an account without limits has its
    platform's. ``now`` is aware. What is a notice stops nothing.
    """
    scene = _Scene(campaign, traits, limits)
    problems: list[Problem] = []
    shown: list[Rendering] = []
    for post in campaign.posts:
        problems += _post_problems(post, campaign)
        for account in scene.accounts_of(post):
            rendered = scene.render(post, account)
            problems += _account_problems(post, account, rendered, campaign)
            if rendered.statuses and post.ready:
                shown.append(Rendering(post, account, version_of(post, account, campaign).words))
    problems += _source_problems(campaign)
    problems += unready_accounts(campaign, traits, now.astimezone(_zone(campaign)).date())
    problems += likenesses(campaign, shown, traits=traits, now=now)
    problems += crowded(shown, now=now)
    return tuple(sorted(set(problems)))


def _zone(campaign: Campaign) -> ZoneInfo:
    return ZoneInfo(campaign.schedule.timezone)


def _post_problems(post: Post, campaign: Campaign) -> Iterator[Problem]:
    for wording in wordings_of(post):
        for message in wording_problems(wording, campaign):
            yield problem_at(post, wording.key, message)
    source = campaign.sources.get(post.quote.source) if post.quote else None
    if post.quote and source:
        if not is_exact(post.quote, source):
            yield problem_at(post, "quote.text", f"is not what {source.id!r} says there any more")
        for message in wrong_mentions(post.quote.text, campaign):
            yield problem_at(post, "quote.text", message)


def _account_problems(
    post: Post, account: Account, rendered: Rendered, campaign: Campaign
) -> Iterator[Problem]:
    if rendered.skipped:
        key = key_of(post, account, "link")
        yield problem_at(post, key, rendered.skipped, severity=Severity.NOTICE)
        return
    version = version_of(post, account, campaign)
    # A draft may wait for the address of what it links to; reading the files says so once.
    waits = not post.ready
    yield from (one for one in rendered.problems if not (waits and one.where.endswith(".link")))
    yield from _warning_problems(version, campaign)
    yield from _link_problems(version, campaign)
    for status in rendered.statuses:
        yield from _status_problems(version, status)


def _warning_problems(version: Version, campaign: Campaign) -> Iterator[Problem]:
    """A graphic passage, quoted or in marks, and some investigations go only with a warning."""
    if version.warning:
        return
    post, key = version.post, key_of(version.post, version.account, "warning")
    quote, source = version.quote, version.source
    if quote and source and quotes_graphic(quote, campaign.sources):
        yield problem_at(post, key, "missing; the quoted passage is graphic and needs a warning")
    elif any(_has_graphic_words(version, one) for one in campaign.sources.values()):
        yield problem_at(post, key, "missing; the text quotes a graphic passage")
    investigation = campaign.investigations.get(version.link)
    if investigation and investigation.warning:
        yield problem_at(
            post, key, f"missing; {version.link!r} needs a warning: {investigation.warning}"
        )


def _has_graphic_words(version: Version, source: Source) -> bool:
    if not source.graphic_spans:
        return False
    texts = (version.text, *(file.alt for file in version.media))
    return any(
        overlaps(span, source.graphic_spans)
        for text in texts
        for marked in marked_spans(text)[0]
        for span in occurrences(source.text, marked.text)
    )


def _link_problems(version: Version, campaign: Campaign) -> Iterator[Problem]:
    post, link = version.post, version.link
    key = key_of(post, version.account, "link")
    known = campaign.investigations.get(link) or campaign.sources.get(link)
    if not link or known is None:
        return
    if is_personal(known.address, campaign.schedule.coalition):
        yield problem_at(post, key, f"{known.address} is somebody's personal profile")
    caution = campaign.investigations[link].caution if link in campaign.investigations else ""
    if caution:
        yield problem_at(post, key, f"mind: {caution}", severity=Severity.NOTICE)


def _status_problems(version: Version, status: Status) -> Iterator[Problem]:
    post = version.post
    words = [one for one in dated_words(version.text, post.lang) if one in status.text]
    if words and not has_date(status.text):
        yield problem_at(
            post,
            key_of(post, version.account, "text"),
            f"“{words[0]}” means another day tomorrow; write the date in the same post",
        )


def _source_problems(campaign: Campaign) -> Iterator[Problem]:
    for source in campaign.sources.values():
        place = source.place
        if not source.attribution.strip():
            message = "missing; the line that says who, what and the date"
        elif not has_date(source.attribution):
            message = f"names no year; every quotation shows its date ({source.date:%Y-%m-%d})"
        else:
            continue
        where = f"{source.id}.attribution"
        yield Problem(place.file, place.line, place.column, where, message)
