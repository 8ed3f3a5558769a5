"""Turns a plan into the fewest changes of the outbox."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.campaign import Post
from bot.core.lifecycle import UNSENT, Event
from bot.core.model import (
    Delivery,
    NewDelivery,
    State,
    canonical_json,
    sha256_hex,
)
from bot.core.planning import Assignment, Plan
from bot.core.reasons import BY_PLANNER, CancelReason, HoldReason
from bot.core.rendered import RenderedCampaign as Composition
from bot.store import QueuePlace, Store

ME = "planner"

#: Until when a delivery waits that was put back into its queue: the planner gives it the next
#: free slot.
FAR_AWAY = datetime(9999, 1, 1, tzinfo=UTC)

#: Begins the occurrence of a correction: people plan it, the planner leaves it alone.
CORRECTION = "correction/"

#: An occurrence's deliveries: the parts of one thread, in order.
Group = list[Delivery]
#: Account, post, occurrence.
Key = tuple[str, str, str]


@dataclass(slots=True)
class Changes:
    """What planning did to the outbox, in deliveries; false where it did nothing."""

    added: int = 0
    replaced: int = 0
    moved: int = 0
    cancelled: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            self.added + other.added,
            self.replaced + other.replaced,
            self.moved + other.moved,
            self.cancelled + other.cancelled,
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.replaced or self.moved or self.cancelled)


def is_movable(group: Group, now: datetime) -> bool:
    """Tell whether the planner may still give the deliveries another moment: all of them."""
    return all(
        row.state is State.PLANNED and row.due_at > now and not row.attempts for row in group
    )


def is_withdrawn(row: Delivery) -> bool:
    """Tell whether a person took the delivery out; what the planner took out may come again."""
    return row.state is State.CANCELLED and row.reason not in BY_PLANNER


def groups_of(rows: Iterable[Delivery]) -> dict[Key, Group]:
    """Sort what is not cancelled into occurrences."""
    groups: dict[Key, Group] = defaultdict(list)
    for row in sorted(rows, key=lambda one: one.due_at):
        if row.state is not State.CANCELLED:
            groups[row.account, row.post_id, row.occurrence].append(row)
    return {key: sorted(group, key=lambda one: one.part) for key, group in groups.items()}


class PlanWriter:
    """Compares what is wanted with what the outbox has, and changes only what differs."""

    def __init__(self, store: Store, composition: Composition, now: datetime) -> None:
        self.rows = tuple(
            row for row in store.outbox.find() if not row.occurrence.startswith(CORRECTION)
        )
        self.groups = groups_of(self.rows)
        self.changes = Changes()
        self._outbox = store.outbox
        self._media = store.media
        self._composition = composition
        self._now = now
        self._is_settling = store.settle_first() is not None
        self._rounds: dict[tuple[str, str], int] = defaultdict(int)
        for row in self.rows:
            if row.part == 0:
                self._rounds[row.account, row.post_id] += 1

    def refresh(self) -> Changes:
        """Bring removals and edits to deliveries whose time came but which did not go out."""
        for group in self.groups.values():
            if is_movable(group, self._now):
                continue
            unsent = [row for row in group if row.state in UNSENT and not self._may_be_out(row)]
            if not self._is_wanted(group[0]):
                self._drop(unsent, CancelReason.REMOVED)
            elif len(unsent) == len(group) and self._is_edited(group):
                self._edit(group)
        return self.changes

    def _may_be_out(self, row: Delivery) -> bool:
        """Tell what only a person may decide; READY after an attempt was seen to be absent."""
        tried = row.attempts and (row.state is not State.READY or self._is_settling)
        return bool(tried) or row.reason is HoldReason.UNSETTLED

    def _edit(self, group: Group) -> None:
        """Put an edited post's deliveries back: into their queue, or to their time."""
        first = group[0]
        if any(row.attempts for row in group):
            return  # what was begun once goes out as it was begun
        due = FAR_AWAY if first.occurrence.startswith("queue/") else self._due(first)
        slot = str(first.labels.get("slot", ""))
        self._write_one(
            Assignment(first.account, first.post_id, first.occurrence, due, slot), group
        )

    def _is_wanted(self, row: Delivery) -> bool:
        post = self._composition.campaign.post(row.post_id)
        shown = self._composition.rendered.get((row.post_id, row.account))
        if not (post and post.ready and shown and shown.statuses):
            return False
        kind, name, *_rest = row.occurrence.split("/")
        times = {"at": post.at, "year": post.every_year, "queue": post.queue == name}
        return bool(times[kind])

    def _due(self, row: Delivery) -> datetime:
        """Give when the delivery is due by what is written now."""
        at = self._post(row.post_id).at
        return at if at and row.occurrence.startswith("at/") else row.due_at

    def _is_edited(self, group: Group) -> bool:
        first = group[0]
        statuses = self._composition.rendered[first.post_id, first.account].statuses
        frozen = [status.to_json() for status in statuses]
        bound = self._composition.fingerprint(self._post(first.post_id), self._due(first))
        return frozen != [row.status_json for row in group] or bound != first.fingerprint

    def write(self, result: Plan) -> Changes:
        """Bring the outbox to the plan; the answer says what had to change."""
        movable = {key: group for key, group in self.groups.items() if is_movable(group, self._now)}
        pairs = _matched(result.assignments, movable)
        kept = {id(group) for _one, group in pairs if group}
        for group in movable.values():
            if id(group) not in kept:
                self._drop(group, CancelReason.UNPLANNED)
        moved = self._rearrange(pairs)
        for assignment, known in pairs:
            self._write_one(assignment, [moved.get(row.id, row) for row in known or ()])
        return self.changes

    def _rearrange(
        self, pairs: Sequence[tuple[Assignment, Group | None]]
    ) -> Mapping[str, Delivery]:
        """Move deliveries whose moment changed, all at once, since two may swap places."""
        places = {
            row.id: QueuePlace(one.occurrence, one.due_at, self._not_after(one))
            for one, group in pairs
            for row in group or ()
            if row.occurrence.startswith("queue/")
            if (row.occurrence, row.due_at) != (one.occurrence, one.due_at)
        }
        self.changes.moved += len(places)
        moved = self._outbox.rearrange(places, now=self._now) if places else ()
        return {row.id: row for row in moved}

    def _not_after(self, one: Assignment) -> datetime:
        if one.due_at == FAR_AWAY:
            return FAR_AWAY
        schedule = self._composition.campaign.schedule
        return one.due_at + (self._post(one.post_id).not_after or schedule.not_after)

    def _write_one(self, assignment: Assignment, known: Group) -> None:
        wanted = self._wanted(assignment, [row.id for row in known])
        if known and len(known) != len(wanted):
            self._drop(known, CancelReason.EDITED)
            known, wanted = [], self._wanted(assignment, [])
        if not known:
            self._keep_pictures(wanted)
            self.changes.added += len(self._outbox.add_all(wanted, now=self._now))
            return
        for row, new in zip(known, wanted, strict=True):
            self._bring(row, new)

    def _bring(self, row: Delivery, new: NewDelivery) -> None:
        if _as_planned(row) == _as_planned(new):
            return
        self._keep_pictures([new])
        self._outbox.replace(row.id, new, now=self._now, actor=ME)
        self.changes.replaced += 1

    def _drop(self, group: Group, why: CancelReason) -> None:
        for row in reversed(group):
            dropped = row.state in {State.HELD, State.FAILED}
            event = Event.DROP if dropped else Event.CANCEL
            self._outbox.move(row.id, event, now=self._now, actor=ME, reason=why)
            self.changes.cancelled += 1

    def _keep_pictures(self, wanted: Iterable[NewDelivery]) -> None:
        for new in wanted:
            status = new.status
            thumb = status.card.thumb if status.card else None
            for picture in (*status.pictures, *([thumb] if thumb else [])):
                self._media.put(self._composition.pictures[picture.sha256])

    def _post(self, post_id: str) -> Post:
        post = self._composition.campaign.post(post_id)
        if post is None:
            raise AssertionError(f"the plan has a post that the campaign has not: {post_id}")
        return post

    def _wanted(self, one: Assignment, ids: Sequence[str]) -> list[NewDelivery]:
        """Freeze an assignment; deliveries that are there already keep their ids."""
        statuses = self._composition.rendered[one.post_id, one.account].statuses
        if len(ids) != len(statuses):
            ids = self._new_ids(one, len(statuses))
        post = self._post(one.post_id)
        bound = self._composition.fingerprint(post, one.due_at)
        labels = _labels(post, one, self._composition)
        return [
            NewDelivery(
                id=ids[part],
                account=one.account,
                platform=self._composition.traits_of(one.account).name,
                post_id=one.post_id,
                occurrence=one.occurrence,
                part=part,
                parts=len(statuses),
                parent_id=ids[part - 1] if part else None,
                due_at=one.due_at,
                not_after=self._not_after(one),
                status_json=status.to_json(),
                fingerprint=bound,
                labels={**labels, "cost": self._composition.cost_of(status, one.account)},
            )
            for part, status in enumerate(statuses)
        ]

    def _new_ids(self, one: Assignment, parts: int) -> list[str]:
        """Make ids from what makes a delivery itself: the n-th time of a post on an account.

        They come out the same after a restore, so a platform that knows the key still does.
        """
        self._rounds[one.account, one.post_id] += 1
        turn = self._rounds[one.account, one.post_id]
        campaign = self._composition.campaign.schedule.campaign
        return [
            sha256_hex(canonical_json([campaign, one.account, one.post_id, turn, part]))[:24]
            for part in range(parts)
        ]


def _as_planned(one: Delivery | NewDelivery) -> tuple[object, ...]:
    """Give what an edit of the files can change of a delivery."""
    return one.payload_sha256, one.fingerprint, one.due_at, one.not_after, dict(one.labels)


def _matched(
    assignments: Sequence[Assignment], movable: Mapping[Key, Group]
) -> list[tuple[Assignment, Group | None]]:
    """Pair what is wanted with what is planned: the same moment first, then the same post."""
    free = dict(movable)
    exact = {one: free.pop((one.account, one.post_id, one.occurrence), None) for one in assignments}
    spare: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for (account, post_id, occurrence), group in free.items():
        if occurrence.startswith("queue/"):
            spare[account, post_id].append(group)
    return [(one, exact[one] or _spared(one, spare)) for one in assignments]


def _spared(one: Assignment, spare: Mapping[tuple[str, str], list[Group]]) -> Group | None:
    groups = spare[one.account, one.post_id] if one.occurrence.startswith("queue/") else []
    return groups.pop(0) if groups else None


def _labels(post: Post, one: Assignment, composition: Composition) -> dict[str, object]:
    """Name what reports group by."""
    statuses = composition.rendered[post.id, one.account].statuses
    excerpt = ""
    if post.quote:
        start, end = post.quote.fragments[0][0], post.quote.fragments[-1][1]
        excerpt = f"{post.quote.source}:{start}-{end}"
    return {
        "author": post.author,
        "theme": post.theme,
        "excerpt": excerpt,
        "lang": post.lang,
        "form": _form(post, len(statuses)),
        "slot": one.slot,
        "queue": post.queue,
        "graphic": post.graphic,
    }


def _form(post: Post, parts: int) -> str:
    if parts > 1:
        return "thread"
    if post.card:
        return "card"
    if post.quote:
        return "quote"
    return "link" if post.link else "text"
