"""Lays the campaign on the calendar and keeps the outbox in step with what people wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.model import Delivery
from bot.core.planning import Offer, Past, Plan, Window, plan
from bot.core.rendered import RenderedCampaign as Composition
from bot.log import get_logger
from bot.services.planwriter import (
    CORRECTION,
    Changes,
    PlanWriter,
    groups_of,
    is_movable,
    is_withdrawn,
)
from bot.store import Store

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Planner:
    """Planning twice changes nothing; what was sent never changes."""

    store: Store
    clock: Clock

    def outlook(self, composition: Composition, *, days: int) -> Plan:
        """Tell what the coming days hold, without writing anything."""
        now = self.clock.now()
        return self._plan(composition, self.store.outbox.find(), now, days)

    def apply(self, composition: Composition, *, days: int) -> Changes:
        """Bring the outbox to what the campaign says for the coming days."""
        now = self.clock.now()
        self.store.accounts.sync(composition.campaign.schedule.accounts.values(), now=now)
        before = PlanWriter(self.store, composition, now).refresh()
        writer = PlanWriter(self.store, composition, now)
        changes = before + writer.write(self._plan(composition, writer.rows, now, days))
        if changes:
            log.info("planned", **asdict(changes))
        return changes

    def _plan(
        self, composition: Composition, rows: Sequence[Delivery], now: datetime, days: int
    ) -> Plan:
        schedule = composition.campaign.schedule
        states = {name: self.store.accounts.get(name) for name in schedule.accounts}
        return plan(
            schedule,
            _offers(composition),
            past=list(_past(rows, composition, now)),
            added_at={name: one.added_at for name, one in states.items() if one},
            window=Window(now, now + timedelta(days=days)),
            alike=composition.alike,
        )


def _offers(composition: Composition) -> list[Offer]:
    """List what could go where, in the order of writing."""
    return [
        Offer(
            post, text.account.name, text.account.platform, text.why_not,
            composition.traits_of(text.account.name).may_repeat,
        )
        for post in composition.campaign.posts
        for text in composition.texts_of(post)
    ]  # fmt: skip


def _past(rows: Sequence[Delivery], composition: Composition, now: datetime) -> Iterator[Past]:
    """Give what is settled already: out, under way, waiting for a person, or taken out by one."""
    planned = [row for row in rows if not row.occurrence.startswith(CORRECTION)]
    settled = [group[0] for group in groups_of(planned).values() if not is_movable(group, now)]
    withdrawn = [
        row for row in planned
        if row.part == 0 and is_withdrawn(row) and _is_unchanged(row, composition)
    ]  # fmt: skip
    for row in (*settled, *withdrawn):
        graphic = bool(row.labels.get("graphic"))
        yield Past(row.account, row.platform, row.post_id, row.occurrence, row.due_at, graphic)


def _is_unchanged(row: Delivery, composition: Composition) -> bool:
    """Tell whether the post still says what the person took out; an edit is a new question."""
    post = composition.campaign.post(row.post_id)
    due_at = post.at if post and post.at else row.due_at
    return post is not None and composition.fingerprint(post, due_at) == row.fingerprint
