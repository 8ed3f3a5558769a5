"""The accounts' adapters: the one place where a secret meets a platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock

from bot.clock import Clock
from bot.content.model import Account, Campaign, Mode
from bot.delivery.ledger import AccountMeter
from bot.errors import PlatformError, SettingsError
from bot.log import mask
from bot.planning.store import Store
from bot.platforms.base import Connection, Platform, Profile
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.rehearsal import connect_as
from bot.rendering.rendered import prices_for
from bot.settings import Settings, prepare_data, secret_name, secrets_for, write_private


@dataclass(slots=True)
class Connections:
    """One adapter an account, made when it is first needed."""

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
        """
        account = self.campaign().schedule.accounts[name]
        with self._lock:
            known = self._open.get(name)
            if known is not None and known[0] == account:
                return known[1]
            platform = self._connect(account)
            self._open[name] = account, platform
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
        """Connect every account, so that a missing secret is told at the start.

        Raises:
            SettingsError: every secret that is missing or unsafe, a line each.
        """
        problems = []
        for name in self.campaign().schedule.accounts:
            try:
                self.platform(name)
            except SettingsError as error:
                problems.append(str(error))
        if problems:
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
