"""The campaign in force: the last tree of files that was whole and right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from bot import PROGRAM
from bot.checks.checking import CheckedContent
from bot.clock import Clock
from bot.content.loading import is_picture
from bot.content.model import Campaign, Mode, Schedule
from bot.errors import ContentError, Problem
from bot.log import get_logger
from bot.rendering.rendered import RenderedCampaign

if TYPE_CHECKING:  # what reads files only needs no database
    from bot.planning.store import Store

log = get_logger(__name__)

#: Fewer than these are cancelled without a question, whatever their share.
MUCH = 5

#: Reads, renders and checks all files on disk.
Load = Callable[[], CheckedContent]
#: Tells by a hash whether they changed, without proving them.
TreeHash = Callable[[], str]

#: Stands, with its hash, for a picture among the texts of a kept tree.
_KEPT = "picture sha256:"


def kept_files(store: Store) -> dict[str, bytes] | None:
    """Read the last good tree back from the database; None before there is one."""
    last = store.contents.last()
    if last is None:
        return None
    return {
        name: store.media.get(text.removeprefix(_KEPT)) if text.startswith(_KEPT) else text.encode()
        for name, text in last[1].items()
    }


def _problem_at(schedule: Schedule, key: str, message: str, *, rule: str) -> Problem:
    place = schedule.places.get(key, schedule.place)
    return Problem(place.file, place.line, place.column, key, message, rule=rule)


@dataclass(slots=True)
class ContentInForce:
    """Takes up changed files by itself, as a whole tree or not at all."""

    store: Store
    clock: Clock
    look: TreeHash
    load: Load
    load_last: Callable[[], CheckedContent | None]
    #: Renders with the limits that servers tell now.
    render_again: Callable[[CheckedContent], RenderedCampaign]
    #: Stops what a change touches that nobody confirmed, before the change comes into force.
    inspect: Callable[[Campaign], object] = lambda _campaign: None
    #: Holds a campaign to the machine's ceilings.
    bounded: Callable[[Campaign], Campaign] = lambda campaign: campaign
    #: Returns how many publications a campaign would cancel, and of how many.
    cancels: Callable[[RenderedCampaign], tuple[int, int]] = lambda _rendered: (0, 0)
    #: Live and rehearsal share no database, so the mode of the first tree stays.
    mode: Mode | None = None
    #: What the files on disk ask for.
    asked_mode: Mode | None = None
    _rendered: RenderedCampaign | None = None
    _content: CheckedContent | None = None
    _broken: tuple[Problem, ...] = ()
    _seen: str = ""
    #: What the last look saw.
    _looked: str = ""
    #: A tree that waits for a person, as it would cancel much.
    _sweeping: str = ""
    _lock: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Put the files on disk into force, or the last good tree; ContentError for neither."""
        if self.refresh() or self._rendered is not None:
            return
        last = self.load_last()
        if last is None or last.campaign is None:
            raise ContentError(self._broken)
        log.warning("files have errors; the last good ones are in force", errors=len(self._broken))
        self.inspect(last.rendered.campaign)
        self._put_in_force(last, last.rendered)

    def refresh(self) -> bool:
        """Read the files again where they changed; return whether a new tree came into force."""
        with self._lock:
            seen = self.look()
            if seen == self._seen and not (self._sweeping and self._is_accepted(self._sweeping)):
                return False
            if seen != self._looked and self._rendered is not None:
                self._looked = seen  # it may be half-copied: only what two looks agree on counts
                return False
            content = self.load()
            # Files that change while they are read are read again at the next look.
            self._seen = seen
            self._sweeping = ""
            self._broken = (
                content.errors or self._of_another(content) or self._cancels_much(content)
            )
            if self._broken:
                log.error("files have errors; nothing is changed", errors=len(self._broken))
                return False
            self.inspect(content.rendered.campaign)
            if self._rendered is not None:
                self._void_changed(self._rendered.campaign, content.rendered.campaign)
            self._put_in_force(content, content.rendered)
            # Pictures are kept among the other pictures, by their hash.
            now, commit, put = self.clock.now(), content.commit, self.store.media.put
            kept = {
                name: f"{_KEPT}{put(file, now)}" if is_picture(name) else file.decode()
                for name, file in content.loaded.files.items()
            }
            self.store.contents.apply(content.tree_sha256, kept, now, commit=commit)
            log.info("content in force", tree=content.tree_sha256[:12])
            return True

    def _of_another(self, content: CheckedContent) -> tuple[Problem, ...]:
        """Return what says that the files are another campaign's, or for another mode."""
        schedule = content.rendered.campaign.schedule
        if self._rendered and schedule.campaign != (own := self.campaign().schedule.campaign):
            message = (
                f"these are files of {schedule.campaign}, the bot runs {own}; put its own back"
            )
            return (_problem_at(schedule, "campaign", message, rule="other-campaign"),)
        self.asked_mode = schedule.mode
        if self.mode in {None, schedule.mode}:
            return ()
        message = f"the bot runs in mode {self.mode}; stop it and start it again to change that"
        return (_problem_at(schedule, "mode", message, rule="mode"),)

    def _cancels_much(self, content: CheckedContent) -> tuple[Problem, ...]:
        """Return what a person must confirm: files that went missing look like a wish to cancel."""
        schedule, tree = content.rendered.campaign.schedule, content.tree_sha256
        cancelled, planned = self.cancels(content.rendered)
        is_much = cancelled >= MUCH and cancelled > planned / 4
        if schedule.mode is not Mode.LIVE or not is_much or self._is_accepted(tree):
            return ()
        self._sweeping = tree
        message = (
            f"these files would cancel {cancelled} of {planned} planned posts; if that is meant,"
            f" confirm it: {PROGRAM} accept-config --as NAME"
        )
        return (Problem(schedule.place.file, 0, 0, "posts", message, rule="cancels-much"),)

    def _is_accepted(self, tree: str) -> bool:
        return (self.store.trust.recorded() or {}).get("tree") == tree

    def recompose(self) -> None:
        """Render again, because a server told other limits; what does not fit there is left out."""
        with self._lock:
            if self._content is not None:
                self._put_in_force(self._content, self.render_again(self._content))

    def _put_in_force(self, content: CheckedContent, rendered: RenderedCampaign) -> None:
        self.mode = rendered.campaign.schedule.mode
        self._rendered = replace(rendered, campaign=self.bounded(rendered.campaign))
        self._content = content

    def _void_changed(self, before: Campaign, after: Campaign) -> None:
        """Void for good what approved quotations of a source that is no longer the same."""
        for old in before.sources.values():
            new = after.sources.get(old.id)
            # Of one that is not there nothing is known; what quotes it is approved by its hash.
            if new is not None and new.sha256 != old.sha256:
                reason = f"source {old.id} was changed"
                quoting = [
                    each for each in self.store.approvals.standing() if old.id in each.sources
                ]
                self.store.approvals.void(quoting, reason=reason, now=self.clock.now())

    @property
    def rendered(self) -> RenderedCampaign:
        if self._rendered is None:
            raise AssertionError("nothing is in force before `start`")
        return self._rendered

    def campaign(self) -> Campaign:
        """What is in force, within the machine's ceilings."""
        return self.rendered.campaign

    def written(self) -> Campaign:
        """What is in force, as the files say it."""
        return self._content.rendered.campaign if self._content else self.campaign()

    def left_out(self) -> Mapping[str, list[str]]:
        """Return the posts that do not fit what a server tells, by account."""
        found: dict[str, list[str]] = defaultdict(list)
        for text in self._rendered.texts.values() if self._rendered else ():
            if text.problems and text.post.ready:
                found[text.account.name].append(text.post.id)
        return found

    def warnings(self) -> tuple[Problem, ...]:
        """Return what the files in force could do better: their warnings and notices."""
        return self._content.problems if self._content else ()

    def broken(self) -> str:
        return "\n".join(map(str, self._broken))
