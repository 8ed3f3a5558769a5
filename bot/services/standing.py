"""Whether each account is who it should be: asked of its server before it may send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.campaign import Account, Campaign, Mode
from bot.errors import PlatformError, UnauthorizedError
from bot.log import get_logger
from bot.platforms.base import Platform, Profile
from bot.store import Store

log = get_logger(__name__)

#: Server limits and labels change rarely; X charges for looking.
FRESH = timedelta(days=1)


@dataclass(slots=True)
class Standing:
    """Looks at each account once a day: credentials, bot label, limits."""

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    _seen: dict[str, datetime] = field(default_factory=dict)

    def ensure(self, account: str) -> bool:
        """Tell whether the account may be used now; look first where that is long ago.

        Until its first good look an account sends nothing.
        """
        now = self.clock.now()
        seen = self._seen.get(account)
        if seen is not None and now - seen < FRESH:
            return True
        try:
            self._look(self.campaign().schedule.accounts[account])
        except UnauthorizedError as error:
            self.store.accounts.stop(account, str(error), now=now)
        except PlatformError as error:
            log.warning("account not checked", account=account, reason=str(error))
            return seen is not None
        self._seen[account] = now
        return True

    def _look(self, account: Account) -> None:
        platform = self.platform(account.name)
        profile, limits = platform.profile(), platform.limits()
        known = {**asdict(profile), "seen_at": self.clock.now().isoformat()}
        self.store.accounts.remember(
            account.name, remote_id=profile.id, limits=limits, profile=known
        )
        why = unfit(account, profile, self.campaign().schedule.mode)
        if why:
            self.store.accounts.stop(account.name, why, now=self.clock.now())


def unfit(account: Account, profile: Profile, mode: Mode) -> str:
    """Say why a live account must not send; empty where it may."""
    if mode is not Mode.LIVE:
        return ""
    if profile.is_labelled_bot is False:
        return "it does not say that it is automated: set the bot flag (or bot label) on it"
    told, asked = profile.handle.removeprefix("@").casefold(), account.handle.removeprefix("@")
    if asked and told and asked.casefold() not in {told, told.split("@")[0]}:
        return f"its credentials belong to {profile.handle}, not to {account.handle}"
    return ""
