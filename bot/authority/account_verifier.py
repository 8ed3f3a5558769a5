"""Whether each account is who it should be: asked of its server before it may send."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from bot.authority.store import AuthorityStore
from bot.authority.tables import StopReason
from bot.clock import Clock
from bot.content.model import Account, Campaign, Mode
from bot.errors import BotError, UnauthorizedError
from bot.log import get_logger
from bot.platforms.base import Platform, Profile

log = get_logger(__name__)

#: Server limits and labels change rarely; some charge for looking.
FRESH = timedelta(days=1)
#: Until the next look after one that failed: doubled with each failure, up to the second.
AGAIN, LONGEST_AGAIN = timedelta(seconds=2), timedelta(minutes=1)


@dataclass(slots=True)
class AccountVerifier:
    """Looks at each account once a day: credentials, bot label, limits."""

    store: AuthorityStore
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    #: Told that a server names other limits than those that posts were fitted to.
    on_limits: Callable[[], None] = lambda: None
    #: By account: why the last look at it failed, before which it sends nothing.
    failing: dict[str, str] = field(default_factory=dict)
    _next_look: dict[str, datetime] = field(default_factory=dict)
    _good: set[str] = field(default_factory=set)
    #: Looks in a row that failed.
    _failures: Counter[str] = field(default_factory=Counter)

    def unseen(self, now: datetime) -> tuple[str, ...]:
        """Name the accounts that wait for their first good look, at the start above all."""
        return tuple(
            name
            for name in self.campaign().schedule.accounts
            if name not in self._good
            and self._next_look.get(name, now) <= now
            and not self._is_stopped(name)
        )

    def ensure(self, account: str) -> bool:
        """Return whether the account may be used now; look first where that is long ago.

        Until its first good look an account sends nothing.
        """
        now = self.clock.now()
        if self._is_stopped(account):
            # No call is made, and what is in doubt waits; once a person lets it send, it is
            # looked at first.
            self._forget(account)
            return True
        if self._next_look.get(account, now) <= now:
            self._look(self.campaign().schedule.accounts[account], now)
        return account in self._good

    def look(self, account: str) -> bool:
        """Look at an account now, whenever it was looked at; False where that did not work."""
        now = self.clock.now()
        self._look(self.campaign().schedule.accounts[account], now)
        return account in self._good and not self._failures[account]

    def _is_stopped(self, account: str) -> bool:
        state = self.store.accounts.get(account)
        return state is not None and bool(state.stops)

    def _forget(self, account: str) -> None:
        self._good.discard(account)
        self._next_look.pop(account, None)
        self._failures.pop(account, None)

    def _look(self, account: Account, now: datetime) -> None:
        """Keep what the server tells; stop an account that must not send."""
        name, accounts = account.name, self.store.accounts
        wait = min(AGAIN * (1 << min(self._failures[name], 10)), LONGEST_AGAIN)
        self._next_look[name] = now + wait
        self._failures[name] += 1
        try:
            platform = self.platform(name)
            profile, limits = platform.profile(), platform.limits()
            if platform.spec.floors:
                limits = limits.clamped(platform.spec.floors)
            reason, why = self._misfit(account, profile)
            if reason is not StopReason.CONFIGURATION:
                before = accounts.get(name)
                note_profile(self.store, name, profile, self.clock.now())
                accounts.remember(name, remote_id=profile.id, limits=limits)
                if limits != (before.limits if before and before.limits else platform.spec.limits):
                    self.on_limits()
        except UnauthorizedError as error:
            reason, why = StopReason.UNAUTHORIZED, str(error)
        except BotError as error:
            log.warning("account not checked", account=name, reason=str(error))
            if name not in self._good:
                self.failing[name] = str(error)
            return
        self.failing.pop(name, None)
        if why:
            accounts.stop(name, reason, why, now=now)
            self._forget(name)
            return
        self._next_look[name] = now + FRESH
        self._failures.pop(name)
        self._good.add(name)

    def _misfit(self, account: Account, profile: Profile) -> tuple[StopReason, str]:
        """Return why an account must not send; no words where it may."""
        state, mode = self.store.accounts.get(account.name), self.campaign().schedule.mode
        bound = state.remote_id if state and mode is Mode.LIVE else ""
        if bound and bound != profile.id:
            why = f"its server says that it is another account: {profile.id}, and was {bound}"
            return StopReason.CONFIGURATION, f"{why}; confirm it by accept-config"
        return StopReason.UNFIT, unfit(account, profile, mode)


def note_profile(store: AuthorityStore, name: str, profile: Profile, now: datetime) -> None:
    """Keep what a server tells of an account; what readers see otherwise than before is a row."""
    state, found = store.accounts.get(name), asdict(profile)
    before = state.profile if state else {}
    changes = [
        f"{key} was {before[key]!r} and is {found[key]!r}"
        for key in ("handle", "about")
        if before.get(key) and before[key] != found[key]
    ]
    if changes:
        store.audit.write("watch", "account changed", name, why="; ".join(changes), now=now)
    store.accounts.remember(name, profile={**found, "seen_at": now.isoformat()})


def unfit(account: Account, profile: Profile, mode: Mode) -> str:
    """Return why a live account must not send; empty where it may."""
    if mode is not Mode.LIVE:
        return ""
    if profile.is_labelled_bot is False:
        return "it does not say that it is automated: set the bot flag (or bot label) on it"
    if profile.lacks:
        return f"its token does not allow {' '.join(profile.lacks)}: `login {account.name}` anew"
    found, wanted = profile.handle.removeprefix("@").casefold(), account.handle.removeprefix("@")
    if wanted and found and wanted.casefold() not in {found, found.split("@")[0]}:
        return f"its credentials belong to {profile.handle}, not to {account.handle}"
    return ""
