"""What the outbox tells: deliveries by what they are, and what is to be done when.

What is asked often reads by an index what the answer needs, never all that was ever sent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypedDict, Unpack

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union,
    union_all,
)

from bot.authority.tables import PauseScope
from bot.db.database import PAGE, Repository
from bot.delivery.lifecycle import OUT, UNSENT, Event
from bot.delivery.model import Delivery, Publication, PublicationState, State
from bot.delivery.rows import (
    Attempt,
    Move,
    as_delivery,
    as_publication,
    deliveries,
    publications,
)
from bot.delivery.tables import WITHDRAWN, attempt, delivery, move, publication

_D, _P = delivery.c, publication.c
_PARENT = delivery.alias("parent")
#: So long before its moment a delivery is let through, so that then only sending it is left.
AHEAD = timedelta(seconds=2)
#: A parent in these never comes out any more (or is gone again); its child must be held.
_NEVER_OUT = (State.CANCELLED, State.RETRACTED, State.GONE)
#: Ends of an attempt after which nothing is out.
_SURELY_NOT = (Event.DEFER.name, Event.STOP.name, Event.REFUSE.name)
_IN_ORDER = (_P.due_at, _D.account, _D.part, _D.id)
_CALLED = attempt.c.called_at
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Which(TypedDict, total=False):
    """Which deliveries: all that is given must hold, and None is not given."""

    states: Collection[State] | None
    account: str | None
    post_id: str | None
    publication_id: str | None
    #: Due from then on; what waits for a free slot is due at no time.
    since: datetime | None
    #: Due before then.
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How much of an account is in one state."""

    account: str
    state: State
    count: int
    #: When the last of it went out.
    last_sent: datetime | None


@dataclass(frozen=True, slots=True)
class PostHistory:
    """What became of one post on one account."""

    #: Publications that there ever were.
    count: int
    #: When the last of those that planning goes around was due.
    last_due: datetime | None


class OutboxReads(Repository):
    """Questions to the outbox; none changes anything."""

    def get(self, delivery_id: str) -> Delivery | None:
        row = self._row(deliveries().where(_D.id == delivery_id))
        return None if row is None else as_delivery(row)

    def find(self, **which: Unpack[Which]) -> tuple[Delivery, ...]:
        """Find deliveries by due time, account, part; what waits for a free slot comes last."""
        return self._read(deliveries().where(*_conditions(which)))

    def under_way(self, since: datetime, until: datetime) -> Sequence[Row[Any]]:
        """Return account, platform, post_id, theme, due_at, state and status_json of first parts.

        Of all that is due then, but what is only planned or was cancelled, by due time.
        """
        columns = _D.account, _P.platform, _P.post_id, _P.theme, _P.due_at, _D.state
        query = select(*columns, _D.status_json).join_from(delivery, publication)
        states = set(State) - {State.PLANNED, State.CANCELLED}
        which = _conditions({"states": states, "since": since, "until": until})
        return self._rows(query.where(*which, _D.part == 0).order_by(_P.due_at, _D.account))

    def last_out(self, count: int, since: datetime) -> tuple[Delivery, ...]:
        """Return what was due since then and went out last and is out, newest first."""
        # As in `_conditions`: with a moment of its own, that has the index.
        went_out = func.coalesce(_D.sent_at, null())
        which = *_conditions({"states": {State.SENT}, "since": since}), went_out.is_not(None)
        query = deliveries().where(*which).order_by(went_out.desc())
        # A count that is bound could be any: SQLite would prepare for going through all.
        return tuple(map(as_delivery, self._rows(query.limit(literal_column(str(count))))))

    def each(self, **which: Unpack[Which]) -> Iterator[Delivery]:
        """Yield what `find` finds, in the memory of a page; what moves meanwhile may be missed."""
        # By time whatever is asked for: by state, all would be sorted again for each page.
        states = which.pop("states", None) or tuple(State)
        query = deliveries().where(*_conditions(which), func.coalesce(_D.state, "").in_(states))
        timed = self._each(query.where(_P.due_at >= _EPOCH), *_IN_ORDER)
        untimed = self._each(query.where(_P.due_at.is_(None)), *_IN_ORDER[1:])
        return map(as_delivery, chain(timed, untimed))

    def starting_with(self, prefix: str) -> tuple[Delivery, ...]:
        """Find the deliveries whose id begins so, two at most."""
        # The range is for the index; ids are of digits and small letters.
        is_near = _D.id.between(prefix, prefix + "z" * 24)
        begins = func.substr(_D.id, 1, len(prefix)) == prefix
        return self._read(deliveries().where(is_near, begins).limit(2))

    def pausable(self, scope: PauseScope) -> frozenset[str]:
        """Return the accounts, themes or languages of all that was ever planned."""
        columns = {PauseScope.THEME: _P.theme, PauseScope.LANGUAGE: _P.lang}
        query = select(columns.get(scope, _P.account)).distinct()
        return frozenset(row[0] for row in self._rows(query))

    def has_sent(self, account: str) -> bool:
        sent = _D.state == State.SENT, _D.account == account
        return self._row(select(_D.id).where(*sent).limit(1)) is not None

    def quoting(self, source: str) -> frozenset[tuple[str, str]]:
        """Return posts that quote a source or did, each with its passage: ``source:start-end``."""
        begins = _P.excerpt.between(f"{source}:", f"{source};")  # ; comes after : everywhere
        query = select(_P.post_id, _P.excerpt).where(begins).distinct()
        return frozenset((row.post_id, row.excerpt) for row in self._rows(query))

    def ours(self, account: str, names: Collection[str]) -> frozenset[str]:
        """Return which of these ids and addresses are of what is or was out on an account."""
        is_named = or_(_D.remote_id.in_(names), _D.url.in_(names))
        query = select(_D.remote_id, _D.url).where(_D.state.in_(OUT), _D.account == account)
        return frozenset(chain.from_iterable(self._rows(query.where(is_named))))

    def tallies(self) -> tuple[StateCount, ...]:
        """Count deliveries by account and state."""
        return tuple(StateCount(*tuple(row)) for row in self._rows(_TALLIES))

    def next_due(self, now: datetime) -> Mapping[str, datetime]:
        """Return when each account's next post is due that waits for nobody."""
        first = func.min(_P.due_at).label("due_at")
        query = select(_D.account, first).join_from(delivery, publication)
        waits = _D.state.in_((State.PLANNED, State.READY)), _P.due_at >= now
        rows = self._rows(query.where(*waits).group_by(_D.account))
        return {row.account: row.due_at for row in rows}

    def planned_until(self) -> datetime | None:
        """Return when the last planned one is due."""
        query = select(func.max(_P.due_at)).join_from(delivery, publication)
        row = self._row(query.where(_D.state == State.PLANNED))
        return row[0] if row else None

    def last_change(self) -> datetime | None:
        row = self._row(select(func.max(_D.updated_at)))
        return row[0] if row else None

    def for_planning(self) -> tuple[Delivery, ...]:
        """Find what planning may change, or must look at: what is not out, what people took out.

        Both this and `begun` are without corrections, which people plan.
        """
        # The range makes SQLite take the index of those; by the state it would go through all.
        ids = union(_UNSENT_IDS, select(_P.id).where(WITHDRAWN, _P.id > ""))
        return self._read(deliveries().where(_P.id.in_(ids), _IS_PLANNED))

    def begun(self, since: datetime, fixed: Sequence[str]) -> tuple[Publication, ...]:
        """Find what planning goes around: all parts are out, or may be, or were.

        That is what was due since then or has no time, and what there ever was of the posts
        ``fixed``, which come once, or once a year. `turns` sums up the rest.
        """
        ids = union(
            select(_P.id).where(_P.due_at >= since),
            # Back in its queue by a restored database, and out by what was read back.
            select(_P.id).where(_P.due_at.is_(None)),
            *(
                select(_P.id).where(_P.post_id.in_(fixed[start : start + PAGE]))
                for start in range(0, len(fixed), PAGE)
            ),
        )
        is_begun = _P.state == PublicationState.OPEN, _P.id.not_in(_UNSENT_IDS)
        query = publications().where(_P.id.in_(ids), *is_begun, _IS_PLANNED)
        return tuple(map(as_publication, self._rows(query.order_by(_P.due_at, _P.id))))

    def turns(
        self, before: datetime, posts: Sequence[str]
    ) -> Mapping[tuple[str, str], PostHistory]:
        """Sum up by account and post what there ever was of these posts.

        As out counts what was due before.
        """
        is_out = _P.state == PublicationState.OPEN, _P.due_at < before, _P.id.not_in(_UNSENT_IDS)
        last = func.max(case((and_(*is_out), _P.due_at))).label("last_due")
        query = select(_P.account, _P.post_id, func.count().label("turns"), last)
        grouped = query.group_by(_P.post_id, _P.account)
        return {
            (row.account, row.post_id): PostHistory(row.turns, row.last_due)
            for start in range(0, len(posts), PAGE)
            for row in self._rows(grouped.where(_P.post_id.in_(posts[start : start + PAGE])))
        }

    def accounts_with_work(self, now: datetime) -> tuple[str, ...]:
        """Name the accounts that have a delivery to release or to claim, by name."""
        planned = and_(_D.state == State.PLANNED, _P.due_at <= now + AHEAD)
        is_due = or_(_P.due_at <= now, _D.released_by != "")
        may_go = or_(_D.retry_at.is_(None), _D.retry_at <= now)
        ready = and_(_D.state == State.READY, is_due, may_go)
        query = select(_D.account).join_from(delivery, publication).distinct()
        rows = self._rows(query.where(or_(planned, ready)).order_by(_D.account))
        return tuple(row.account for row in rows)

    def next_wake(self, now: datetime) -> datetime | None:
        """Return the earliest moment after ``now`` at which something is to be done."""
        with self._db.read() as connection:
            found = connection.execute(_WAKES, {"now": now, "ahead": now + AHEAD}).one()
        moments = (found[0] and found[0] - AHEAD, *found[1:])
        return min(filter(None, moments), default=None)

    def overdue(self, account: str, now: datetime) -> Delivery | None:
        """Return the oldest that is due and neither out nor held, nor waits for one that is."""
        under_way = _D.state.in_((State.READY, State.SENDING, State.UNKNOWN))
        can_go = or_(under_way, and_(_D.state == State.PLANNED, parent_in(State.SENT)))
        # As in `_conditions`: with a state, that has the index.
        is_due = func.coalesce(_P.due_at, null()) < now
        query = deliveries().where(_D.account == account, can_go, is_due).limit(1)
        return next(iter(self._read(query)), None)

    def due(self, account: str, until: datetime) -> tuple[Delivery, ...]:
        """Find what is planned and due by then, oldest first.

        A part of a thread comes once the part before it is out, or can never be (then to hold).
        """
        planned = _D.account == account, _D.state == State.PLANNED, _P.due_at <= until
        return self._read(deliveries().where(*planned, parent_in(State.SENT, *_NEVER_OUT)))

    def unknown(self, now: datetime) -> tuple[Delivery, ...]:
        """Find what is to be read back now, oldest first."""
        return self._read(deliveries().where(_D.state == State.UNKNOWN, _D.next_read_at <= now))

    def begun_since(self, account: str, moment: datetime) -> tuple[datetime, ...]:
        """Return when the account's posts went out, or may have, since then; in order.

        A thread is one post, which begins with its first part.
        """
        called = (
            select(attempt.c.delivery_id, attempt.c.called_at)
            .join(delivery, _D.id == attempt.c.delivery_id)
            .where(_D.account == account, _D.part == 0)
            .where(attempt.c.called_at > moment, attempt.c.outcome.not_in(_SURELY_NOT))
        )
        # The last call of each; a database that groups would go through all that ever were.
        latest = {row.delivery_id: row.called_at for row in self._rows(called.order_by(_CALLED))}
        return tuple(sorted(latest.values()))

    def replies_to(self, delivery_id: str) -> int:
        """Count what is out as a reply to a delivery: the next part of its thread, corrections."""
        own = select(func.count()).where(_D.parent_id == delivery_id, _D.state == State.SENT)
        return int(self._rows(own)[0][0])

    def attempts_of(self, delivery_id: str) -> tuple[Attempt, ...]:
        """Read all tries at a delivery, oldest first."""
        columns = [attempt.c[name] for name in Attempt.__slots__]
        query = select(*columns).where(attempt.c.delivery_id == delivery_id)
        return tuple(
            Attempt(**{**row._mapping, "outcome": Event[row.outcome] if row.outcome else None})
            for row in self._rows(query.order_by(attempt.c.id))
        )

    def moves_of(self, delivery_id: str) -> tuple[Move, ...]:
        """Read the history of a delivery, oldest first."""
        columns = [move.c[name] for name in Move.__slots__]
        query = select(*columns).where(move.c.delivery_id == delivery_id).order_by(move.c.id)
        return tuple(Move(**row._mapping) for row in self._rows(query))

    def _read(self, query: Select[Any]) -> tuple[Delivery, ...]:
        # What waits for a free slot comes last.
        order = _P.due_at.nulls_last(), *_IN_ORDER[1:]
        return tuple(map(as_delivery, self._rows(query.order_by(*order))))


def _tallies() -> Select[Any]:
    """Return the query that counts from one account and state to the next.

    Grouped, a database would go through the index entry by entry, all that was ever sent.
    """
    each = (select(literal(state, _D.state.type).label("state")) for state in State)
    states = union_all(*each).subquery()
    first = select(func.min(_D.account)).where(_D.state == states.c.state).scalar_subquery()
    pair = select(states.c.state, first.label("account")).cte("pair", recursive=True)
    its = _D.state == pair.c.state
    after = select(func.min(_D.account)).where(its, _D.account > pair.c.account)
    following = select(pair.c.state, after.scalar_subquery()).where(pair.c.account.is_not(None))
    pair = pair.union_all(following)
    its = and_(_D.state == pair.c.state, _D.account == pair.c.account)
    figures = [
        select(figure).where(its).scalar_subquery()
        for figure in (func.count(), func.max(_D.sent_at))
    ]
    return select(pair.c.account, pair.c.state, *figures).where(pair.c.account.is_not(None))


def _wakes() -> Select[Any]:
    """Return the query of the next moments, the first of them for those that are let through.

    One question, made once: a service asks whenever it wakes, while what is due is being sent.
    """
    moments = (
        (State.PLANNED, _P.due_at, "ahead"),
        (State.PLANNED, _P.due_at, "now"),
        (State.READY, _P.due_at, "now"),
        (State.READY, _D.retry_at, "now"),
        (State.UNKNOWN, _D.next_read_at, "now"),
        (State.SENDING, _D.lease_until, "now"),
    )
    return select(*(
        select(func.min(moment)).join_from(delivery, publication)
        .where(_D.state == state, moment > bindparam(after, type_=moment.type)).scalar_subquery()
        for state, moment, after in moments
    ))  # fmt: skip


_TALLIES = _tallies()
_WAKES = _wakes()
_UNSENT_IDS = select(_D.publication_id).where(_D.state.in_(UNSENT))
_IS_PLANNED = _P.kind != "correction"


def _conditions(which: Which) -> Iterator[ColumnElement[bool]]:
    equal = {"account": _D.account, "post_id": _P.post_id, "publication_id": _P.id}
    for name, column in equal.items():
        if (value := which.get(name)) is not None:
            yield column == value
    since = which.get("since")
    if (states := which.get("states")) is not None:
        # From a moment on, that has the index: nearly all that there is is SENT.
        yield (func.coalesce(_D.state, "") if since else _D.state).in_(states)
    if since:
        yield _P.due_at >= since
    if until := which.get("until"):
        # With a state, that has the index: nearly all that there is was due before now.
        is_ranged = since or not states
        yield (_P.due_at if is_ranged else func.coalesce(_P.due_at, null())) < until


def parent_in(*states: State) -> ColumnElement[bool]:
    """Return the condition of a delivery that replies to nothing, or to one in these states."""
    query = select(_PARENT.c.id).where(_PARENT.c.id == _D.parent_id, _PARENT.c.state.in_(states))
    return or_(_D.parent_id.is_(None), query.exists())
