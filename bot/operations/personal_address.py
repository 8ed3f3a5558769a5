"""A user's own address for messages: proved by a test message, and on the desk held to limits.

Whoever sets one lets the machine connect where it says. On the machine that may be anywhere; from
the desk only where nothing inside the network can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import apprise

from bot.authority.access import Access
from bot.authority.audit import AuditRow
from bot.errors import DecisionError
from bot.evidence.fetching import is_public, resolve
from bot.masking import masked
from bot.operations.channels import Alert, Channels, channels_of

#: Of the audit rows of a new address, and of a test message.
SET, TESTED = "address", "address tested"
_MAIL = {"mailto": "Mail", "mailtos": "Mail"}
#: Services at a host of their own, which is always the same.
_FIXED = {"tgram": "Telegram", "threema": "Threema", "slack": "Slack"}
#: At a server that somebody runs: only at one of the operator's own alerts.
_OWN = {"signal": "Signal", "signals": "Signal", "matrix": "Matrix", "matrixs": "Matrix",
        "ntfy": "ntfy", "ntfys": "ntfy"}  # fmt: skip
KINDS: Mapping[str, str] = {**_MAIL, **_FIXED, **_OWN}
#: No other: some name files, or pages that are read.
_OPTIONS = frozenset({"from", "to", "name", "smtp", "user", "pass", "mode", "format"})
_MAIL_PORTS = frozenset({25, 465, 587, 2525})
#: Seconds that a person waits for what became of a test message.
_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class PersonalAddresses:
    """Sets and tests addresses for the desk."""

    access: Access
    #: Of the operator's alerts: their servers may be used.
    alerts: Channels

    def set(self, name: str, address: str) -> None:
        """Keep a user's address; DecisionError where the desk may not, or it took no message."""
        masked.add(address)
        self._prove_allowed(address)
        prove_taken(name, address)
        self.access.set_address(name, address, by=name)

    def test(self, name: str) -> None:
        """Send a test message to a user's address, and write down what became of it."""
        address = self.access.store.addresses.get(name)
        if not address:
            raise DecisionError("there is no address to test")
        why = _why_not_taken(name, address)
        self.access.write(name, TESTED, name, {"taken": not why, "why": why})

    def kind(self, name: str) -> str:
        """Name the service of a user's address, never the address; empty for none."""
        kind = self.access.store.addresses.get(name).partition(":")[0].lower()
        return KINDS.get(kind, kind)

    def last(self, name: str) -> AuditRow | None:
        """Return the row of the last message that was tried at a user's address."""
        return next(iter(self.access.store.audit.about(name, SET, TESTED)), None)

    def _prove_allowed(self, address: str) -> None:
        _prove_one(address)
        kind = urlsplit(address).scheme
        if kind not in KINDS:
            known = ", ".join(dict.fromkeys(KINDS.values()))
            raise DecisionError(f"the desk takes addresses of {known}; an operator can set others")
        service = _read(address)
        # As Apprise itself reads them: `;` begins another option, and `#` ends none.
        options = service.parse_url(address)["qsd"]
        if odd := sorted(options.keys() - _OPTIONS):
            raise DecisionError(f"leave out {', '.join(odd)}, or let an operator set the address")
        place = _server_of(service)
        if kind in _FIXED or place in {_server_of(each.notifier[0]) for each in self.alerts.all}:
            return
        if kind in _OWN:
            raise DecisionError("the desk takes this only at a server of the operator's own alerts")
        host, port = place
        try:
            is_reached = port in _MAIL_PORTS and all(map(is_public, resolve(host, port)))
        except OSError as error:
            raise DecisionError("there is no such mail server") from error
        if not is_reached:
            raise DecisionError("the desk takes public mail servers only, at their usual ports")


def prove_taken(name: str, address: str) -> None:
    """Send a test message to an address, masked from then on; DecisionError where it takes none."""
    masked.add(address)
    _read(address)
    if why := _why_not_taken(name, address):
        raise DecisionError(f"it takes no messages: {why}")


def _read(address: str) -> Any:
    """Return Apprise's one service of an address; of several, it logs what it cannot read."""
    _prove_one(address)
    found = apprise.Apprise()
    if not found.add(address) or len(found) != 1:
        raise DecisionError("it is no single address that Apprise knows")
    return found[0]


def _prove_one(address: str) -> None:
    if address.split() != [address]:
        raise DecisionError("give one address, with no space in it")


def _server_of(service: Any) -> tuple[str, int]:
    """Return the host and port that are connected to."""
    return getattr(service, "smtp_host", "") or service.host or "", service.port or 0


def _why_not_taken(name: str, address: str) -> str:
    """Send a test message; return why it was not taken, or nothing."""
    (channel,) = channels_of((address,), whose=f"address of {name}").all
    channel.deadline = _DEADLINE
    channel.send(Alert("Verbatim", "Here you are told what waits for you."))
    return channel.failing
