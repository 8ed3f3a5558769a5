"""Tells people what needs them: one alert a cause, again until it is settled, and that it is."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot import PROGRAM
from bot.authority.notices import Notice, Notices
from bot.clock import Clock
from bot.errors import Severity, StoreError
from bot.operations.channels import Alert, Channels
from bot.operations.model import EVENT, PERSONAL, Matter, ServiceStatus

#: People hear of one cause at most once in this time.
HOUR = timedelta(hours=1)
#: A warning that says nothing new is repeated after this.
DAY = timedelta(days=1)
#: Until the next try where nobody could be told.
AGAIN = timedelta(minutes=1)
_WORDS = {Severity.ERROR: "urgent", Severity.WARNING: "needs you", Severity.NOTICE: "settled"}


class AlertStep(StrEnum):
    """What people are to hear of a cause now."""

    ALERT = "alert"
    OVER = "over"
    #: Nothing: they know that it is over, and a new one may be told at once.
    FORGET = "forget"


def what_to_tell(notice: Notice | None, matter: Matter | None, now: datetime) -> AlertStep | None:
    """Return what people are to hear now, after what they were told before; None: nothing."""
    since = now - notice.told_at if notice else DAY
    told = notice.told if notice else ""
    if matter is None:
        if told and notice and not notice.key.startswith(EVENT):
            return AlertStep.OVER
        return AlertStep.FORGET if since >= HOUR else None
    is_urgent = matter.severity is Severity.ERROR or told != matter.text
    return AlertStep.ALERT if since >= (HOUR if is_urgent else DAY) else None


@dataclass(slots=True)
class Notifier:
    """Compares what needs a person with what people were told."""

    notices: Notices
    clock: Clock
    status: Callable[[], ServiceStatus]
    channels: Channels
    #: Address of the dashboard; empty where there is none.
    desk: str = ""
    #: Returns the signed head of the log of decisions.
    head: Callable[[datetime], str] = lambda _now: ""
    #: What could not be stored while the database did not answer.
    _unstored: dict[str, Notice] = field(default_factory=dict)
    _not_before: datetime | None = None

    def run(self) -> None:
        """Tell what is new, what lasts, and what is over."""
        now, status = self.clock.now(), self.status()
        if self._not_before is not None and now < self._not_before:
            return
        known = dict(self._unstored)
        with suppress(StoreError):
            known = self.notices.all() | known
            known = {key: one for key, one in known.items() if not key.startswith(PERSONAL)}
        matters = {matter.key: matter for matter in reversed(status.matters)}
        self._not_before = None
        urgent = sorted(key for key in matters if matters[key].severity is Severity.ERROR)
        for key in dict.fromkeys([*urgent, *sorted(matters.keys() | known.keys())]):
            notice, matter = known.get(key), matters.get(key)
            telling = what_to_tell(notice, matter, now)
            if telling is AlertStep.FORGET:
                self._forget(key)
            elif telling and not self._tell(notice, matter, status.campaign):
                # One text that is refused keeps back no other.
                self._not_before = now + AGAIN

    def _tell(self, before: Notice | None, matter: Matter | None, campaign: str) -> bool:
        """Tell that something is so, or no longer; False where nobody could be told."""
        now = self.clock.now()
        if matter is not None:
            after, alert = Notice(matter.key, now, matter.text), self._alert(matter, campaign)
        elif before is not None:
            after = replace(before, told="")
            alert = _alert(campaign, Severity.NOTICE, before.told)
        with suppress(StoreError):
            alert = replace(alert, head=self.head(now))
        if not self._put(after, before):
            return True  # another replica tells it
        if self.channels.send(alert):
            return True
        if before is None:
            self._forget(after.key)
        else:
            self._put(before, after)
        return False

    def _alert(self, matter: Matter, campaign: str) -> Alert:
        do = f"Do: {PROGRAM} {matter.command}" if matter.command else ""
        ending = "\n".join(filter(None, (do, self.desk and f"{self.desk}{matter.page}")))
        return _alert(campaign, matter.severity, matter.text, ending)

    def _put(self, after: Notice, before: Notice | None) -> bool:
        try:
            stored = before if before is not self._unstored.get(after.key) else None
            was_put = self.notices.put(after, before=stored)
        except StoreError:
            self._unstored[after.key] = after
            return True
        self._unstored.pop(after.key, None)
        return was_put

    def _forget(self, key: str) -> None:
        self._unstored.pop(key, None)
        with suppress(StoreError):
            self.notices.forget(key)


def _alert(campaign: str, severity: Severity, text: str, ending: str = "") -> Alert:
    title = f"{campaign}: {_WORDS[severity]}: {text.partition(chr(10))[0]}"
    return Alert(title, text, ending, severity=severity)
