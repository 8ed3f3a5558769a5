"""What went out and what it brought, threads as one: whole, page by page; and in sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    case,
    distinct,
    func,
    or_,
    select,
    true,
    type_coerce,
)

from bot.db.database import PAGE, Repository
from bot.delivery.lifecycle import OUT
from bot.delivery.model import Delivery, OfPublication, Publication, State
from bot.delivery.rows import as_delivery, deliveries
from bot.delivery.tables import delivery, publication
from bot.engagement.ages import AGES, age_of, engagements
from bot.engagement.snapshots import SnapshotState, by_delivery, numbers_of
from bot.engagement.tables import reading, snapshot
from bot.platforms.status import Metrics, Status, status_from_json

_R, _P, _D = reading.c, publication.c, delivery.c
_ORDER = (_R.sent_at, _P.account, _P.post_id, _P.id)
#: A read of it brought no numbers; of one that is only due yet, nothing is known.
_IS_BLANK = _R.publication_id.in_(
    select(_D.publication_id)
    .join(snapshot, snapshot.c.delivery_id == _D.id)
    .where(snapshot.c.state.in_(set(SnapshotState) - {SnapshotState.TAKEN}))
    .where(or_(snapshot.c.state != SnapshotState.DUE, snapshot.c.reason != ""))
)
#: Grouping -> the name of a reading's group.
NAMES: Mapping[str, ColumnElement[str]] = {
    "post": _P.post_id,
    "excerpt": _P.excerpt,
    "theme": _P.theme,
    "lang": func.coalesce(func.nullif(_P.lang, ""), _R.lang),
    "form": _P.form,
    "slot": func.coalesce(func.nullif(_P.slot, ""), "fixed time"),
    "platform": _P.platform,
    "account": _P.account,
}


@dataclass(frozen=True, slots=True)
class Reading(OfPublication):
    """One post on one account: all parts of a thread together. Times are UTC."""

    #: What reports group by.
    publication: Publication
    sent_at: datetime
    url: str
    #: The first of its statuses.
    status: Status
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
    def text(self) -> str:
        return self.status.text

    @property
    def lang(self) -> str:
        return self.status.lang

    @property
    def engagements(self) -> int | None:
        """Return those at the age at which it is judged; None where there is none yet."""
        return engagements(self.numbers[self.age]) if self.age else None

    @property
    def age(self) -> str:
        """Return the oldest age at which it can be judged; empty where there is none yet."""
        return age_of(self.numbers)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which readings a report is of."""

    since: datetime | None = None
    post: str | None = None
    #: Not included.
    until: datetime | None = None

    def condition(self) -> ColumnElement[bool]:
        since = true() if self.since is None else _R.sent_at >= self.since
        until = true() if self.until is None else _R.sent_at < self.until
        return since & until & (true() if self.post is None else _P.post_id == self.post)

    def has(self, sent_at: datetime, post: str) -> bool:
        """Return whether a reading is one of them."""
        is_late = self.until is not None and sent_at >= self.until
        is_early = self.since is not None and sent_at < self.since
        return not is_early and not is_late and self.post in {None, post}


@dataclass(frozen=True, slots=True)
class GroupSum:
    """What a group of readings comes to."""

    name: str
    #: Readings.
    n: int
    #: Posts that they are of.
    posts: int
    as_of: datetime | None
    #: Engagements of all, each at the age at which it is judged.
    judged: int
    #: By age: readings whose engagements then are known, and the sum of these.
    known: tuple[int, ...]
    total: tuple[int, ...]
    #: Readings that have engagements, and those whose impressions are told.
    counted: int = 0
    with_shown: int = 0
    #: Impressions of all that tell them.
    shown: int = 0

    @property
    def growth(self) -> tuple[float | None, ...]:
        """Return the mean engagements of a post at each age; only of posts that were read then."""
        pairs = zip(self.total, self.known, strict=True)
        return tuple(total / known if known else None for total, known in pairs)


class Readings(Repository):
    """Questions about what went out; `Snapshots` keeps the table `reading`, row by row."""

    def each(self, chosen: Chosen, *, only_blank: bool = False) -> Iterator[Reading]:
        """Yield readings, or those of which a read is missing, in the memory of a page."""
        query = _joined(_R.publication_id, _R.followers).where(chosen.condition())
        if only_blank:
            query = query.where(_IS_BLANK)
        rows = self._each(query, *_ORDER)
        while page := list(islice(rows, PAGE)):
            yield from self._whole(page)

    def newest(
        self, count: int, chosen: Chosen, account: str, *, only_blank: bool
    ) -> Sequence[Reading]:
        """Return the newest readings, of one account or of all; oldest first."""
        query = _joined(_R.publication_id, _R.followers).where(chosen.condition())
        if account:
            query = query.where(_P.account == account)
        if only_blank:
            query = query.where(_IS_BLANK)
        last = query.order_by(*(column.desc() for column in _ORDER)).limit(count)
        return self._whole(self._rows(last)[::-1])

    def slim(self, names: Sequence[ColumnElement[Any]], chosen: Chosen) -> Iterator[Sequence[Any]]:
        """Yield what judging needs of each reading, then what orders them; oldest first."""
        query = _joined(_P.platform, _R.age, _R.count, _R.shown, *names)
        return self._each(query.where(chosen.condition()), *_ORDER)

    def state(self) -> Sequence[Any]:
        """Return what is different once any number that is judged is another one."""
        newest = _R.change == select(func.max(_R.change)).scalar_subquery()
        # Two that write at once may count alike: then there is one more of them.
        figures: Sequence[ColumnElement[Any]] = (func.max(_R.change), func.count())
        return tuple(self._rows(select(*figures).where(newest))[0])

    def sums(self, name: ColumnElement[Any], chosen: Chosen) -> Mapping[str, GroupSum]:
        """Sum readings up by the name of their group."""
        columns = [_R[f"count_{age}"] for age in AGES]
        query = _joined(
            name.label("name"), func.count(), func.count(distinct(_P.post_id)), func.max(_R.as_of),
            func.count(_R.count), func.count(_R.shown), func.sum(_R.shown), func.sum(_R.count),
            *map(func.count, columns), *map(func.sum, columns),
        )  # fmt: skip
        found: dict[str, GroupSum] = {}
        for row in self._rows(query.where(chosen.condition()).group_by("name")):
            group, n, posts, as_of, counted, with_shown, shown, judged, *by_age = tuple(row)
            known, total = by_age[: len(AGES)], by_age[len(AGES) :]
            sums = (int(each or 0) for each in (judged, *total))  # PostgreSQL's are decimals
            found[group] = GroupSum(
                group, n, posts, as_of, next(sums), tuple(known), tuple(sums),
                counted, with_shown, int(shown or 0),
            )  # fmt: skip
        return found

    def at_age(self, by: str, name: str, age: str, chosen: Chosen) -> Sequence[Row[Any]]:
        """Return engagements, followers and impressions of a group's readings known at an age."""
        count = _R[f"count_{age}"]
        query = _joined(count, _R.followers, _R[f"shown_{age}"]).where(count.is_not(None))
        return self._rows(query.where(chosen.condition(), NAMES[by] == name))

    def last(self, by: str, name: str, chosen: Chosen) -> Row[Any]:
        """Return the platform of a group, and the followers of its newest reading."""
        query = _joined(_P.platform, _R.followers).where(chosen.condition(), NAMES[by] == name)
        return self._rows(query.order_by(_R.sent_at.desc(), *_ORDER[1:]).limit(1))[0]

    def texts(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Return text and language of publications' first statuses."""
        found = {}
        for start in range(0, len(ids), PAGE):
            columns = _D.publication_id, _D.status_json, _D.state, _D.sent_at
            query = select(*columns).where(_D.publication_id.in_(ids[start : start + PAGE]))
            # The last that is put there is the first part.
            for row in filter(_is_out, self._rows(query.order_by(_D.part.desc()))):
                found[row.publication_id] = row.status_json
        statuses = {id_: status_from_json(text) for id_, text in found.items()}
        return {id_: (status.text, status.lang) for id_, status in statuses.items()}

    def span(self) -> tuple[datetime | None, datetime | None]:
        """Return when the first and the last reading went out."""
        first, last = func.min(_R.sent_at).label("first"), func.max(_R.sent_at).label("last")
        row = self._rows(select(first, last))[0]
        return row.first, row.last

    def _whole(self, rows: Sequence[Row[Any]]) -> Sequence[Reading]:
        ids = [row.publication_id for row in rows]
        threads: dict[str, list[Delivery]] = defaultdict(list)
        query = deliveries().where(_D.publication_id.in_(ids)).order_by(_D.part)
        for part in filter(_is_out, map(as_delivery, self._rows(query))):
            threads[part.publication.id].append(part)
        parts_out = [part.id for parts in threads.values() for part in parts]
        reads = by_delivery(
            self._rows(select(snapshot).where(snapshot.c.delivery_id.in_(parts_out)))
        )
        found = []
        for row in rows:
            parts = threads[row.publication_id]
            first = parts[0]
            numbers, taken_at, blanks = numbers_of([part.id for part in parts], reads)
            found.append(Reading(
                publication=first.publication,
                sent_at=next(part.sent_at for part in parts if part.sent_at),
                url=first.url,
                status=first.status,
                parts=len(parts),
                followers=row.followers,
                numbers=numbers,
                taken_at=taken_at,
                blanks=blanks,
                state=first.state,
            ))  # fmt: skip
        return found


def hour_of(offsets: Sequence[tuple[datetime, int]]) -> ColumnElement[int]:
    """Return the hour at which a reading went out, by what `zones.offsets` says of a zone."""
    ahead = case(*((_R.sent_at < until, seconds) for until, seconds in offsets), else_=0)
    return (type_coerce(_R.sent_at, BigInteger) // 1_000_000 + ahead) // 3600 % 24


def _is_out(part: Any) -> bool:
    """Return whether a part went out; asked in SQL, SQLite would go through all that ever did."""
    return part.state in OUT and part.sent_at is not None


def _joined(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns).join_from(reading, publication)
