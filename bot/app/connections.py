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
from bot.errors import SettingsError
from bot.log import mask
from bot.planning.store import Store
from bot.platforms.base import Connection, Platform
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.rehearsal import connect_as
from bot.rendering.rendered import prices_for
from bot.settings import Settings, secrets_for


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
        is_live = self.campaign().schedule.mode is Mode.LIVE
        names = kind.spec.secrets if is_live else ()
        connection = Connection(
            account=account,
            secrets=secrets_for(account.name, names, os.environ, mask=mask),
            meter=self._meter(account),
            connect_timeout=self.known.connect_timeout.total_seconds(),
            read_timeout=self.known.read_timeout.total_seconds(),
            on_server_time=partial(self.heard, account.name),
        )
        connect = kind.connect if is_live else connect_as(kind.spec, self.rehearsed)
        return connect(connection)

    def _meter(self, account: Account) -> AccountMeter:
        def prices() -> Mapping[str, float]:
            return prices_for(self.platforms[account.platform].spec, self.campaign().schedule)

        def current() -> Account:
            return self.campaign().schedule.accounts[account.name]

        return AccountMeter(self.store.ledger, self.clock, current, prices)

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
