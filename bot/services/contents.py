"""The campaign in force: the last tree of files that was whole and right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from bot.clock import Clock
from bot.content.loading import Loaded
from bot.core.campaign import Campaign, Mode, Source
from bot.errors import ContentError, Problem, Severity
from bot.log import get_logger
from bot.services.composing import Composition
from bot.store import Store

log = get_logger(__name__)

#: Reads and proves all files on disk.
Load = Callable[[], Loaded]
#: Tells by a hash whether they changed, without proving them.
Look = Callable[[], str]
#: Renders a campaign for its accounts, with the limits that their servers told.
Compose = Callable[[Loaded], Composition]

#: Stands, with its hash, for a picture among the texts of a kept tree.
PICTURE = "picture sha256:"


def kept_files(store: Store) -> dict[str, bytes] | None:
    """Read the last good tree back from the database; None before there is one."""
    last = store.contents.last()
    if last is None:
        return None
    return {
        name: store.media.get(one.removeprefix(PICTURE))
        if one.startswith(PICTURE)
        else one.encode()
        for name, one in last[1].items()
    }


def errors_of(loaded: Loaded) -> tuple[Problem, ...]:
    """Give the problems that keep a tree from being applied."""
    return tuple(one for one in loaded.problems if one.severity is Severity.ERROR)


@dataclass(slots=True)
class Contents:
    """Takes up changed files by itself, as a whole tree or not at all."""

    store: Store
    clock: Clock
    look: Look
    load: Load
    load_last: Callable[[], Loaded | None]
    compose: Compose
    #: Live and rehearsal share no database, so the mode of the first tree stays.
    mode: Mode | None = None
    #: What the files on disk ask for.
    asked_mode: Mode | None = None
    _composition: Composition | None = None
    _loaded: Loaded | None = None
    _broken: tuple[Problem, ...] = ()
    _seen: str = ""
    _lock: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Put the files on disk into force, or else the last good tree of the database.

        Raises:
            ContentError: neither is whole.
        """
        if self.refresh() or self._composition is not None:
            return
        last = self.load_last()
        if last is None or last.campaign is None:
            raise ContentError(self._broken)
        log.warning("files have errors; the last good ones are in force", errors=len(self._broken))
        self._put_in_force(last, self.compose(last))

    def refresh(self) -> bool:
        """Read the files again where they changed; tell whether a new tree came into force."""
        with self._lock:
            seen = self.look()
            if seen == self._seen:
                return False
            loaded = self.load()
            # Files that change while they are read are read again at the next look.
            self._seen = seen
            composed = self._composed(loaded)
            if composed is None:
                log.error("files have errors; nothing is changed", errors=len(self._broken))
                return False
            if self._composition is not None:
                self._void_changed(self._composition.campaign, composed.campaign)
            self._put_in_force(loaded, composed)
            self._keep(loaded)
            log.info("content in force", tree=loaded.tree_sha256[:12])
            return True

    def _composed(self, loaded: Loaded) -> Composition | None:
        """Render what was read; where it cannot be put into force keep why, and give None."""
        self._broken = errors_of(loaded) or self._in_other_mode(loaded)
        if self._broken:
            return None
        try:
            return self.compose(loaded)
        except ContentError as error:
            self._broken = error.problems
            return None

    def _in_other_mode(self, loaded: Loaded) -> tuple[Problem, ...]:
        if loaded.campaign is None:
            return ()
        schedule = loaded.campaign.schedule
        self.asked_mode = schedule.mode
        if self.mode in {None, schedule.mode}:
            return ()
        message = f"the bot runs in mode {self.mode}; stop it and start it again to change that"
        return (Problem(schedule.place.file, 0, 0, "mode", message, rule="mode"),)

    def _keep(self, loaded: Loaded) -> None:
        """Keep the tree in the database; pictures among the other pictures, by their hash."""
        kept = {
            name: one if isinstance(one, str) else f"{PICTURE}{self.store.media.put(one)}"
            for name, one in loaded.files.items()
        }
        self.store.contents.apply(loaded.tree_sha256, kept, now=self.clock.now())

    def recompose(self) -> None:
        """Render again, because a server told other limits; what no longer fits is told."""
        with self._lock:
            composed = self._composed(self._loaded) if self._loaded else None
            if self._loaded is not None and composed is not None:
                self._put_in_force(self._loaded, composed)

    def _put_in_force(self, loaded: Loaded, composed: Composition) -> None:
        self.mode = composed.campaign.schedule.mode
        self._composition, self._loaded = composed, loaded

    def _void_changed(self, before: Campaign, after: Campaign) -> None:
        """Void for good what approved quotations of a source that is no longer the same."""
        for old in before.sources.values():
            new: Source | None = after.sources.get(old.id)
            if new is None or new.sha256 != old.sha256:
                reason = f"source {old.id} was changed"
                self.store.approvals.void(source=old.id, reason=reason, now=self.clock.now())

    @property
    def composition(self) -> Composition:
        """What is in force, rendered."""
        if self._composition is None:
            raise AssertionError("nothing is in force before `start`")
        return self._composition

    def campaign(self) -> Campaign:
        """What is in force."""
        return self.composition.campaign

    def remarks(self) -> tuple[Problem, ...]:
        """Tell what the files in force could do better: their warnings and notices."""
        return self._loaded.problems if self._loaded else ()

    def broken(self) -> str:
        """Tell what is wrong with the files on disk; empty where they are in force."""
        return "\n".join(str(one) for one in self._broken)
