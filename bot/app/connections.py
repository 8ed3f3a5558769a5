"""The accounts' adapters: the one door through which secrets, and calls, get to a platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from bot.authority.trust import ConfigurationGuard
from bot.clock import Clock
from bot.content.model import Account, Campaign, Mode
from bot.delivery.ledger import AccountMeter
from bot.errors import PlatformError, SettingsError
from bot.log import get_logger, mask
from bot.planning.store import Store
from bot.platforms.base import Connection, Platform, Profile
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.rehearsal import connect_as
from bot.rendering.rendered import prices_for
from bot.settings import Settings, prepare_data, secret_name, secrets_for, write_private

log = get_logger(__name__)

#: Of an adapter: what calls nobody, what readers could see, and what is asked about in the
#: transaction that stores its intent (`Leases.begin`), after which it counts as made.
_NO_CALLS, _WRITES, _ASKED_BEFORE = {"spec", "close"}, {"prepare", "delete"}, {"publish"}


@dataclass(frozen=True, slots=True)
class GuardedPlatform:
    """An account's adapter; before each call, of whatever name, it asks if that may be made now."""

    _adapter: Platform
    #: Raises `PausedError` where it may not; takes whether readers could see the call.
    _require: Callable[[bool], None]

    def __getattr__(self, name: str) -> Any:
        if name not in _NO_CALLS | _ASKED_BEFORE:
            self._require(name in _WRITES)
        return getattr(self._adapter, name)


@dataclass(slots=True)
class Connections:
    """One adapter an account, made when it is first needed, for a confirmed destination only."""

    store: Store
    clock: Clock
    known: Settings
    campaign: Callable[[], Campaign]
    #: Where rehearsal accounts keep what they publish.
    rehearsed: Path
    #: Every platform by its name.
    platforms: Mapping[str, RegisteredPlatform] = field(default_factory=lambda: PLATFORMS)
    #: Told, by account, each server's own time.
    heard: Callable[[str, datetime], None] = lambda _account, _time: None
    _open: dict[str, tuple[Account, Platform]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def platform(self, name: str) -> Platform:
        """Return the adapter of an account; a new one where its place in the schedule changed.

        Raises:
            SettingsError: its secrets are missing or unsafe.
            PausedError: no call may be made for it now; no secret is read then.
        """
        schedule = self.campaign().schedule
        account = schedule.accounts[name]

        def require(writes: bool) -> None:
            guard = ConfigurationGuard(self.store, self.clock)
            guard.require(account, schedule.mode, writes=writes)

        require(False)
        return cast("Platform", GuardedPlatform(self._adapter(account), require))

    def _adapter(self, account: Account) -> Platform:
        with self._lock:
            known = self._open.get(account.name)
            if known is not None and known[0] == account:
                return known[1]
            platform = self._connect(account)
            self._open[account.name] = account, platform
        return platform

    def _connect(self, account: Account) -> Platform:
        kind = self.platforms[account.platform]
        if self.campaign().schedule.mode is not Mode.LIVE:
            return connect_as(kind.spec, self.rehearsed)(self._connection(account, {}))
        secrets = secrets_for(account.name, kind.spec.secrets, os.environ, mask=mask)
        return kind.connect(self._connection(account, secrets))

    def _connection(self, account: Account, secrets: Mapping[str, str]) -> Connection:
        spec = self.platforms[account.platform].spec
        meter = AccountMeter(
            self.store.ledger,
            self.clock,
            lambda: self.campaign().schedule.accounts[account.name],
            lambda: prices_for(spec, self.campaign().schedule),
        )
        return Connection(
            account=account,
            secrets=secrets,
            meter=meter,
            connect_timeout=self.known.connect_timeout.total_seconds(),
            read_timeout=self.known.read_timeout.total_seconds(),
            on_server_time=partial(self.heard, account.name),
        )

    def prove(self, account: Account, secrets: Mapping[str, str]) -> Profile:
        """Ask the account's server, whatever the mode is, whose these secrets are.

        Raises:
            SettingsError: they do not work; the message holds none of them.
        """
        platform = self.platforms[account.platform].connect(self._connection(account, secrets))
        try:
            return platform.profile()
        except PlatformError as error:
            raise SettingsError(f"{account.name}: not accepted: {error}") from error
        finally:
            platform.close()

    def check_secrets(self) -> None:
        """Read every account's secrets, so that a missing one is told at the start.

        A stopped account's are not read: it may have come by an edit that nobody confirmed. One
        that lacks its secrets keeps no other from working.

        Raises:
            SettingsError: no account has its secrets; each that is missing or unsafe, a line each.
        """
        problems, is_any_well = [], False
        for account in self.campaign().schedule.accounts.values():
            state = self.store.accounts.get(account.name)
            if state and state.stops:
                continue
            try:
                self._adapter(account)
                is_any_well = True
            except SettingsError as error:
                problems.append(str(error))
                log.warning("an account cannot be used", account=account.name, reason=str(error))
        if problems and not is_any_well:
            raise SettingsError("\n".join(problems))

    def close(self) -> None:
        for _account, platform in self._open.values():
            platform.close()


def keep_secrets(data: Path, account: Account, secrets: Mapping[str, str]) -> dict[str, Path]:
    """Write each secret to a file that only its owner reads; return the files by variable name."""
    folder = prepare_data(data) / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {}
    for name, value in secrets.items():
        variable = secret_name(account.name, name)
        kept[f"{variable}_FILE"] = folder / variable
        write_private(folder / variable, value)
    return kept
