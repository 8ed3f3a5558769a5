"""What waits for whom: each post once, with who may act on it, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.authority.contacts import hearers
from bot.authority.user_table import User
from bot.authority.users import Person, Right, Role
from bot.delivery.consent import Consents
from bot.delivery.gate import ApprovalCount, is_same_person
from bot.delivery.model import Delivery, HoldReason, State
from bot.planning.store import Store

#: What is due within this time waits for people.
WEEK = timedelta(days=7)


class Need(StrEnum):
    """What a post needs a person for."""

    APPROVAL = "approval"
    CHANGE = "change"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class WaitingPost:
    """One post that waits, for one reason."""

    post_id: str
    need: Need
    #: Its deliveries, in order of time; never empty.
    rows: tuple[Delivery, ...]
    #: Who may act on it.
    people: tuple[str, ...]
    #: Who hears of it, each with those who are away and in whose place they do.
    hearers: Mapping[str, tuple[str, ...]]
    #: For people: what is asked for, or why it is held.
    detail: str = ""

    @property
    def key(self) -> str:
        """What is told once: another text, or another reason, is another matter."""
        prints = "".join(sorted({row.fingerprint[:12] for row in self.rows}))
        return f"{self.need}/{self.post_id}/{prints}"

    @property
    def names(self) -> str:
        """Name who may act, and who hears it for those who are away; empty for nobody."""
        heard_by = {away: name for name, them in self.hearers.items() for away in them}
        return ", ".join(
            f"{name} (away; {heard_by[name]} was told)" if name in heard_by else name
            for name in self.people
        )

    def is_for(self, name: str) -> bool:
        return name in self.people or name in self.hearers

    @property
    def due_at(self) -> datetime | None:
        return self.rows[0].due_at

    @property
    def text(self) -> str:
        return self.rows[0].status.text

    @property
    def lang(self) -> str:
        return self.rows[0].status.lang

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.account for row in self.rows))


def waiting_posts(store: Store, consents: Consents, now: datetime) -> tuple[WaitingPost, ...]:
    """Find all that waits for somebody, in order of time."""
    users = store.users.all()
    soon = store.outbox.find(states={State.PLANNED, State.READY}, until=now + WEEK)
    held = store.outbox.find(states={State.HELD, State.FAILED})
    groups: dict[tuple[str, Need], list[tuple[Delivery, ApprovalCount]]] = {}
    for row in sorted({*soon, *held}, key=_when):
        count = consents.of(row.publication)
        need = _need(row, count)
        if row.part == 0 and need is not None:
            groups.setdefault((row.post_id, need), []).append((row, count))
    absences, waiting = store.absences.all(), []
    editors = {user.name for user in users if Role.EDITOR in user.roles}
    for (post_id, need), found in groups.items():
        counts = [count for _row, count in found]
        people = _people(need, counts, users)
        able = editors if need is Need.CHANGE else people
        needed = max(count.missing for count in counts) if need is Need.APPROVAL else 1
        hearing = hearers(people, absences, able, now, needed=needed)
        rows = tuple(row for row, _count in found)
        waiting.append(WaitingPost(post_id, need, rows, people, hearing, _detail(need, found)))
    return tuple(waiting)


def people_with(store: Store, right: Right) -> tuple[str, ...]:
    """Name the users who have a right, in order."""
    return tuple(user.name for user in store.users.all() if Person.of(user).may(right))


def _when(row: Delivery) -> tuple[bool, datetime, str]:
    return row.due_at is None, row.due_at or row.created_at, row.id


def _need(row: Delivery, count: ApprovalCount) -> Need | None:
    if count.objection is not None and count.objection.reason is HoldReason.CHANGE_ASKED:
        return Need.CHANGE
    if count.objection is None and count.missing and row.state is not State.FAILED:
        return Need.APPROVAL
    return Need.DECISION if row.state in {State.HELD, State.FAILED} else None


def _people(need: Need, counts: Sequence[ApprovalCount], users: Iterable[User]) -> tuple[str, ...]:
    """Name who may act: approvers who have not answered, the author, or who settles."""
    people = [Person.of(user) for user in users]
    if need is Need.DECISION:
        return tuple(each.name for each in people if each.may(Right.SETTLE))
    if need is Need.APPROVAL:
        approvers = (each.name for each in people if Role.APPROVER in each.roles)
        return tuple(name for name in approvers if any(_lacks(count, name) for count in counts))
    authors = tuple(
        each.name for each in people
        if any(is_same_person(count.author, each.name) for count in counts)
    )  # fmt: skip
    # Of an author who is no user, whoever writes may take care.
    return authors or tuple(each.name for each in people if Role.EDITOR in each.roles)


def _lacks(count: ApprovalCount, name: str) -> bool:
    is_author = is_same_person(count.author, name)
    return not is_author and not any(is_same_person(name, by) for by in count.by)


def _detail(need: Need, found: Iterable[tuple[Delivery, ApprovalCount]]) -> str:
    row, count = next(iter(found))
    if need is Need.CHANGE:
        return str(count.objection.detail) if count.objection else ""
    return row.reason_text if need is Need.DECISION else str(count)
