"""Where people are told, and what needs them: one alert a cause, again until it is settled."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from threading import Lock, Thread
from urllib.request import urlopen

import apprise

from bot import PROGRAM, visible
from bot.authority.notices import Notice, Notices
from bot.clock import Clock
from bot.errors import SettingsError, Severity, StoreError
from bot.log import get_logger
from bot.operations.model import EVENT, PERSONAL, SOON, Matter, ServiceStatus

log = get_logger(__name__)

#: Seconds that an address may take.
DEADLINE = 30.0
_KINDS = {
    Severity.ERROR: apprise.NotifyType.FAILURE,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.NOTICE: apprise.NotifyType.SUCCESS,
}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that people are told now."""

    title: str
    text: str
    #: What to do about it: stays whole where the text has to be cut.
    ending: str = ""
    #: The signed head of the log of decisions; left out where it does not fit.
    head: str = ""
    severity: Severity = Severity.WARNING
    #: Goes along where the service takes files.
    file: Path | None = None


@dataclass(slots=True)
class Channel:
    """One address of VERBATIM_ALERTS."""

    name: str
    notifier: apprise.Apprise
    deadline: float = DEADLINE
    #: Why it took nothing lately; empty where it works.
    failing: str = ""
    _thread: Thread | None = None
    _turn: Lock = field(default_factory=Lock)

    def send(self, alert: Alert) -> bool:
        """Tell it; False where it did not take that in time."""
        with self._turn:  # alerts and the digest come from threads of their own
            before, self.failing = self.failing, self._why_not(alert)
        if self.failing and not before:
            log.error("alerts do not arrive", channel=self.name, reason=self.failing)
        return not self.failing

    def _why_not(self, alert: Alert) -> str:
        taken: list[bool] = []
        # In a thread: some services have no timeout of their own.
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=lambda: taken.append(self._notify(alert)), daemon=True)
            self._thread.start()
            self._thread.join(self.deadline)
        if self._thread.is_alive():  # in the same words later: people hear each change
            return f"no answer within {self.deadline:.0f} s"
        return "" if taken == [True] else "it does not take them"

    def _notify(self, alert: Alert) -> bool:
        """Send it as text, of which nothing is live or unseen; True where the address took it."""
        service = self.notifier[0]
        longest = service.title_maxlen
        title = visible.line(alert.title)[: longest if longest > 0 else None]
        # Without a title of its own, a service has it in the text.
        most = service.body_maxlen - (len(title) + 2 if longest <= 0 else 0)
        sent = self.notifier.notify(
            visible.block(fitted(alert, most)), visible.line(title), _KINDS[alert.severity],
            apprise.NotifyFormat.TEXT, attach=str(alert.file) if alert.file else None,
        )  # fmt: skip
        return bool(sent)


def fitted(alert: Alert, most: int) -> str:
    """Return a text of at most so many characters, whose end says what to do."""
    text, ending = visible.block(alert.text), visible.block(alert.ending)
    whole = "\n".join(filter(None, (text, ending)))
    if alert.head and len(whole) + len(alert.head) + 2 <= most:
        return f"{whole}\n\n{alert.head}"
    if len(whole) <= most:
        return whole
    tail = f"…\n{ending}" if ending else "…"
    return (text[: max(0, most - len(tail))] + tail)[:most]


@dataclass(frozen=True, slots=True)
class Channels:
    """All addresses; without any, what people would be told is logged."""

    all: tuple[Channel, ...] = ()

    def send(self, alert: Alert) -> bool:
        """Tell every address; True where one took it: the others must not make it hear it again."""
        if not self.all:
            log.warning("needs a person", title=alert.title, text=alert.text, do=alert.ending)
            return True
        return True in [channel.send(alert) for channel in self.all]  # each of them

    def announce(self, text: str) -> bool:
        """Tell every address what is about to be done to what readers see; True as for `send`."""
        return self.send(Alert("A post is about to be taken down", text))

    def failing(self) -> Mapping[str, str]:
        """Return why, by the name of each address that fails."""
        return {channel.name: channel.failing for channel in self.all if channel.failing}


def ping(address: str | None) -> None:
    """Ask the dead man's address, where there is one, and forget its answer."""
    if address is None:
        return
    try:
        # The operator's own address, which begins with http:// or https://.
        with urlopen(address, timeout=DEADLINE):  # noqa: S310 - the settings take http(s) only
            pass
    except (OSError, ValueError, HTTPException) as error:
        log.warning("the dead man's address does not answer", reason=str(error))


def channels_of(addresses: tuple[str, ...], whose: str = "") -> Channels:
    """Read apprise addresses (email, Matrix, Slack, …), or SettingsError where one is none.

    Args:
        whose: What the one address is called in the log; by default its place in the setting.
    """
    found = []
    for place, address in enumerate(addresses, start=1):
        notifier = apprise.Apprise()
        if not notifier.add(address):
            name = whose or f"VERBATIM_ALERTS: address {place}"
            raise SettingsError(f"{name} is none that Apprise knows")
        name = f"{whose or f'address {place}'} ({address.partition(':')[0]})"
        found.append(Channel(name, notifier))
    return Channels(tuple(found))


#: People hear of one cause at most once in this time.
HOUR = timedelta(hours=1)
#: A warning that says nothing new is repeated after this.
DAY = timedelta(days=1)
#: Until the next try where nobody could be told.
AGAIN = timedelta(minutes=1)
_WORDS = {Severity.ERROR: "urgent", Severity.WARNING: "needs you", Severity.NOTICE: "settled"}


def is_news(notice: Notice | None, matter: Matter | None, now: datetime) -> bool:
    """Return whether people are to hear now, after what they heard, that it is so or is over."""
    if matter is None:
        return bool(notice and notice.told and not notice.key.startswith(EVENT))
    if notice is None:
        return True
    is_urgent = matter.severity is Severity.ERROR or notice.told != matter.text
    return now - notice.told_at >= (HOUR if is_urgent else DAY)


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
            if key.endswith(SOON) and key.removesuffix(SOON) in matters:
                continue
            notice, matter = known.get(key), matters.get(key)
            if is_news(notice, matter, now):
                if not self._tell(notice, matter, status.campaign):
                    # One text that is refused keeps back no other.
                    self._not_before = now + AGAIN
            elif matter is None and notice and now - notice.told_at >= HOUR:
                self._forget(key)  # they know that it is over: a new one may be told at once

    def _tell(self, before: Notice | None, matter: Matter | None, campaign: str) -> bool:
        """Tell that something is so, or no longer; False where nobody could be told."""
        now = self.clock.now()
        if matter is not None:
            do = f"Do: {PROGRAM} {matter.command}" if matter.command else ""
            ending = "\n".join(filter(None, (do, self.desk and f"{self.desk}{matter.page}")))
            after = Notice(matter.key, now, matter.text)
            alert = _alert(campaign, matter.severity, matter.text, ending)
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
