"""The accounts' adapters: the one door through which secrets, and calls, get to a platform."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from bot.authority.trust import ConfigurationGuard
from bot.clock import Clock
from bot.content.model import Account, Campaign, Mode
from bot.delivery.interactions import documents_of
from bot.delivery.ledger import AccountMeter
from bot.errors import DecisionError, PlatformError, SettingsError
from bot.masking import mask
from bot.planning.store import Store
from bot.platforms.base import AskCode, Connection, Platform, Profile
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.rehearsal import Rehearsal
from bot.rendering.rendered import prices_for
from bot.settings.environment import Settings
from bot.settings.private import prepare_data, write_private
from bot.settings.secrets import given_elsewhere, secret_name, secrets_for

#: In a data directory: what `login` keeps.
SECRETS_FOLDER = "secrets"
#: Of an adapter: what calls nobody, what readers could see, and what is asked about in the
#: transaction that stores its intent (`Leases.begin`), after which it counts as made.
_NO_CALLS, _ASKED_BEFORE = {"spec", "close"}, {"publish"}
_WRITES = {"prepare", "delete", "put_document", "hide_reply", "revoke_quote"}


@dataclass(frozen=True, slots=True)
class GuardedPlatform:
    """An account's adapter; before each call, of whatever name, it asks if that may be made now."""

    _adapter: Platform
    #: Raises `PausedError` where it may not; ``writes`` says that readers could see the call.
    _require: Callable[..., None]

    def __getattr__(self, name: str) -> Any:
        if name not in _NO_CALLS | _ASKED_BEFORE:
            self._require(writes=name in _WRITES)
        return getattr(self._adapter, name)


@dataclass(slots=True)
class Connections:
    """One adapter an account, made when it is first needed, for a confirmed destination only."""

    store: Store
    clock: Clock
    known: Settings
    campaign: Callable[[], Campaign]
    #: Every platform by its name.
    platforms: Mapping[str, RegisteredPlatform] = field(default_factory=lambda: PLATFORMS)
    #: Told, by account, each server's own time.
    heard: Callable[[str, datetime], None] = lambda _account, _time: None
    #: Where rehearsal accounts keep what they publish, and `login` secrets; by default beside the
    #: database.
    rehearsed: Path | None = None
    kept: Path | None = None
    _open: dict[str, tuple[Account, Mapping[str, str], Platform]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def platform(self, name: str) -> Platform:
        """Return the adapter of an account; a new one where its place in the schedule changed.

        Raises:
            SettingsError: its secrets are missing or unsafe.
            PausedError: no call may be made for it now; no secret is read then.
        """
        schedule, guard = self.campaign().schedule, ConfigurationGuard(self.store, self.clock)
        account = schedule.accounts[name]
        require = partial(guard.require, account, schedule.mode)
        require()
        return cast("Platform", GuardedPlatform(self._adapter(account), require))

    def _adapter(self, account: Account) -> Platform:
        kind = self.platforms[account.platform]
        is_live = self.campaign().schedule.mode is Mode.LIVE
        names = kind.spec.secrets if is_live else ()
        kept = self.kept or self.store.directory / SECRETS_FOLDER
        with self._lock:
            # Read each time: a secret that is replaced is used from the next call on.
            secrets = secrets_for(account.name, names, os.environ, mask=mask, kept=kept)
            known = self._open.get(account.name)
            if known is not None and known[:2] == (account, secrets):
                return known[2]
            rehearsed = self.rehearsed or self.store.directory / "rehearsed.db"
            connect = kind.connect if is_live else partial(Rehearsal, kind.spec, rehearsed)
            platform = connect(self._connection(account, secrets))
            self._open[account.name] = account, secrets, platform
            if known is not None:
                known[2].close()
        return platform

    def _connection(self, account: Account, secrets: Mapping[str, str]) -> Connection:
        server = account.destination.server
        if secrets and server and self.known.servers and server not in self.known.servers:
            raise SettingsError(f"{account.name}: {server} is not one of VERBATIM_SERVERS")
        spec, state = self.platforms[account.platform].spec, self.store.accounts.get(account.name)
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
            abilities=state.abilities_at(account.destination) if state else {},
            documents=partial(documents_of, self.store, account.name),
            on_server_time=partial(self.heard, account.name),
        )

    def prove(self, account: Account, secrets: Mapping[str, str]) -> Profile:
        """Ask the account's server, whatever the mode is, whose these secrets are.

        Raises:
            SettingsError: they do not work; the message holds none of them.
        """
        platform = self.platforms[account.platform].connect(self._connection(account, secrets))
        with _accepted(account), closing(platform):
            return platform.profile()

    def authorize(
        self, account: Account, secrets: Mapping[str, str], ask: AskCode
    ) -> Mapping[str, str]:
        """Return these secrets and those that the platform gives for a code; raises as `prove`."""
        kind = self.platforms[account.platform]
        # Not half of what is granted anew: an answer that has it again would have it blacked out.
        own = {name: secrets[name] for name in secrets if name not in kind.spec.granted}
        with _accepted(account):
            return {**own, **kind.authorize(self._connection(account, own), ask)}

    def close(self) -> None:
        for _account, _secrets, platform in self._open.values():
            platform.close()


@contextmanager
def _accepted(account: Account) -> Iterator[None]:
    try:
        yield
    except PlatformError as error:
        raise SettingsError(f"{account.name}: not accepted: {error}") from error


def refuse_given_elsewhere(data: Path, account: Account) -> None:
    """Raise DecisionError where a secret has another place: a second one stops the account."""
    names = PLATFORMS[account.platform].spec.secrets
    given = given_elsewhere(account.name, names, os.environ, kept=data / SECRETS_FOLDER)
    if given:
        places = (f"{variable} comes from {place}" for variable, place in given.items())
        raise DecisionError(f"{'; '.join(places)}: replace it there")


def keep_secrets(data: Path, account: Account, secrets: Mapping[str, str]) -> dict[str, Path]:
    """Write each secret to a file that only its owner reads; return the files by variable name."""
    folder = prepare_data(data) / SECRETS_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {}
    for name, value in secrets.items():
        variable = secret_name(account.name, name)
        kept[f"{variable}_FILE"] = folder / variable
        write_private(folder / variable, value)
    return kept
