"""What the files say of a publication, and what must change so that the outbox is as planned."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.canonical import canonical_json, sha256_hex
from bot.content.model import Post
from bot.delivery.lifecycle import UNSENT
from bot.delivery.model import (
    CancelReason,
    Correction,
    Delivery,
    FixedTime,
    HoldReason,
    NewPart,
    NewPublication,
    Occurrence,
    Publication,
    PublicationState,
    Queued,
    State,
    Yearly,
)
from bot.delivery.reads import PostHistory
from bot.planning.plan import Assignment
from bot.rendering.rendered import RenderedCampaign

#: A publication's deliveries that are not cancelled, in order of part.
Group = tuple[Delivery, ...]
#: What the files say of a publication now; None where they have it no more.
Rewrite = Callable[[Publication], NewPublication | None]


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """The changes that make the outbox what is planned; false where there are none."""

    add: tuple[NewPublication, ...] = ()
    #: With the ids of those they take the place of.
    replace: tuple[NewPublication, ...] = ()
    #: As they will be: only their occurrence, times and slot differ.
    move: tuple[Publication, ...] = ()
    #: Deliveries of one publication, in order of part, and why.
    cancel: tuple[tuple[Group, CancelReason], ...] = ()
    #: Why texts are replaced.
    why: CancelReason = CancelReason.EDITED

    def __bool__(self) -> bool:
        return any(self.counts().values())

    def counts(self) -> Mapping[str, int]:
        counts = len(self.add), len(self.replace), len(self.move), len(self.cancel)
        return dict(zip(("added", "replaced", "moved", "cancelled"), counts, strict=True))


@dataclass(frozen=True, slots=True)
class Existing:
    """What the outbox has, by what planning may do with it."""

    #: May get another moment, another text, or be cancelled.
    movable: tuple[Group, ...]
    #: Their time came, but they did not go out and were edited: each with its new text.
    edited: tuple[tuple[Group, NewPublication], ...]
    #: What is left of posts that the files have no more.
    removed: tuple[Group, ...]
    #: All others, with the edited ones: planning goes around them.
    settled: tuple[Publication, ...]


def sort_existing(
    rows: Iterable[Delivery], *, now: datetime, rewrite: Rewrite, is_settling: bool
) -> Existing:
    """Sort what the outbox has by what planning may do with it.

    Args:
        rows: Deliveries in order of part, each publication whole.
        now: What is due after this, and was not tried, may still be moved.
        rewrite: What the files say of a publication now.
        is_settling: After a restore: what was tried once may be out after all.
    """
    movable, edited, removed, settled = [], [], [], []
    for group in _groups_of(rows):
        if all(_is_movable(row, now) for row in group):
            movable.append(group)
            continue
        old = group[0].publication
        unsent = tuple(row for row in group if _is_unsent(row, is_settling))
        new = rewrite(old) if unsent else None
        if unsent and new is None:
            removed.append(unsent)
        if new is None:
            settled += [old] if len(unsent) < len(group) else []
        elif unsent != group or any(row.attempts for row in group) or not _is_edited(group, new):
            settled.append(old)  # what was begun once goes out as it was begun
        elif new.publication.due_at is None or new.publication.due_at > now:
            movable.append(group)
        else:
            edited.append((group, new))
            settled.append(old)
    return Existing(tuple(movable), tuple(edited), tuple(removed), tuple(settled))


def _groups_of(rows: Iterable[Delivery]) -> list[Group]:
    groups: dict[str, list[Delivery]] = defaultdict(list)
    for row in rows:
        if row.state is not State.CANCELLED:
            groups[row.publication.id].append(row)
    return [*map(tuple, groups.values())]


def _is_movable(row: Delivery, now: datetime) -> bool:
    is_ahead = row.due_at is None or row.due_at > now
    return row.state is State.PLANNED and is_ahead and not row.attempts


def _is_unsent(row: Delivery, is_settling: bool) -> bool:
    """Return whether planning may decide; READY after an attempt was seen to be absent."""
    is_tried = row.attempts and (row.state is not State.READY or is_settling)
    return row.state in UNSENT and not is_tried and row.reason is not HoldReason.UNSETTLED


def withdrawn(rows: Iterable[Delivery]) -> list[Publication]:
    """Return what people took out; what planning took out may come again."""
    return [
        row.publication
        for row in rows
        if row.part == 0 and row.publication.state is PublicationState.WITHDRAWN
    ]


def _is_edited(group: Group, new: NewPublication) -> bool:
    frozen = [row.status_json for row in group]
    is_bound = new.publication.fingerprint == group[0].fingerprint
    return not is_bound or frozen != [part.status_json for part in new.parts]


def is_as_written(group: Group, rendered: RenderedCampaign) -> bool:
    """Return whether a publication's deliveries are, to the letter, what the files say of it."""
    old = group[0].publication
    new = rewritten(old, rendered)
    return new is not None and not _is_edited(group, new) and new.publication.author == old.author


def diff(
    wanted: Sequence[NewPublication],
    existing: Existing,
    *,
    turns: Mapping[tuple[str, str], PostHistory],
    campaign: str,
    why: CancelReason = CancelReason.EDITED,
    paused_themes: Collection[str] = (),
) -> PlanDiff:
    """Return the fewest changes that bring the outbox to what is wanted.

    Texts that are replaced were changed for the reason ``why``. What has one of the paused themes
    keeps it: no approval binds it, so an edit of it would lead out of the pause.
    """
    pairs = _matched(wanted, existing.movable)
    kept = {group[0].publication.id for _new, group in pairs if group}
    cancel = [(group, CancelReason.REMOVED) for group in existing.removed]
    cancel += [
        (group, CancelReason.UNPLANNED)
        for group in existing.movable
        if group[0].publication.id not in kept
    ]
    add, replaced, moved = [], [], []
    counts = Counter({place: turn.count for place, turn in turns.items()})
    for new, group in (*((new, group) for group, new in existing.edited), *pairs):
        if group is None or len(group) != len(new.parts):
            cancel += [(group, why)] if group else []
            place = new.publication.account, new.publication.post_id
            counts[place] += 1
            add.append(named(new, campaign, counts[place]))
            continue
        old = group[0].publication
        theme = old.theme if old.theme in paused_themes else new.publication.theme
        wished = replace(new.publication, id=old.id, theme=theme)
        in_its_place = replace(
            old, occurrence=wished.occurrence, due_at=wished.due_at, not_after=wished.not_after,
            slot=wished.slot,
        )  # fmt: skip
        frozen = [(row.status_json, row.cost_usd) for row in group]
        if in_its_place != wished or frozen != [
            (part.status_json, part.cost_usd) for part in new.parts
        ]:
            ids = tuple(row.id for row in group)
            replaced.append(replace(new, publication=wished, delivery_ids=ids))
        elif in_its_place != old:
            moved.append(in_its_place)
    return PlanDiff(tuple(add), tuple(replaced), tuple(moved), tuple(cancel), why)


def new_publication(
    post: Post,
    account: str,
    rendered: RenderedCampaign,
    *,
    occurrence: Occurrence,
    due_at: datetime | None,
    slot: str = "",
    reply_to: str | None = None,
) -> NewPublication:
    """Freeze what an account shows of a post."""
    quote, statuses = post.quote, rendered.texts[post.id, account].statuses
    is_correction = isinstance(occurrence, Correction)
    patience = post.not_after or rendered.campaign.schedule.not_after
    publication = Publication(
        id="",
        account=account,
        platform=rendered.spec_of(account).name,
        post_id=post.id,
        occurrence=occurrence,
        parts=len(statuses),
        due_at=due_at,
        not_after=due_at + patience if due_at else None,
        # People approve what a correction says; when it comes depends on when they do.
        fingerprint=rendered.fingerprint(post, account, None if is_correction else due_at),
        author=post.author,
        graphic=post.graphic,
        theme=post.theme,
        excerpt=f"{quote.source}:{quote.fragments[0][0]}-{quote.fragments[-1][1]}" if quote else "",
        lang=post.lang,
        form="correction" if is_correction else _form(post, len(statuses)),
        slot=slot,
    )
    parts = tuple(
        NewPart(status.to_json(), rendered.cost_of(status, account)) for status in statuses
    )
    return NewPublication(publication, parts, reply_to=reply_to)


def assigned(assignment: Assignment, rendered: RenderedCampaign) -> NewPublication:
    post = rendered.campaign.post(assignment.post_id)
    if post is None:
        raise AssertionError(f"the plan has a post that the campaign has not: {assignment.post_id}")
    return new_publication(
        post, assignment.account, rendered, occurrence=assignment.occurrence,
        due_at=assignment.due_at, slot=assignment.slot,
    )  # fmt: skip


def rewritten(old: Publication, rendered: RenderedCampaign) -> NewPublication | None:
    """Return what the files say of a publication now; None where they have it no more.

    A queued one comes without a moment: an edit sends it back into its queue.
    """
    post = rendered.campaign.post(old.post_id)
    shown = rendered.texts.get((old.post_id, old.account))
    if not (post and post.ready and shown and shown.statuses):
        return None
    match old.occurrence:
        case FixedTime() if post.at:
            due_at: datetime | None = post.at
        case Yearly() if post.every_year:
            due_at = old.due_at
        case Queued(queue) if post.queue == queue:
            due_at = None
        case _:
            return None
    return new_publication(
        post, old.account, rendered, occurrence=old.occurrence, due_at=due_at, slot=old.slot
    )


def named(new: NewPublication, campaign: str, turn: int) -> NewPublication:
    """Return a new publication with its ids, from what makes it itself: the n-th of a post there.

    They come out the same after a restore, so a platform that knows the key still does.
    """
    made = new.publication
    identity = (campaign, made.account, made.post_id, turn)
    ids = tuple(_id(*identity, part) for part in range(len(new.parts)))
    return replace(new, publication=replace(made, id=_id(*identity)), delivery_ids=ids)


def _id(*identity: object) -> str:
    return sha256_hex(canonical_json(identity))[:24]


def _matched(
    wanted: Sequence[NewPublication], groups: Iterable[Group]
) -> list[tuple[NewPublication, Group | None]]:
    """Pair what is wanted with what is planned: the same occurrence first, then the same post."""
    free = {_place(group[0].publication): group for group in groups}
    exact = [free.pop(_place(new.publication), None) for new in wanted]
    spare: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for group in free.values():
        if isinstance(group[0].publication.occurrence, Queued):
            spare[group[0].account, group[0].post_id].append(group)

    def spare_for(publication: Publication) -> Group | None:
        others = spare[publication.account, publication.post_id]
        return others.pop(0) if others and isinstance(publication.occurrence, Queued) else None

    return [
        (new, group or spare_for(new.publication)) for new, group in zip(wanted, exact, strict=True)
    ]


def _place(publication: Publication) -> tuple[object, ...]:
    return publication.account, publication.post_id, publication.occurrence


def _form(post: Post, parts: int) -> str:
    if parts > 1:
        return "thread"
    if post.card:
        return "card"
    if post.quote:
        return "quote"
    return "link" if post.link else "text"
