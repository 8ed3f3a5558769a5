"""Lays the campaign on the calendar and keeps the outbox in step with what people wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.authority.tables import PauseScope
from bot.clock import Clock
from bot.content.model import Schedule
from bot.content.slots import DAY
from bot.delivery.model import CancelReason
from bot.delivery.publications import NewPublication, Publication
from bot.delivery.reads import PostHistory
from bot.log import get_logger
from bot.planning.diff import (
    Existing,
    PlanDiff,
    assigned,
    diff,
    rewritten,
    sort_existing,
    withdrawn,
)
from bot.planning.plan import Offer, Plan, Window, plan
from bot.planning.store import Store
from bot.platforms.status import status_from_json
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Planner:
    """Planning twice changes nothing; what was sent never changes."""

    store: Store
    clock: Clock

    def outlook(self, rendered: RenderedCampaign, *, days: int) -> Plan:
        """Return what the coming days hold, without writing anything."""
        refused = self.store.objections.refused()
        return self._lay(rendered, self.clock.now(), days, refused)[2]

    def apply(
        self,
        rendered: RenderedCampaign,
        *,
        days: int,
        why: CancelReason = CancelReason.EDITED,
    ) -> PlanDiff:
        """Bring the outbox to what the campaign says for the coming days; return the changes.

        Texts that are others now became so for the reason ``why``.
        """
        now = self.clock.now()
        self.store.accounts.sync(rendered.campaign.schedule.accounts.values(), now=now)
        difference = self._difference(rendered, now, days, why)[1]
        if difference:
            for new in (*difference.add, *difference.replace):
                self._keep_pictures(new, rendered, now)
            self.store.plan.apply(difference, now=now)
            log.info("planned", **difference.counts())
        return difference

    def cancels(self, rendered: RenderedCampaign, *, days: int) -> tuple[int, int]:
        """Return how many publications this would cancel, and of how many that are planned."""
        existing, difference = self._difference(rendered, self.clock.now(), days)
        return len(difference.cancel), len(existing.movable) + len(existing.removed)

    def _difference(
        self,
        rendered: RenderedCampaign,
        now: datetime,
        days: int,
        why: CancelReason = CancelReason.EDITED,
    ) -> tuple[Existing, PlanDiff]:
        refused = self.store.objections.refused()
        turns, existing, result = self._lay(rendered, now, days, refused)
        wanted = [
            new for new in (assigned(each, rendered) for each in result.assignments)
            if new.publication.fingerprint not in refused
        ]  # fmt: skip
        campaign = rendered.campaign.schedule.campaign
        targets = (each.target for each in self.store.pauses.lasting())
        themes = {each.value for each in targets if each.scope is PauseScope.THEME}
        return existing, diff(
            wanted, existing, turns=turns, campaign=campaign, why=why, paused_themes=themes
        )

    def _lay(
        self, rendered: RenderedCampaign, now: datetime, days: int, refused: frozenset[str]
    ) -> tuple[Mapping[tuple[str, str], PostHistory], Existing, Plan]:
        """Sort what the outbox has, and plan around what may not be moved."""
        schedule, near = rendered.campaign.schedule, now - _reach(rendered.campaign.schedule)
        fixed = [post.id for post in rendered.campaign.posts if not post.queue]
        rows = self.store.outbox.for_planning(near, fixed)
        turns = self.store.outbox.turns(near)
        existing = sort_existing(
            rows,
            now=now,
            rewrite=lambda old: rewritten(old, rendered),
            is_settling=self.store.restore_guard.reason() is not None,
        )
        # Settled already: out, under way, waiting for a person, or taken out by one.
        past = [group[0].publication for group in existing.settled]
        past += [old for old in withdrawn(rows) if _is_unchanged(old, rendered)]
        states = {name: self.store.accounts.get(name) for name in schedule.accounts}
        laid = plan(
            schedule,
            _offers(rendered, refused),
            past=past,
            last_used={place: turn.last_due for place, turn in turns.items() if turn.last_due},
            added_at={name: state.added_at for name, state in states.items() if state},
            window=Window(now, now + timedelta(days=days)),
            alike=rendered.alike,
        )
        return turns, existing, laid

    def _keep_pictures(
        self, new: NewPublication, rendered: RenderedCampaign, now: datetime
    ) -> None:
        for part in new.parts:
            status = status_from_json(part.status_json)
            thumb = status.card.thumb if status.card else None
            for picture in (*status.pictures, *([thumb] if thumb else [])):
                self.store.media.put(rendered.pictures[picture.sha256], now)


def _reach(schedule: Schedule) -> timedelta:
    """Return for how long what was due keeps others away, whatever it was; and a day for zones."""
    gaps = (account.min_gap for account in schedule.accounts.values())
    return max(timedelta(days=schedule.similarity_days), DAY, *gaps) + DAY


def _offers(rendered: RenderedCampaign, refused: frozenset[str]) -> list[Offer]:
    """List what could go where, in the order of writing."""

    def why_not(text: RenderedText) -> str:
        post, account = text.post, text.account.name
        is_refused = refused and rendered.fingerprint(post, account, post.at) in refused
        return text.why_not or ("refused by an approver" if is_refused else "")

    return [
        Offer(
            post, text.account.name, text.account.platform, why_not(text),
            rendered.spec_of(text.account.name).may_repeat,
        )
        for post in rendered.campaign.posts
        for text in rendered.texts_of(post)
    ]  # fmt: skip


def _is_unchanged(old: Publication, rendered: RenderedCampaign) -> bool:
    """Return whether a post still says what a person took out; an edit is a new question."""
    post = rendered.campaign.post(old.post_id)
    due_at = post.at if post and post.at else old.due_at
    if post is None or (post.id, old.account) not in rendered.texts:
        return False
    return rendered.fingerprint(post, old.account, due_at) == old.fingerprint
