"""Everything that must hold for a whole campaign, said at once: what `check` prints.

A new rule is a function and a line in `CHECKS_OF_POSTS` or `CHECKS_OF_CAMPAIGN`. It reads what was
rendered, yields every problem that it finds, and names itself in each by a short id that stays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from bot.checks.duplicates import never_again, scripts, source_scripts, too_close, twins
from bot.checks.quotation_marks import marked_spans
from bot.checks.wording import (
    dated_words,
    has_date,
    is_personal,
    is_true_then,
    preview_flaws,
    wordings,
    wrong_mentions,
)
from bot.content.model import Account, MediaFile, Mode, Source
from bot.content.quoting import is_exact, occurrences, overlaps, quotes_graphic
from bot.content.slots import HOUR, caps_of
from bot.errors import Problem, Severity
from bot.platforms.spec import Limits, PlatformSpec
from bot.rendering.render import PICTURE, RenderedText
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.versions import Version, problem_at

#: One rule over the whole campaign; the moment is aware.
Check = Callable[[RenderedCampaign, datetime], Iterator[Problem]]


def quotations(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """A quotation is its source's own words still, and mentions nobody outside the coalition."""
    for post in whole.campaign.posts:
        source = whole.campaign.sources.get(post.quote.source) if post.quote else None
        if post.quote and source:
            if not is_exact(post.quote, source):
                message = f"is not what {source.id!r} says there any more"
                yield problem_at(post, "quote.text", message, "quote-altered")
            for message in wrong_mentions(post.quote.text, whole.campaign):
                yield problem_at(post, "quote.text", message, "mention-outside")


def left_out(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """A post that does not go to an account of its own is told."""
    for text in whole.texts.values():
        if text.skipped:
            yield text.version.problem("link", text.skipped, "links-never", Severity.NOTICE)


def layout(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """Every post can be laid out for every account it goes to."""
    for text in whole.texts.values():
        for problem in text.problems:
            # A draft may wait for the address of what it links to; reading the files says so once.
            if text.post.ready or problem.rule != "link-address":
                yield _judged(problem, text, whole)


def picture_files(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """A picture's file is one that the account takes as it is."""
    for text in _going(whole):
        limits = whole.limits_of(text.account.name)
        known = {problem.where for problem in text.problems if problem.rule == PICTURE}
        for number, file in enumerate(text.version.media):
            for message in _file_flaws(file, limits):
                problem = text.version.problem(f"media[{number}].file", message, PICTURE)
                if problem.where not in known:
                    yield _judged(problem, text, whole)


def _judged(problem: Problem, text: RenderedText, whole: RenderedCampaign) -> Problem:
    """Return what does not fit as a notice, where only its account's server says so."""
    is_notice = whole.is_servers_word(problem, text)
    return replace(problem, severity=Severity.NOTICE) if is_notice else problem


def warnings(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """A graphic passage, quoted or in marks, and some investigations go only with a warning."""
    for text in _going(whole):
        if not text.version.warning:
            for message in _unwarned(text.version, whole):
                yield text.version.problem("warning", f"missing; {message}", "warning-missing")


def links(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """No link leads to somebody's own page; what editors must mind of one is told."""
    campaign = whole.campaign
    for text in _going(whole):
        link, problem = text.version.link, partial(text.version.problem, "link")
        known = campaign.investigations.get(link) or campaign.sources.get(link)
        if known is None:
            continue
        if is_personal(known.address, campaign.schedule.coalition):
            yield problem(f"{known.address} is somebody's personal profile", "personal-profile")
        for message in preview_flaws(known, campaign):
            yield problem(message, "quote-altered")
        if caution := getattr(known, "caution", ""):
            yield problem(f"mind: {caution}", "link-caution", Severity.NOTICE)


def relative_dates(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """Words that mean another day tomorrow stand beside the date itself, in each status."""
    for text in _going(whole):
        at = text.post.at.astimezone(whole.campaign.zone) if text.post.at else None
        found = dated_words(text.version.text, text.post.lang)
        dated = [words for words in found if not is_true_then(words, at)]
        for status in text.statuses:
            words = [word for word in dated if word in status.text]
            if words and not has_date(status.text):
                message = (
                    f"“{words[0]}” means another day tomorrow; write the date in the same post, "
                    "or give it an `at:` at which it is true"
                )
                yield text.version.problem("text", message, "relative-date")


def attributions(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """The line under every quotation says who, what and the date."""
    for source in whole.campaign.sources.values():
        message = f"names no year; every quotation shows its date ({source.date:%Y-%m-%d})"
        if not source.attribution.strip():
            message = "missing; the line that says who, what and the date"
        if not has_date(source.attribution):
            place, where = source.place, f"{source.id}.attribution"
            yield Problem(place.file, place.line, place.column, where, message, rule="attribution")


def unready_accounts(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """An account goes live with an owner, consent and the label; a rehearsal asks for nothing."""
    campaign = whole.campaign
    if campaign.schedule.mode is not Mode.LIVE:
        return
    today = now.astimezone(campaign.zone).date()
    for account in campaign.schedule.accounts.values():
        for key, message in _missing(account, whole.spec_of(account.name), today):
            place, where = account.place, f"accounts.{account.name}.{key}"
            yield Problem(
                place.file, place.line, place.column, where, message, rule="account-unready"
            )


def soon_too_late(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """A post may be late by as much as its platform can make it wait."""
    schedule = whole.campaign.schedule
    for text in whole.going_out:
        post, spec = text.post, whole.spec_of(text.account.name)
        may_wait = max(spec.rate_window, spec.read_back.outlives)
        if (post.not_after or schedule.not_after) >= may_wait:
            continue
        minutes = f"{may_wait.total_seconds() / 60:.0f}m"
        message = (
            f"{spec.label} may make a post wait {minutes} for a rate limit, or for a lost answer;"
            f" it is then held as late. Write `not_after: {minutes}` or more"
        )
        if post.not_after is None:
            at = schedule.place
            yield Problem(
                at.file, at.line, at.column, "not_after", message, Severity.WARNING, "soon-late"
            )
        else:
            yield problem_at(post, "not_after", message, "soon-late", Severity.WARNING)


def unkept(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What a probe saw a server drop is not relied upon there."""
    for text in whole.going_out:
        post, name = text.post, text.account.name
        limits = whole.limits_of(name)
        if post.lang and not limits.keeps_language:
            message = f"{name}'s server does not keep it; readers there are shown no language"
            yield problem_at(post, "lang", message, "unkept", Severity.WARNING)
        for number, file in enumerate(text.version.media):
            if not limits.keeps_alt and set("<>\n") & set(file.alt):
                key, severity = f"media[{number}].alt", Severity.WARNING
                message = f"{name}'s server drops < > and line ends; write it without them"
                yield text.version.problem(key, message, "unkept", severity)


def crowded(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """No post with a moment of its own is made late by its account's caps."""
    going = [(at, text) for text in whole.going_out if (at := text.post.at) and at > now]
    before: dict[str, list[datetime]] = defaultdict(list)
    for at, text in sorted(going, key=lambda fixed: fixed[0]):
        for most, span, key in caps_of(text.account):
            lately = sum(at - span < earlier for earlier in before[text.account.name])
            if lately >= most:
                what = "an hour" if span == HOUR else "a day"
                message = (
                    f"number {lately + 1} of {text.account.name} within {what}, where {key} is "
                    f"{most}; move it, or raise the cap"
                )
                yield problem_at(text.post, "at", message, "over-cap")
        before[text.account.name].append(at)


def _going(whole: RenderedCampaign) -> Iterator[RenderedText]:
    return (text for text in whole.texts.values() if not text.skipped)


def _file_flaws(file: MediaFile, limits: Limits) -> Iterator[str]:
    if file.mime not in limits.picture_mimes:
        yield f"{file.mime} is not taken; use {' or '.join(limits.picture_mimes)}"
    if file.size > limits.max_picture_bytes:
        yield f"{file.size} of {limits.max_picture_bytes} bytes; make it smaller"
    pixels = file.width * file.height
    if limits.max_pixels is not None and pixels > limits.max_pixels:
        yield f"{pixels} of {limits.max_pixels} pixels; make it smaller"


def _unwarned(version: Version, whole: RenderedCampaign) -> Iterator[str]:
    sources = whole.campaign.sources
    if version.quote and quotes_graphic(version.quote, sources):
        yield "the quoted passage is graphic and needs a warning"
    elif any(_has_graphic_words(version, source) for source in sources.values()):
        yield "the text quotes a graphic passage"
    investigation = whole.campaign.investigations.get(version.link)
    if investigation and investigation.warning:
        yield f"{version.link!r} needs a warning: {investigation.warning}"


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


def _missing(account: Account, spec: PlatformSpec, today: date) -> Iterator[tuple[str, str]]:
    if not account.owner.strip():
        yield "owner", "missing; `mode: live` needs the organisation that owns the account"
    if account.consent is None or not account.consent.by.strip():
        yield "consent", "missing; `mode: live` needs who agreed that the bot posts here, and when"
    elif account.consent.on > today:
        yield "consent.on", f"{account.consent.on} is still to come; consent comes first"
    seen_on = spec.value(account, spec.label_key) if spec.label_key else today
    if seen_on is None:
        message = (
            f"missing; {spec.label} tells no program whether the account has its Automated "
            "label: look, and write the day on which you saw it"
        )
        yield spec.label_key, message
    elif seen_on > today:
        message = f"{seen_on} is still to come; write the day on which the label was seen"
        yield spec.label_key, message


#: Rules that a post keeps or breaks by itself, at any time: what they found of one is kept.
CHECKS_OF_POSTS: tuple[Check, ...] = (
    quotations,
    wordings,
    scripts,
    left_out,
    layout,
    picture_files,
    warnings,
    links,
    relative_dates,
    soon_too_late,
    unkept,
)
#: Rules of the campaign, and of posts beside each other.
CHECKS_OF_CAMPAIGN: tuple[Check, ...] = (
    source_scripts,
    attributions,
    unready_accounts,
    too_close,
    twins,
    never_again,
    crowded,
)


def check(
    whole: RenderedCampaign,
    now: datetime,
    rules: Iterable[Check] = (*CHECKS_OF_POSTS, *CHECKS_OF_CAMPAIGN),
) -> frozenset[Problem]:
    """Return all problems that rules find in a campaign; what is a notice stops nothing."""
    return frozenset(problem for rule in rules for problem in rule(whole, now))
