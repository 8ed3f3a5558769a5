"""Posts that say nearly the same: at fixed times too close together, or from two accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.content.model import Post
from bot.content.slots import yearly_times
from bot.errors import Problem, Severity
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.versions import place_of, problem_at

#: Yearly days are compared with what stands up to this far ahead.
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A text at a fixed time."""

    at: datetime
    text: RenderedText


def too_close(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """Similar texts have their days between them, on one account or on two of one platform."""
    days = timedelta(days=whole.campaign.schedule.similarity_days)
    moments = sorted(_moments(whole, now), key=lambda one: (one.at, one.text.post.id))
    told: set[tuple[str, str, str, str]] = set()
    for earlier, later in _close(moments, days):
        one, two = earlier.text, later.text
        share = whole.share(one.words, two.words) if _compared(one, two) else None
        key = (one.post.id, one.account.name, two.post.id, two.account.name)
        if share is not None and key not in told:
            told.add(key)
            message = _too_close(earlier, later, share, whole)
            key_of_time = "at" if two.post.at is not None else "every_year"
            yield problem_at(two.post, key_of_time, message, "similar-text")


def twins(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """One text never goes out from two accounts of one platform, whenever that is."""
    for first, *others in _same(whole.going_out(), lambda one: one.account.platform):
        for two in (one for one in others if one.account.name != first.account.name):
            message = (
                f"{two.account.name} would say what {first.account.name} says in "
                f"{first.post.id!r} ({_place(first.post)}), word for word; one text never goes "
                "out from two accounts of one platform: name one account in `accounts:`, or "
                "give one a variant of its own"
            )
            yield problem_at(two.post, "accounts", message, "same-text")


def never_again(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What stays unsent where a platform's accounts never repeat a text is told."""
    strict = [one for one in whole.going_out() if not whole.spec_of(one.account.name).may_repeat]
    for first, *others in _same(strict, lambda one: one.account.name):
        for two in others:
            message = (
                f"{two.account.name} never repeats a text, and {first.post.id!r} "
                f"({_place(first.post)}) has the same; this one will not go out there"
            )
            key, severity = "quote.text" if two.post.quote else "text", Severity.WARNING
            yield problem_at(two.post, key, message, "never-repeated", severity=severity)
    for one in strict:
        if one.post.every_year is not None:
            message = f"{one.account.name} never repeats a text, so it goes out there once"
            yield problem_at(
                one.post, "every_year", message, "never-repeated", severity=Severity.NOTICE
            )


def _compared(one: RenderedText, two: RenderedText) -> bool:
    """Return whether two texts meet: one account, or two accounts of one platform."""
    is_same = one.post.id == two.post.id and one.account.name == two.account.name
    return one.account.platform == two.account.platform and not is_same


def _moments(whole: RenderedCampaign, now: datetime) -> Iterator[_Moment]:
    """Return each fixed time of each text; yearly ones as far as they can meet another."""
    zone, shown = whole.campaign.zone, whole.going_out()
    fixed = [one.post.at for one in shown if one.post.at is not None]
    reach = timedelta(days=whole.campaign.schedule.similarity_days + 1)
    first = (min([now, *fixed]) - reach).astimezone(zone).date()
    last = (max([now + _AHEAD, *fixed]) + reach).astimezone(zone).date()
    for one in shown:
        if one.post.at is not None:
            yield _Moment(one.post.at, one)
        elif one.post.every_year is not None:
            for _, instant in yearly_times(one.post.every_year, zone=zone, first=first, last=last):
                yield _Moment(instant.utc.astimezone(UTC), one)


def _close(moments: Sequence[_Moment], within: timedelta) -> Iterator[tuple[_Moment, _Moment]]:
    """Return all pairs that are at most so far apart; ``moments`` are in order."""
    for number, earlier in enumerate(moments):
        for later in moments[number + 1 :]:
            if later.at - earlier.at > within:
                break
            yield earlier, later


def _too_close(earlier: _Moment, later: _Moment, share: float, whole: RenderedCampaign) -> str:
    one, two = earlier.text, later.text
    zone, schedule = whole.campaign.zone, whole.campaign.schedule
    accounts = " and ".join(dict.fromkeys((two.account.name, one.account.name)))
    return (
        f"{share:.0%} like {one.post.id!r} ({_place(one.post)}) on {accounts}, "
        f"{(later.at - earlier.at).days} days apart "
        f"({earlier.at.astimezone(zone):%Y-%m-%d} and {later.at.astimezone(zone):%Y-%m-%d}); "
        f"{schedule.similarity:.0%} or more needs {schedule.similarity_days} days between. "
        f"This: “{_short(two.words)}” That: “{_short(one.words)}” Move one, or say it otherwise"
    )


def _place(post: Post) -> str:
    place = place_of(post, "quote.text" if post.quote else "text")
    return f"{place.file}:{place.line}"


def _short(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _same(
    shown: Iterable[RenderedText], meeting: Callable[[RenderedText], str]
) -> Iterator[list[RenderedText]]:
    """Group what says the same word for word where ``meeting`` is the same; two or more."""
    groups: dict[tuple[str, str], list[RenderedText]] = defaultdict(list)
    for one in shown:
        groups[meeting(one), " ".join(one.words.split()).casefold()].append(one)
    return (group for group in groups.values() if len(group) > 1)
