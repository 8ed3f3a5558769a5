"""Posts that say nearly the same: at fixed times too close together, or from two accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.campaign import Account, Campaign, Post, Schedule
from bot.core.model import Traits
from bot.core.similarity import similar_pairs
from bot.core.slots import yearly_times
from bot.core.versions import place_of, problem_at
from bot.errors import Problem, Severity

#: Yearly days are compared with what stands up to this far ahead.
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Rendering:
    """A post on an account that will go out, and its words as likeness compares them."""

    post: Post
    account: Account
    words: str


@dataclass(frozen=True, slots=True)
class _Moment:
    """A rendering at a fixed time."""

    at: datetime
    rendering: Rendering


def likenesses(
    campaign: Campaign, shown: Sequence[Rendering], *, traits: Mapping[str, Traits], now: datetime
) -> Iterator[Problem]:
    """Say which posts are too much alike.

    At fixed times: within `Schedule.similarity_days` on one account, or on two accounts of one
    platform. Whenever it is: one text from two accounts of one platform, and one text twice where
    a platform repeats nothing.
    """
    yield from _fixed_too_close(campaign.schedule, shown, now)
    yield from _twins(shown)
    yield from _never_again(shown, traits)


def _fixed_too_close(
    schedule: Schedule, shown: Sequence[Rendering], now: datetime
) -> Iterator[Problem]:
    moments = sorted(
        _moments(schedule, shown, now), key=lambda one: (one.at, one.rendering.post.id)
    )
    texts = list(dict.fromkeys(one.rendering.words for one in moments))
    alike = _Alike(texts, schedule.similarity)
    said: set[tuple[str, str, str, str]] = set()
    for earlier, later in _close(moments, timedelta(days=schedule.similarity_days)):
        one, two = earlier.rendering, later.rendering
        share = alike.share(one.words, two.words) if _compared(one, two) else None
        key = (one.post.id, one.account.name, two.post.id, two.account.name)
        if share is not None and key not in said:
            said.add(key)
            yield _too_close(earlier, later, share, schedule)


def _compared(one: Rendering, two: Rendering) -> bool:
    """Tell whether two renderings meet: one account, or two accounts of one platform."""
    if one.post.id == two.post.id:
        return one.account.name != two.account.name and one.account.platform == two.account.platform
    return one.account.platform == two.account.platform


class _Alike:
    """Shares of likeness that reach the threshold, computed once for all pairs of texts."""

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        self._number = {text: at for at, text in enumerate(texts)}
        self._shares = {
            (pair.first, pair.second): pair.similarity for pair in similar_pairs(texts, threshold)
        }

    def share(self, one: str, two: str) -> float | None:
        a, b = sorted((self._number[one], self._number[two]))
        return 1.0 if a == b else self._shares.get((a, b))


def _moments(schedule: Schedule, shown: Iterable[Rendering], now: datetime) -> Iterator[_Moment]:
    """Give each fixed time of each rendering; yearly ones as far as they can meet another."""
    zone = ZoneInfo(schedule.timezone)
    fixed = [one.post.at for one in shown if one.post.at is not None]
    reach = timedelta(days=schedule.similarity_days + 1)
    first = (min([now, *fixed]) - reach).astimezone(zone).date()
    last = (max([now + _AHEAD, *fixed]) + reach).astimezone(zone).date()
    for one in shown:
        if one.post.at is not None:
            yield _Moment(one.post.at, one)
        elif one.post.every_year is not None:
            for _, instant in yearly_times(one.post.every_year, zone=zone, first=first, last=last):
                yield _Moment(instant.utc.astimezone(UTC), one)


def _close(moments: Sequence[_Moment], within: timedelta) -> Iterator[tuple[_Moment, _Moment]]:
    """Give all pairs that are at most so far apart; ``moments`` are in order."""
    for number, earlier in enumerate(moments):
        for later in moments[number + 1 :]:
            if later.at - earlier.at > within:
                break
            yield earlier, later


def _too_close(earlier: _Moment, later: _Moment, share: float, schedule: Schedule) -> Problem:
    one, two = earlier.rendering, later.rendering
    zone = ZoneInfo(schedule.timezone)
    days = (later.at - earlier.at).days
    accounts = " and ".join(dict.fromkeys((two.account.name, one.account.name)))
    message = (
        f"{share:.0%} like {one.post.id!r} ({_place(one.post)}) on {accounts}, {days} days apart "
        f"({earlier.at.astimezone(zone):%Y-%m-%d} and {later.at.astimezone(zone):%Y-%m-%d}); "
        f"{schedule.similarity:.0%} or more needs {schedule.similarity_days} days between. "
        f"This: “{_short(two.words)}” That: “{_short(one.words)}” Move one, or say it otherwise"
    )
    return problem_at(two.post, _time_key(two.post), message)


def _time_key(post: Post) -> str:
    return "at" if post.at is not None else "every_year"


def _place(post: Post) -> str:
    place = place_of(post, "quote.text" if post.quote else "text")
    return f"{place.file}:{place.line}"


def _short(text: str, most: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _twins(shown: Sequence[Rendering]) -> Iterator[Problem]:
    """Refuse one text from two accounts of one platform, whenever it goes out."""
    for group in _same(shown, lambda one: one.account.platform):
        first, *others = group
        for two in (one for one in others if one.account.name != first.account.name):
            yield problem_at(
                two.post,
                "accounts",
                f"{two.account.name} would say what {first.account.name} says in "
                f"{first.post.id!r} ({_place(first.post)}), word for word; one text never goes "
                "out from two accounts of one platform: name one account in `accounts:`, or "
                "give one a variant of its own",
            )


def _same(
    shown: Iterable[Rendering], meeting: Callable[[Rendering], str]
) -> Iterator[list[Rendering]]:
    """Group what says the same word for word where ``meeting`` is the same; two or more."""
    groups: dict[tuple[str, str], list[Rendering]] = defaultdict(list)
    for one in shown:
        groups[meeting(one), " ".join(one.words.split()).casefold()].append(one)
    return (group for group in groups.values() if len(group) > 1)


def _never_again(shown: Sequence[Rendering], traits: Mapping[str, Traits]) -> Iterator[Problem]:
    """Warn of what stays unsent where a platform's accounts never repeat a text."""
    strict = [one for one in shown if not traits[one.account.platform].may_repeat]
    for first, *others in _same(strict, lambda one: one.account.name):
        for two in others:
            yield problem_at(
                two.post,
                "quote.text" if two.post.quote else "text",
                f"{two.account.name} never repeats a text, and {first.post.id!r} "
                f"({_place(first.post)}) has the same; this one will not go out there",
                severity=Severity.WARNING,
            )
    for one in strict:
        if one.post.every_year is not None:
            yield problem_at(
                one.post,
                "every_year",
                f"{one.account.name} never repeats a text, so it goes out there once",
                severity=Severity.NOTICE,
            )
