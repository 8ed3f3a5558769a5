"""All that the bot remembers, and keeping the outbox in step with what people wrote."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from bot.authority.tables import PauseScope
from bot.clock import Clock
from bot.content.slots import DAY
from bot.delivery.lifecycle import Event
from bot.delivery.model import CancelReason, NewPublication, Publication, PublicationState, State
from bot.delivery.moves import BLANK, PLANNER, Moves, cancel, parts_of, refuse_touched
from bot.delivery.reads import PostHistory
from bot.delivery.rows import Note, change, locked, publication_columns, shift, write_move
from bot.delivery.sent_log import OutboxContext
from bot.delivery.tables import delivery, publication
from bot.engagement.store import EngagementStore
from bot.errors import ConflictError, DecisionError
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
from bot.planning.plan import Offer, Plan, plan
from bot.platforms.status import status_from_json
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign

log = get_logger(__name__)


class PlanChanges(Moves):
    """Brings the outbox to a plan: all of the difference in one transaction, or nothing of it."""

    def apply(self, diff: PlanDiff, *, now: datetime) -> None:
        """Bring the outbox to the plan, or raise DecisionError: somebody was faster."""
        try:
            with self._db.write() as connection:
                for group, reason in diff.cancel:
                    rows = [locked(connection, row.id) for row in group]
                    cancel(connection, rows, Note(now, PLANNER, reason))
                # Two may swap their slots, so all let go of theirs before any takes one.
                for moved in (*diff.move, *(new.publication for new in diff.replace)):
                    _write(connection, moved.id, {"state": PublicationState.UNPLANNED})
                for moved in diff.move:
                    _move(connection, moved, now)
                for new in diff.replace:
                    _replace(connection, new, Note(now, PLANNER, diff.why))
                for new in diff.add:
                    self._insert(connection, new, now)
        except ConflictError as error:
            raise DecisionError("a place in the plan is taken already") from error


class Store(EngagementStore):
    """Each subject's repositories, as planning and everything above it sees them."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.plan = PlanChanges(context)


def _move(connection: Connection, moved: Publication, now: datetime) -> None:
    for row in parts_of(connection, moved.id):
        if row.state is not State.PLANNED:
            raise DecisionError(f"{row.id}: it is {row.state}; only PLANNED ones are moved")
    _write(connection, moved.id, publication_columns(moved))
    this = delivery.c.publication_id == moved.id
    connection.execute(update(delivery).where(this).values(updated_at=now))


def _replace(connection: Connection, new: NewPublication, note: Note) -> None:
    """Give deliveries their new payload; they are PLANNED again, their ids stay."""
    rows = parts_of(connection, new.publication.id)
    for row, part in zip(rows, new.parts, strict=True):
        refuse_touched(row)
        if row.state is State.PLANNED:
            write_move(connection, row, Event.EDIT, State.PLANNED, note)
        else:
            event = Event.REQUEUE if row.state is State.HELD else Event.EDIT
            shift(connection, row, event, note)
        never = dict.fromkeys(("draft_json", "first_intent_at", "retry_at"))
        values = {**BLANK, **asdict(part), **never, "fence": row.fence, "updated_at": note.at}
        change(connection, row.id, values)
    _write(connection, new.publication.id, publication_columns(new.publication))


def _write(connection: Connection, publication_id: str, values: dict[str, object]) -> None:
    connection.execute(update(publication).where(publication.c.id == publication_id).values(values))


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
        self, rendered: RenderedCampaign, *, days: int, why: CancelReason = CancelReason.EDITED
    ) -> PlanDiff:
        """Bring the outbox to what the campaign says for the coming days; return the changes.

        Texts that are others now became so for the reason ``why``.
        """
        now = self.clock.now()
        self.store.accounts.sync(rendered.campaign.schedule.accounts.values(), now=now)
        difference = self._difference(rendered, now, days, why)[1]
        if difference:
            parts = (part for new in (*difference.add, *difference.replace) for part in new.parts)
            for status in (status_from_json(part.status_json) for part in parts):
                thumb = status.card.thumb if status.card else None
                for picture in (*status.pictures, *([thumb] if thumb else [])):
                    self.store.media.put(rendered.pictures[picture.sha256], now)
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
        schedule = rendered.campaign.schedule
        # For so long what was due keeps others away, whatever it was; and a day for zones.
        gaps = (account.min_gap for account in schedule.accounts.values())
        near = now - max(timedelta(days=schedule.similarity_days), DAY, *gaps) - DAY
        fixed = [post.id for post in rendered.campaign.posts if not post.queue]
        # Of one state: what is read back as absent, or claimed, meanwhile would be in neither.
        with self.store.looking():
            rows, begun = self.store.outbox.for_planning(), self.store.outbox.begun(near, fixed)
            turns = self.store.outbox.turns(near, [post.id for post in rendered.campaign.posts])
            is_settling = self.store.restore_guard.reason() is not None
            added_at = {each.name: each.added_at for each in self.store.accounts.all()}
        existing = sort_existing(
            rows, now=now, rewrite=lambda old: rewritten(old, rendered), is_settling=is_settling
        )
        # Settled already: out, under way, waiting for a person, or taken out by one.
        past = [*begun, *existing.settled]
        past += [old for old in withdrawn(rows) if _is_unchanged(old, rendered)]
        laid = plan(
            schedule,
            _offers(rendered, refused),
            past=past,
            last_used={place: turn.last_due for place, turn in turns.items() if turn.last_due},
            added_at=added_at,
            start=now,
            end=now + timedelta(days=days),
            alike=rendered.alike,
        )
        return turns, existing, laid


def _offers(rendered: RenderedCampaign, refused: frozenset[str]) -> list[Offer]:
    """List what could go where, in the order of writing."""

    def why_not(text: RenderedText) -> str:
        post, account = text.post, text.account.name
        is_refused = refused and rendered.fingerprint(post, account, post.at) in refused
        return text.why_not or ("refused by an approver" if is_refused else "")

    return [
        Offer(
            post, text.account.name, why_not(text),
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
