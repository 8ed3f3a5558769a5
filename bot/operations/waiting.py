"""What waits for whom, and how each person hears of it: once, and once more before its time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from bot.authority.notices import Notice, hearers
from bot.authority.user_table import User
from bot.authority.users import Person, Right, Role
from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import shown
from bot.delivery.consent import Consents
from bot.delivery.decide import ApprovalCount, is_same_person
from bot.delivery.model import Delivery, HoldReason, State
from bot.errors import SettingsError
from bot.log import get_logger
from bot.operations.channels import Alert, channels_of
from bot.operations.model import PERSONAL
from bot.planning.store import Store
from bot.rendering.layout import first_words

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
    rows = {*soon, *held}
    for row in sorted(rows, key=lambda row: (not row.due_at, row.due_at or row.created_at, row.id)):
        count = consents.of(row.publication)
        need = _need(row, count)
        if row.part == 0 and need is not None:
            groups.setdefault((row.post_id, need), []).append((row, count))
    absences, waiting = store.absences.all(), []
    editors = {user.name for user in users if Role.EDITOR in user.roles}
    for (post_id, need), found in groups.items():
        counts = [count for _row, count in found]
        people, detail = _asked(need, found, users)
        able = editors if need is Need.CHANGE else people
        needed = max(count.missing for count in counts) if need is Need.APPROVAL else 1
        hearing = hearers(people, absences, able, now, needed=needed)
        its = tuple(row for row, _count in found)
        waiting.append(WaitingPost(post_id, need, its, people, hearing, detail))
    return tuple(waiting)


def people_with(store: Store, right: Right) -> tuple[str, ...]:
    """Name the users who have a right, in order."""
    return tuple(user.name for user in store.users.all() if Person.of(user).may(right))


def _need(row: Delivery, count: ApprovalCount) -> Need | None:
    if count.objection is not None and count.objection.reason is HoldReason.CHANGE_ASKED:
        return Need.CHANGE
    if count.objection is None and count.missing and row.state is not State.FAILED:
        return Need.APPROVAL
    return Need.DECISION if row.state in {State.HELD, State.FAILED} else None


def _asked(
    need: Need, found: Sequence[tuple[Delivery, ApprovalCount]], users: Iterable[User]
) -> tuple[tuple[str, ...], str]:
    """Name who may act (approvers who have not answered, the author, who settles), and say why."""
    (row, first), counts = found[0], [count for _row, count in found]
    people = [Person.of(user) for user in users]
    if need is Need.DECISION:
        return tuple(each.name for each in people if each.may(Right.SETTLE)), row.reason_text
    if need is Need.APPROVAL:
        approvers = (each.name for each in people if Role.APPROVER in each.roles)
        lacking = (name for name in approvers if any(_lacks(count, name) for count in counts))
        return tuple(lacking), str(first)
    authors = tuple(
        each.name for each in people
        if any(is_same_person(count.author, each.name) for count in counts)
    )  # fmt: skip
    # Of an author who is no user, whoever writes may take care.
    editors = tuple(each.name for each in people if Role.EDITOR in each.roles)
    return authors or editors, str(first.objection.detail) if first.objection else ""


def _lacks(count: ApprovalCount, name: str) -> bool:
    is_author = is_same_person(count.author, name)
    return not is_author and not any(is_same_person(name, by) for by in count.by)


log = get_logger(__name__)

#: How long before its time people are reminded of what still waits.
REMINDER = timedelta(hours=24)
#: Until the next try where an address took nothing.
AGAIN = timedelta(minutes=10)
_WORDS = 80
_FIRST, _AGAIN = "told", "reminded"
_NEEDS: Mapping[Need, str] = {
    Need.APPROVAL: "needs your answer",
    Need.CHANGE: "is asked to be changed",
    Need.DECISION: "is held",
}


def what_to_hear(notice: Notice | None, due_at: datetime | None, now: datetime) -> str:
    """Return whether somebody hears of a post now, and as what; empty for not now."""
    if notice is None:
        return _FIRST
    reminder = due_at - REMINDER if due_at else None
    is_new = notice.told == _FIRST and reminder is not None and notice.told_at < reminder
    is_near = reminder is not None and due_at is not None and reminder <= now < due_at
    return _AGAIN if is_new and is_near else ""


@dataclass(slots=True)
class PersonalNotifier:
    """Compares what waits for each person who has an address with what they heard."""

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]
    #: Address of the dashboard; empty where there is none.
    desk: str = ""
    #: By user, when an address took nothing.
    _failed: dict[str, datetime] = field(default_factory=dict)

    def run(self) -> None:
        """Tell who has an address here; another replica may have that of others."""
        addresses = {user.name: self.store.addresses.get(user.name)
                     for user in self.store.users.all()}  # fmt: skip
        if not any(addresses.values()):
            return
        now, consents = self.clock.now(), Consents(self.store, self.campaign().schedule)
        waiting = waiting_posts(self.store, consents, now)
        known = {key: one for key, one in self.store.notices.all().items()
                 if key.startswith(PERSONAL)}  # fmt: skip
        current = set()
        for name, address in addresses.items():
            mine = [post for post in waiting if name in post.hearers]
            current |= {_key(name, post) for post in mine}
            if address and now >= self._failed.get(name, now):
                self._tell(name, address, mine, known)
        for key in known.keys() - current:
            self.store.notices.forget(key)

    def _tell(
        self, name: str, address: str, mine: Iterable[WaitingPost], known: Mapping[str, Notice]
    ) -> None:
        """Send one message of all that is new for a person."""
        now, told = self.clock.now(), list[tuple[WaitingPost, Notice, Notice | None]]()
        for post in mine:
            before = known.get(_key(name, post))
            step = what_to_hear(before, post.due_at, now)
            after = Notice(_key(name, post), now, step)
            # Of several replicas with the address, one tells it.
            if step and self.store.notices.put(after, before=before):
                told.append((post, after, before))
        if not told or _send(name, address, self._message(name, [post for post, *_ in told])):
            return
        self._failed[name] = now + AGAIN
        for _post, after, before in told:
            if before is None:
                self.store.notices.forget(after.key)
            else:
                self.store.notices.put(before, before=after)

    def _message(self, name: str, posts: list[WaitingPost]) -> Alert:
        campaign, count = self.campaign(), len(posts)
        title = f"{campaign.schedule.campaign}: {count} post{'s'[: count > 1]} waiting for you"
        link = f"{self.desk}/week" if self.desk else ""
        texts = (self._lines(post, campaign, post.hearers[name]) for post in posts)
        return Alert(title, "\n\n".join(texts), link)

    def _lines(self, post: WaitingPost, campaign: Campaign, away: Iterable[str]) -> str:
        due = shown(post.due_at, campaign.zone) if post.due_at else "its queue's next free place"
        why = f": {post.detail}" if post.need is not Need.APPROVAL else ""
        page = "/held" if post.need is Need.DECISION else f"/posts/{quote(post.post_id)}#read"
        for_whom = f"; in place of {', '.join(away)} (away)" if away else ""
        what = f"{_NEEDS[post.need]}{why}; due {due}; {', '.join(post.accounts)}{for_whom}"
        where = f"{self.desk}{page}" if self.desk else post.post_id
        return f"{first_words(post.text, _WORDS)}\n{what}\n{where}"


def _key(name: str, post: WaitingPost) -> str:
    return f"{PERSONAL}{name}/{post.key}"


def _send(name: str, address: str, alert: Alert) -> bool:
    """Send to one address; without texts of posts in the log."""
    try:
        return channels_of((address,), whose=f"address of {name}").send(alert)
    except SettingsError as error:
        log.warning("somebody cannot be told", reason=str(error))
        return False
