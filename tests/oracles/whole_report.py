"""The report as it was made before: out of the whole history, in memory; what it must come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median

from bot.content.model import Campaign
from bot.delivery.model import Delivery, Publication, State
from bot.engagement.ages import AGES, JUDGED_AGES, added, engagements, per_thousand
from bot.engagement.estimate import (
    ENOUGH_FOR_MEDIAN,
    Estimate,
    Observed,
    Sample,
    differ,
    estimate,
    estimate_groups,
    learn,
    observe,
)
from bot.engagement.judged import JUDGED_BY, NOT_JUDGED_BY
from bot.engagement.report import Line, Typical
from bot.engagement.snapshots import Snapshot, SnapshotState
from bot.engagement.store import EngagementStore
from bot.platforms.status import Metrics
from bot.rendering.layout import first_words

_PART_HOURS = 3
#: Was live at some time, and may have numbers.
OUT = frozenset({State.SENT, State.GONE, State.RETRACTED})


@dataclass(frozen=True, slots=True)
class OldReading:
    """One post on one account: all parts of a thread together. Times are UTC."""

    #: What reports group by.
    publication: Publication
    sent_at: datetime
    url: str
    #: Whole text of its first status.
    text: str
    lang: str
    #: Its statuses that went out.
    parts: int
    #: Followers of the account on the day it went out, or the last day known before.
    followers: int | None
    #: Age -> numbers; only what was read of all parts.
    numbers: Mapping[str, Metrics]
    #: Age -> when it was read.
    taken_at: Mapping[str, datetime]
    #: Age -> what came of it where there are no numbers: outcome and reason.
    blanks: Mapping[str, tuple[SnapshotState, str]]
    #: SENT, or GONE or RETRACTED.
    state: State = State.SENT

    @property
    def id(self) -> str:
        return self.publication.id

    @property
    def post_id(self) -> str:
        return self.publication.post_id

    @property
    def account(self) -> str:
        return self.publication.account

    @property
    def platform(self) -> str:
        return self.publication.platform

    @property
    def age(self) -> str:
        """Return the oldest age at which it can be judged; empty where there is none yet."""
        known = [age for age in JUDGED_AGES if self.count(age) is not None]
        return known[-1] if known else ""

    @property
    def as_of(self) -> datetime | None:
        return self.taken_at.get(self.age)

    def count(self, age: str) -> int | None:
        """Return its engagements at an age; None where they are unknown."""
        numbers = self.numbers.get(age)
        return engagements(numbers) if numbers else None

    @property
    def sample(self) -> Sample | None:
        count = self.count(self.age)
        if count is None:
            return None
        shown = self.numbers[self.age].impressions
        return Sample(self.id, self.platform, self.account, self.age, count, shown)


def readings(store: EngagementStore) -> tuple[OldReading, ...]:
    """Read all that went out, oldest first."""
    snapshots = {(read.delivery_id, read.age_label): read for read in store.snapshots.each()}
    threads: dict[str, list[Delivery]] = defaultdict(list)
    for row in store.outbox.find(states=OUT):
        if row.sent_at is not None:
            threads[row.publication.id].append(row)
    accounts = {parts[0].account for parts in threads.values()}
    followers = {name: store.followers.of(name) for name in accounts}
    found = [_reading(parts, snapshots, followers[parts[0].account]) for parts in threads.values()]
    return tuple(sorted(found, key=lambda post: (post.sent_at, post.account, post.post_id)))


def _reading(
    rows: Sequence[Delivery],
    snapshots: Mapping[tuple[str, str], Snapshot],
    followers: Mapping[str, int],
) -> OldReading:
    parts = sorted(rows, key=lambda row: row.part)
    first, sent_at = parts[0], next(row.sent_at for row in parts if row.sent_at)
    numbers: dict[str, Metrics] = {}
    taken_at: dict[str, datetime] = {}
    blanks: dict[str, tuple[SnapshotState, str]] = {}
    for age in AGES:
        reads = [snapshots[row.id, age] for row in parts if (row.id, age) in snapshots]
        blank = next((read for read in reads if read.outcome is not SnapshotState.TAKEN), None)
        if blank is not None:
            blanks[age] = blank.outcome, blank.reason
        elif len(reads) == len(parts):
            numbers[age] = added(read.metrics for read in reads)
            taken_at[age] = max(read.taken_at for read in reads if read.taken_at)
    today = sent_at.astimezone(UTC).date().isoformat()
    known = [count for day, count in followers.items() if day <= today]
    return OldReading(
        publication=first.publication,
        sent_at=sent_at,
        url=first.url,
        text=first.status.text,
        lang=first.status.lang,
        parts=len(parts),
        followers=known[-1] if known else None,
        numbers=numbers,
        taken_at=taken_at,
        blanks=blanks,
        state=first.state,
    )


_GROUP: Mapping[str, Callable[[OldReading], str]] = {
    "post": lambda reading: reading.post_id,
    "excerpt": lambda reading: reading.publication.excerpt,
    "theme": lambda reading: reading.publication.theme,
    "lang": lambda reading: reading.publication.lang or reading.lang,
    "form": lambda reading: reading.publication.form,
    "slot": lambda reading: reading.publication.slot or "fixed time",
    "platform": lambda reading: reading.platform,
    "account": lambda reading: reading.account,
}


@dataclass(frozen=True, slots=True)
class OldReport:
    """What is compared."""

    lines: Mapping[str, tuple[Line, ...]]
    own: Mapping[str, Estimate]
    usual: Mapping[str, tuple[Typical, ...]]
    day_parts: tuple[Line, ...]
    day_parts_differ: bool
    lacking: Mapping[str, int]
    readings: tuple[OldReading, ...]


def whole_report(
    store: EngagementStore, campaign: Campaign, *, since: datetime | None, post: str | None
) -> OldReport:
    everything = readings(store)
    observed, lacking = observe(sample for reading in everything if (sample := reading.sample))
    chosen = tuple(
        reading
        for reading in everything
        if (since is None or reading.sent_at >= since) and post in (None, reading.post_id)
    )
    own = estimate({id_: [ratio] for id_, ratio in observed.items()})
    tables = _Tables(campaign, everything, chosen, observed)
    day_parts, they_differ = tables.day_parts()
    return OldReport(
        lines={by: tables.lines(by) for by in JUDGED_BY},
        own={known.name: known for known in own},
        usual={
            by: tuple(_usual(*group) for group in sorted(_grouped(chosen, _GROUP[by]).items()))
            for by in NOT_JUDGED_BY
        },
        day_parts=day_parts,
        day_parts_differ=they_differ,
        lacking=lacking,
        readings=chosen,
    )


@dataclass(frozen=True, slots=True)
class _Tables:
    """Lines of the chosen readings; the prior of posts is learnt from all of them."""

    campaign: Campaign
    everything: Sequence[OldReading]
    chosen: Sequence[OldReading]
    observed: Mapping[str, Observed]

    def lines(self, by: str) -> tuple[Line, ...]:
        members = _grouped(self.chosen, _GROUP[by])
        if by == "post":
            among = self._seen(_grouped(self.everything, _GROUP[by]))
            estimates = estimate(self._seen(members), learn(among))
        else:
            estimates = self._of_groups(members)
        members.pop("", None)
        judged = [self._line(by, known.name, members.pop(known.name), known) for known in estimates]
        rest = [self._line(by, name, group, None) for name, group in sorted(members.items())]
        return (*judged, *rest)

    def day_parts(self) -> tuple[tuple[Line, ...], bool]:
        """Return the times of day in their order, and whether two of them differ."""

        def part_of(reading: OldReading) -> str:
            hour = reading.sent_at.astimezone(self.campaign.zone).hour
            start = hour // _PART_HOURS * _PART_HOURS
            return f"{start:02}:00–{(start + _PART_HOURS) % 24:02}:00"

        members = _grouped(self.chosen, part_of)
        estimates = self._of_groups(members)
        lines = [self._line("time", known.name, members[known.name], known) for known in estimates]
        return tuple(sorted(lines, key=lambda line: line.name)), differ(estimates)

    def _of_groups(self, members: Mapping[str, Sequence[OldReading]]) -> tuple[Estimate, ...]:
        return estimate_groups(
            {name: self._seen(_grouped(group, _GROUP["post"])) for name, group in members.items()}
        )

    def _seen(
        self, members: Mapping[str, Sequence[OldReading]]
    ) -> Mapping[str, Sequence[Observed]]:
        known = self.observed
        return {name: [known[reading.id] for reading in group if reading.id in known]
                for name, group in members.items()}  # fmt: skip

    def _line(
        self, by: str, name: str, group: Sequence[OldReading], known: Estimate | None
    ) -> Line:
        words = lang = ""
        source_id, _, stretch = name.rpartition(":")
        if by == "post":
            words, lang = first_words(group[0].text), group[0].lang
        elif by == "excerpt" and (source := self.campaign.sources.get(source_id)):
            start, _, end = stretch.partition("-")
            words, lang = first_words(source.text[int(start) : int(end)]), source.lang
        low, high = known.known.interval() if known else (None, None)
        return Line(
            name=name,
            words=words,
            lang=lang,
            n=len(group) if by == "post" else len({reading.post_id for reading in group}),
            ratio=known.known.mean if known else None,
            low=low,
            high=high,
            growth=_growth(group),
            as_of=_as_of(group),
            sequence=known.sequence if known and by != "post" else None,
        )


def _grouped(
    readings: Iterable[OldReading], name_of: Callable[[OldReading], str]
) -> dict[str, list[OldReading]]:
    groups: dict[str, list[OldReading]] = defaultdict(list)
    for reading in readings:
        groups[name_of(reading)].append(reading)
    return groups


def _growth(group: Sequence[OldReading]) -> tuple[float | None, ...]:
    """Return the mean engagements of a post at each age; only of posts that were read then."""
    known = ([n for reading in group if (n := reading.count(age)) is not None] for age in AGES)
    return tuple(fmean(counts) if counts else None for counts in known)


def _as_of(group: Iterable[OldReading]) -> datetime | None:
    return max((reading.as_of for reading in group if reading.as_of), default=None)


def _usual(name: str, group: Sequence[OldReading]) -> Typical:
    """Return what is usual at the oldest age at which enough posts have numbers, or else most."""
    having = {age: [post for post in group if post.count(age) is not None] for age in JUDGED_AGES}
    enough = [age for age in JUDGED_AGES if len(having[age]) >= ENOUGH_FOR_MEDIAN]
    age = enough[-1] if enough else max(JUDGED_AGES, key=lambda age: len(having[age]))
    known = having[age]
    counts = [reading.count(age) or 0 for reading in known]

    def median_rate(exposures: Iterable[int | None]) -> float | None:
        rates = map(per_thousand, counts, exposures)
        known_rates = [rate for rate in rates if rate is not None]
        return median(known_rates) if known_rates else None

    return Typical(
        name=name,
        platform=group[0].platform,
        n=len(known),
        age=age if known else "",
        median=median(counts) if counts else None,
        per_1000_followers=median_rate(reading.followers for reading in known),
        per_1000_impressions=median_rate(reading.numbers[age].impressions for reading in known),
        followers=max(group, key=lambda reading: reading.sent_at).followers,
        growth=_growth(group),
        as_of=_as_of(group),
    )
