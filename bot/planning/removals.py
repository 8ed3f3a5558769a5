"""Taking down what is out: alone once a day, else with another person; and only what is ours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from bot.authority.audit import AuditRow
from bot.authority.pauses import PauseState
from bot.authority.users import Person, Right
from bot.clock import Clock
from bot.content.model import Mode
from bot.delivery.decide import is_same_person
from bot.delivery.lifecycle import IN_DOUBT, Event
from bot.delivery.model import Delivery, State
from bot.errors import BotError, DecisionError
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.status import PostRef
from bot.rendering.rendered import RenderedCampaign

#: One post may be taken down by one person within this.
ALONE = timedelta(days=1)
#: How long the wish to take down another one waits for somebody else's yes.
WAITING = timedelta(days=3)
#: Verbs of the audit log; people are told of each.
ASKED, BEGUN = "retract asked", "retract begun"


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of taking one status down."""

    delivery: str
    account: str
    url: str
    deleted: bool
    #: What happened, for people.
    told: str


def requests(rows: Iterable[AuditRow], post_id: str, now: datetime) -> list[AuditRow]:
    """Return what asks for a post to be taken down and still waits, newest first."""
    about = (row for row in rows if row.subject == post_id and row.verb in {ASKED, BEGUN})
    newer = takewhile(lambda row: row.verb == ASKED, about)  # before that, it is done
    return [row for row in newer if row.at > now - WAITING]


@dataclass(frozen=True, slots=True)
class Removals:
    """Deletes what the bot itself sent, or what reading proves to be its own."""

    store: Store
    clock: Clock
    rendered: Callable[[], RenderedCampaign]
    platform: Callable[[str], Platform]
    #: Tells people at once, before what cannot be undone.
    announce: Callable[[str], object] = lambda _text: None

    @property
    def mode(self) -> Mode:
        return self.rendered().campaign.schedule.mode

    def _begin(self, post_id: str, *, by: str, why: str) -> bool:
        """Write down and announce that a post is taken down; False if a second must agree."""
        rows = self.store.outbox.find(states={State.SENT} | IN_DOUBT, post_id=post_id)
        pauses = [self._pause_of(row) for row in rows]
        paused = self.store.pauses.current() or (all(pauses) and next(iter(pauses), None))
        if paused:
            what = paused.detail and f" of the {paused.detail}"
            raise DecisionError(f"sending{what} is paused, and so is deleting; resume first")
        now = self.clock.now()

        def choose(rows: Sequence[AuditRow]) -> str:
            others = (row for row in rows if row.verb == BEGUN and row.subject != post_id)
            if not any(row.at > now - ALONE for row in others):
                return BEGUN
            asked = {row.who for row in requests(rows, post_id, now)}
            is_agreed = any(self._may(who) and not is_same_person(who, by) for who in asked)
            return BEGUN if is_agreed else ASKED

        row = self.store.audit.write_chosen(
            by, choose, post_id, why=why, since=now - WAITING, now=now
        )
        if row.verb == BEGUN and self.mode is Mode.LIVE:  # in a rehearsal nothing is taken down
            self.announce(f"{post_id}: {by} takes it down now: {why}")
        return row.verb == BEGUN

    def _pause_of(self, row: Delivery) -> PauseState | None:
        return self.store.pauses.of(*row.publication.pausable)

    def _may(self, name: str) -> bool:
        """Whether somebody takes posts down; before there are users, whoever says so."""
        user = self.store.users.get(name)
        if user is None:
            return not self.store.users.all()
        return Person.of(user).may(Right.CORRECT)

    def _take_down_all(self, rows: Iterable[Delivery], *, by: str, why: str) -> tuple[Removal, ...]:
        """Delete the last part of a thread first, so that no reply hangs in the air."""
        wanted = [row for row in rows if row.state in {State.SENT} | IN_DOUBT]
        ordered = sorted(wanted, key=lambda row: (row.account, row.publication.id, -row.part))
        return tuple(self._take_down(row, by, why) for row in ordered)

    def _take_down(self, row: Delivery, by: str, why: str) -> Removal:
        was_there = None
        if row.state in IN_DOUBT:
            told = f"it is {row.state}: not settled whether it is out; retract it again later"
        elif pause := self._pause_of(row):
            told = f"the {pause.target} is paused by {pause.by}; retract it again later"
        else:
            try:
                platform = self.platform(row.account)
                was_there = platform.delete(self._own(row, platform))
            except KeyError:
                told = "the account is not in use any more"
            except BotError as error:
                told = str(error)
        if was_there is not None:
            told = "deleted" if was_there else "was gone already"
            now, move = self.clock.now(), self.store.outbox.move
            move(row.id, Event.RETRACT, now=now, actor=by, detail=why, evidence=told)
        return Removal(row.id, row.account, row.url, was_there is not None, told)

    def _own(self, row: Delivery, platform: Platform) -> PostRef:
        """Return what the bot sent: as its log has it, or as reading finds it there, word for word.

        Raises:
            DecisionError: neither; a person gave its address, or the database was changed.
            PlatformError: it cannot be read now.
        """
        logged = self.store.outbox.logged(row.id)
        if logged and logged.ref and logged.ref.id == row.remote_id and not logged.by:
            return row.ref
        found = platform.find(row.draft) if row.draft else None
        if found is None or row.remote_id not in {found.id, found.url}:
            raise DecisionError("not proved to be the bot's own; delete it on the network itself")
        return found
