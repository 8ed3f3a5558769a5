"""Whether accounts are who they should be, and as people confirmed them, before they may send.

A stolen git account could change rules: changed ones stop sending until a person confirms.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta

from bot.authority.pauses import first_covering
from bot.authority.store import AuthorityStore
from bot.authority.tables import StopReason
from bot.canonical import JsonObject
from bot.clock import Clock
from bot.content.model import Account, Campaign, Mode, Pause
from bot.errors import BotError, DecisionError, PausedError, UnauthorizedError
from bot.log import get_logger
from bot.platforms.base import Platform, Profile
from bot.platforms.spec import Destination

#: Keys of schedule.yaml that may change without anybody at the machine; all others are guarded.
HARMLESS = frozenset({"slots", "queues", "quiet", "hashtags", "themes"})
#: Planned pauses may be so long without one; those that are closer than this count as one.
HARMLESS_PAUSE = timedelta(days=14)
#: Filled in by reading, and no key of a file.
_NO_KEYS = frozenset({"name", "place", "places"})
log = get_logger(__name__)
#: Server limits and labels change rarely; some charge for looking.
FRESH = timedelta(days=1)
#: Until the next look after one that failed: doubled with each failure, up to the second.
AGAIN, LONGEST_AGAIN = timedelta(seconds=2), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded fact that the files now tell differently."""

    what: str
    before: object
    after: object
    #: The one account it touches; empty for all.
    account: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.before!r} became {self.after!r}"


def facts_of(campaign: Campaign) -> JsonObject:
    """Return what an operator vouches for, as JSON: all of the schedule but what is harmless."""
    schedule = campaign.schedule
    guarded = _keys(schedule, _NO_KEYS | HARMLESS)
    guarded |= {
        "coalition": sorted(schedule.coalition),
        "pauses": _long_pauses(schedule.pauses),
        "accounts": {each.name: _keys(each, _NO_KEYS) for each in schedule.accounts.values()},
        "sources": {source.id: source.sha256 for source in campaign.sources.values()},
    }
    facts: JsonObject = json.loads(json.dumps(guarded, default=str))
    return facts


def _keys(model: object, but: frozenset[str]) -> dict[str, object]:
    values = asdict(model)  # type: ignore[call-overload] # any of the models, all dataclasses
    return {key: value for key, value in values.items() if key not in but}


def _long_pauses(pauses: Sequence[Pause]) -> list[tuple[date, date]]:
    """Return the stretches of planned pauses that are longer than is harmless."""
    stretches: list[tuple[date, date]] = []
    for pause in sorted(pauses, key=lambda pause: pause.first):
        first, last = stretches[-1] if stretches else (date.min, date.min)
        if pause.first - last > HARMLESS_PAUSE:
            stretches.append((pause.first, pause.last))
        else:
            stretches[-1] = first, max(last, pause.last)
    return [(first, last) for first, last in stretches if last - first >= HARMLESS_PAUSE]


def changes(recorded: JsonObject, current: JsonObject) -> tuple[Change, ...]:
    """List what differs; an account that was removed sends nothing, so it is left out."""
    by_name = {"accounts", "sources", "prices"}
    plain = (Change(key, recorded.get(key), current[key]) for key in current.keys() - by_name)
    known: Mapping[str, str] = recorded["sources"]
    sources = (
        Change(f"source {name}", known.get(name), sha256)
        for name, sha256 in current["sources"].items()
    )
    every = (*sorted(plain, key=str), *sources, *_account_changes(recorded, current))
    return tuple(change for change in every if change.before != change.after)


def _account_changes(recorded: JsonObject, current: JsonObject) -> Iterator[Change]:
    for name, facts in current["accounts"].items():
        before = recorded["accounts"].get(name)
        if before is None:
            yield Change(f"account {name}", None, facts, name)
            continue
        for key in sorted(facts):
            yield Change(f"account {name}: {key}", before.get(key), facts[key], name)
        platform: str = facts["platform"]
        was, now = (each["prices"].get(platform) for each in (recorded, current))
        yield Change(f"{platform}_prices", was, now, name)


@dataclass(frozen=True, slots=True)
class ConfigurationGuard:
    """Compares what the files say with what was confirmed on this machine."""

    store: AuthorityStore
    clock: Clock

    def inspect(self, campaign: Campaign) -> tuple[Change, ...]:
        """Stop each account that a change touches; asked before the change comes into force.

        A rehearsal sends nothing, so there is nothing to guard.
        """
        recorded = self.store.trust.recorded()
        if recorded is None or campaign.schedule.mode is not Mode.LIVE:
            return ()
        found = changes(recorded, facts_of(campaign))
        self._stop_touched(campaign, found)
        return found

    def record_first(self, campaign: Campaign) -> None:
        """Record what the files say at the very first start, for which somebody is there.

        Before, every call is refused.
        """
        if campaign.schedule.mode is Mode.LIVE and self.store.trust.recorded() is None:
            self.store.trust.record(facts_of(campaign), by="first start", now=self.clock.now())

    def require(self, account: Account, mode: Mode, *, writes: bool = False) -> None:
        """Raise PausedError where no call (that readers could see: ``writes``) may be made now."""
        name = account.name
        with self.store.looking():
            pauses, state = self.store.pauses.lasting(), self.store.accounts.get(name)
            recorded = self.store.trust.recorded() if mode is Mode.LIVE else None
        # Whether a post's theme or language is paused, the gate and `Leases.begin` know.
        stopping = [pause for pause in pauses if writes or pause.all_calls]
        if pause := first_covering(stopping, name, theme="", lang=""):
            raise PausedError(f"paused by {pause.by}: {pause.reason}")
        if state and state.stops:
            raise PausedError(f"{name} is stopped: {state.stopped_detail}")
        facts = recorded["accounts"].get(name) if recorded else None
        bound = Destination(facts["platform"], facts["server"], facts["handle"]) if facts else None
        if mode is Mode.LIVE and account.destination != bound:
            was = f"is bound to {bound}" if bound else "was never confirmed"
            raise PausedError(
                f"{name}: {account.destination}: it {was}; confirm it by accept-config"
            )

    def bind(self, campaign: Campaign, name: str, remote_id: str, *, by: str) -> None:
        """Confirm where one account is, as the files have it: its secrets have been proved there.

        Whatever else of it was changed still waits for `accept`.
        """
        now, current, place = self.clock.now(), facts_of(campaign), campaign.schedule.accounts[name]
        recorded = self.store.trust.recorded() or current
        destination = asdict(place.destination)
        accounts = recorded["accounts"]
        accounts = {**accounts, name: {**accounts.get(name, {}), **destination}}
        bound = {**recorded, "accounts": accounts}
        with self.store.transaction():
            self.store.accounts.sync(campaign.schedule.accounts.values(), now=now)
            self.store.accounts.remember(name, remote_id=remote_id)
            self.store.trust.record(bound, by=by, now=now)
            if not any(change.account in {"", name} for change in changes(bound, current)):
                self.store.accounts.start(name, StopReason.CONFIGURATION)
            detail = {**destination, "remote_id": remote_id}
            self.store.audit.write(by, "login", name, detail=detail, now=now)

    def refuse_mode(self, campaign: Campaign, wanted: Mode) -> None:
        """Stop all live accounts because the files now ask for another mode."""
        mode = campaign.schedule.mode
        if mode is Mode.LIVE:
            self._stop_touched(campaign, [Change("mode", mode.value, wanted.value)])

    def _stop_touched(self, campaign: Campaign, found: Sequence[Change]) -> None:
        # A new account is a change too, and must be known before it can be stopped.
        self.store.accounts.sync(campaign.schedule.accounts.values(), now=self.clock.now())
        for name in campaign.schedule.accounts:
            touching = [change for change in found if change.account in {"", name}]
            if touching:
                reason, detail = StopReason.CONFIGURATION, "; ".join(map(str, touching))
                self.store.accounts.stop(name, reason, f"{reason}: {detail}", now=self.clock.now())

    def accept(self, campaign: Campaign, *, by: str, why: str) -> tuple[Change, ...]:
        """Confirm what the files say, lift what that stopped; DecisionError if nothing changed."""
        now, current = self.clock.now(), facts_of(campaign)
        recorded = self.store.trust.recorded()
        found = changes(recorded, current) if recorded else ()
        states = self.store.accounts.all()
        stopped = [state.name for state in states if StopReason.CONFIGURATION in state.stops]
        last, tree = self.store.contents.last(), campaign.tree_sha256
        is_waiting = last is not None and last[0] != tree
        if recorded is not None and not found and not stopped and not is_waiting:
            raise DecisionError("nothing has changed since the last confirmation")
        self.store.trust.record({**current, "tree": tree}, by=by, now=now)
        for name in stopped:
            self.store.accounts.start(name, StopReason.CONFIGURATION)
            self.store.accounts.remember(name, remote_id="")  # the next look tells who it is
        detail = {"changes": [str(change) for change in found], "accounts": stopped}
        self.store.audit.write(
            by, "accept-config", "configuration", why=why, detail=detail, now=now
        )
        return found


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
            self._look(account, now)
        return account in self._good

    def look(self, account: str) -> bool:
        """Look at an account now, whenever it was looked at; False where that did not work."""
        self._look(account, self.clock.now())
        return account in self._good and not self._failures[account]

    def _is_stopped(self, account: str) -> bool:
        state = self.store.accounts.get(account)
        return state is not None and bool(state.stops)

    def _forget(self, account: str) -> None:
        self._good.discard(account)
        self._next_look.pop(account, None)
        self._failures.pop(account, None)

    def _look(self, name: str, now: datetime) -> None:
        """Keep what the server tells; stop an account that must not send."""
        account, accounts = self.campaign().schedule.accounts[name], self.store.accounts
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
                accounts.remember(name, remote_id=profile.id, limits=asdict(limits))
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
