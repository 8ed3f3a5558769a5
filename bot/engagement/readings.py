"""What went out and what it brought: snapshots joined to deliveries, threads as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.delivery.model import Delivery, State
from bot.delivery.publications import Publication
from bot.engagement.ages import AGES, JUDGED_UP_TO, added, engagements
from bot.engagement.estimate import Sample
from bot.engagement.snapshots import Snapshot, SnapshotState
from bot.engagement.store import EngagementStore
from bot.platforms.status import Metrics

#: Was live at some time, and may have numbers.
OUT = frozenset({State.SENT, State.GONE, State.RETRACTED})
#: Ages at which posts are judged.
JUDGED_AGES = tuple(AGES)[: tuple(AGES).index(JUDGED_UP_TO) + 1]


@dataclass(frozen=True, slots=True)
class Reading:
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


def readings(store: EngagementStore) -> tuple[Reading, ...]:
    """Read all that went out, oldest first."""
    snapshots = {(read.delivery_id, read.age_label): read for read in store.snapshots.find()}
    threads: dict[str, list[Delivery]] = defaultdict(list)
    own_replies: dict[str, list[datetime]] = defaultdict(list)
    for row in store.outbox.find(states=OUT):
        if row.sent_at is not None:
            threads[row.publication.id].append(row)
            if row.parent_id and row.state is State.SENT:
                own_replies[row.parent_id].append(row.sent_at)
    snapshots = {
        (id_, age): _by_others(read, own_replies[id_]) for (id_, age), read in snapshots.items()
    }
    accounts = {parts[0].account for parts in threads.values()}
    followers = {name: store.followers.of(name) for name in accounts}
    found = [_reading(parts, snapshots, followers[parts[0].account]) for parts in threads.values()]
    return tuple(sorted(found, key=lambda post: (post.sent_at, post.account, post.post_id)))


def _by_others(read: Snapshot, own_replies: Sequence[datetime]) -> Snapshot:
    """Take the account's own replies away: parts of a thread and corrections engage nobody."""
    replies, taken_at = read.metrics.replies, read.taken_at
    if replies is None or taken_at is None:
        return read
    own = sum(sent_at <= taken_at for sent_at in own_replies)
    return replace(read, metrics=replace(read.metrics, replies=max(0, replies - own)))


def _reading(
    rows: Sequence[Delivery],
    snapshots: Mapping[tuple[str, str], Snapshot],
    followers: Mapping[str, int],
) -> Reading:
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
    return Reading(
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
