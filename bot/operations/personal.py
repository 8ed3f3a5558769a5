"""Tells each person what waits for them: once, and once more before its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from bot.authority.contacts import Absence, in_place_of
from bot.authority.notices import Notice
from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import shown
from bot.delivery.consent import Consents
from bot.errors import SettingsError
from bot.log import get_logger
from bot.operations.channels import Alert, channels_of
from bot.operations.model import PERSONAL
from bot.operations.waiting import Need, WaitingPost, waiting_posts
from bot.planning.store import Store
from bot.rendering.layout import first_words

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
    _failed: dict[str, datetime] | None = None

    def run(self) -> None:
        """Tell who has an address here; another replica may have that of others."""
        addresses = {user.name: self.store.addresses.get(user.name)
                     for user in self.store.users.all()}  # fmt: skip
        if not any(addresses.values()):
            return
        now, failed = self.clock.now(), self._failed or {}
        consents = Consents(self.store, self.campaign().schedule)
        waiting = waiting_posts(self.store, consents, now)
        known = {key: one for key, one in self.store.notices.all().items()
                 if key.startswith(PERSONAL)}  # fmt: skip
        absences, current = self.store.absences.all(), set()
        for name, address in addresses.items():
            mine = _heard_by(name, waiting, absences, addresses, now)
            current |= {_key(name, post) for post in mine}
            if address and now >= failed.get(name, now):
                self._tell(name, address, mine, known, now)
        for key in known.keys() - current:
            self.store.notices.forget(key)

    def _tell(
        self,
        name: str,
        address: str,
        mine: Iterable[WaitingPost],
        known: Mapping[str, Notice],
        now: datetime,
    ) -> None:
        """Send one message of all that is new for a person."""
        told: list[tuple[WaitingPost, Notice, Notice | None]] = []
        for post in mine:
            before = known.get(_key(name, post))
            step = what_to_hear(before, post.due_at, now)
            after = Notice(_key(name, post), now, step)
            # Of several replicas with the address, one tells it.
            if step and self.store.notices.put(after, before=before):
                told.append((post, after, before))
        if not told or _send(name, address, self._message([post for post, *_ in told])):
            return
        self._failed = {**(self._failed or {}), name: now + AGAIN}
        for _post, after, before in told:
            if before is None:
                self.store.notices.forget(after.key)
            else:
                self.store.notices.put(before, before=after)

    def _message(self, posts: list[WaitingPost]) -> Alert:
        campaign, count = self.campaign(), len(posts)
        title = f"{campaign.schedule.campaign}: {count} post{'s'[: count > 1]} waiting for you"
        link = f"{self.desk}/week" if self.desk else ""
        return Alert(title, "\n\n".join(self._lines(post, campaign) for post in posts), link)

    def _lines(self, post: WaitingPost, campaign: Campaign) -> str:
        due = shown(post.due_at, campaign.zone) if post.due_at else "its queue's next free place"
        why = f": {post.detail}" if post.need is not Need.APPROVAL else ""
        page = "/held" if post.need is Need.DECISION else f"/posts/{quote(post.post_id)}#read"
        lines = [
            f"{first_words(post.text, _WORDS)}",
            f"{_NEEDS[post.need]}{why}; due {due}; {', '.join(post.accounts)}",
            f"{self.desk}{page}" if self.desk else post.post_id,
        ]
        return "\n".join(lines)


def _heard_by(
    name: str,
    waiting: Iterable[WaitingPost],
    absences: Mapping[str, Absence],
    users: Iterable[str],
    now: datetime,
) -> list[WaitingPost]:
    known = tuple(users)
    return [post for post in waiting if name in in_place_of(post.people, absences, known, now)]


def _key(name: str, post: WaitingPost) -> str:
    return f"{PERSONAL}{name}/{post.key}"


def _send(name: str, address: str, alert: Alert) -> bool:
    """Send to one address; without texts of posts in the log."""
    try:
        return channels_of((address,), whose=f"address of {name}").send(alert)
    except SettingsError as error:
        log.warning("somebody cannot be told", reason=str(error))
        return False
