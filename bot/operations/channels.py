"""Where people are told: each address by itself, so that one that fails stops no other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.request import urlopen

import apprise

from bot import visible
from bot.errors import SettingsError, Severity
from bot.log import get_logger

log = get_logger(__name__)

#: Seconds that an address may take.
DEADLINE = 30.0
_KINDS = {
    Severity.ERROR: apprise.NotifyType.FAILURE,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.NOTICE: apprise.NotifyType.SUCCESS,
}


def notify(channel: apprise.Apprise, title: str, text: str, **more: Any) -> bool:
    """Send a text as text, of which nothing is live or unseen; True where every address took it."""
    title, text = visible.line(title), visible.block(text)
    return bool(channel.notify(text, title, body_format=apprise.NotifyFormat.TEXT, **more))


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
        if self._thread is not None and self._thread.is_alive():
            return "it has not answered yet"
        taken: list[bool] = []
        # In a thread: some services have no timeout of their own.
        self._thread = Thread(target=lambda: taken.append(self._notify(alert)), daemon=True)
        self._thread.start()
        self._thread.join(self.deadline)
        if self._thread.is_alive():
            return f"no answer within {self.deadline:.0f} s"
        return "" if taken == [True] else "it does not take them"

    def _notify(self, alert: Alert) -> bool:
        service = self.notifier[0]
        longest = service.title_maxlen
        title = visible.line(alert.title)[: longest if longest > 0 else None]
        # Without a title of its own, a service has it in the text.
        most = service.body_maxlen - (len(title) + 2 if longest <= 0 else 0)
        kind = _KINDS[alert.severity]
        more = {"attach": str(alert.file)} if alert.file else {}
        return notify(self.notifier, title, fitted(alert, most), notify_type=kind, **more)


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

    all: tuple[Channel, ...] = field(default=())

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
        with urlopen(address, timeout=DEADLINE):  # noqa: S310
            pass
    except (OSError, ValueError, HTTPException) as error:
        log.warning("the dead man's address does not answer", reason=str(error))


def channels_of(addresses: tuple[str, ...], whose: str = "") -> Channels:
    """Read apprise addresses (email, Matrix, Slack, …).

    Args:
        whose: What the one address is called in the log; by default its place in the setting.

    Raises:
        SettingsError: apprise does not know such an address.
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
