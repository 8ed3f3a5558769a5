"""Makes publications of posts: the one place where what is frozen of a post is put together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.content.model import Post
from bot.delivery.publications import (
    Correction,
    FixedTime,
    NewPart,
    NewPublication,
    Occurrence,
    Publication,
    Queued,
    Yearly,
)
from bot.planning.plan import Assignment
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign


def new_publication(
    post: Post,
    account: str,
    statuses: Sequence[Status],
    *,
    occurrence: Occurrence,
    due_at: datetime | None,
    patience: timedelta,
    fingerprint: str,
    rendered: RenderedCampaign,
    slot: str = "",
    reply_to: str | None = None,
) -> NewPublication:
    """Freeze what an account shows of a post; ``patience`` is how late it may go out."""
    quote = post.quote
    publication = Publication(
        id="",
        account=account,
        platform=rendered.spec_of(account).name,
        post_id=post.id,
        occurrence=occurrence,
        parts=len(statuses),
        due_at=due_at,
        not_after=due_at + patience if due_at else None,
        fingerprint=fingerprint,
        author=post.author,
        graphic=post.graphic,
        theme=post.theme,
        excerpt=f"{quote.source}:{quote.fragments[0][0]}-{quote.fragments[-1][1]}" if quote else "",
        lang=post.lang,
        form="correction" if isinstance(occurrence, Correction) else _form(post, len(statuses)),
        slot=slot,
    )
    parts = tuple(
        NewPart(status.to_json(), rendered.cost_of(status, account)) for status in statuses
    )
    return NewPublication(publication, parts, reply_to=reply_to)


def assigned(one: Assignment, rendered: RenderedCampaign) -> NewPublication:
    """Return what an assignment of the plan puts into the outbox."""
    post = rendered.campaign.post(one.post_id)
    if post is None:
        raise AssertionError(f"the plan has a post that the campaign has not: {one.post_id}")
    return _planned(post, one, one.due_at, rendered)


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
    return _planned(post, old, due_at, rendered)


def _planned(
    post: Post,
    place: Assignment | Publication,
    due_at: datetime | None,
    rendered: RenderedCampaign,
) -> NewPublication:
    return new_publication(
        post,
        place.account,
        rendered.texts[post.id, place.account].statuses,
        occurrence=place.occurrence,
        due_at=due_at,
        patience=post.not_after or rendered.campaign.schedule.not_after,
        fingerprint=rendered.fingerprint(post, due_at),
        rendered=rendered,
        slot=place.slot,
    )


def _form(post: Post, parts: int) -> str:
    if parts > 1:
        return "thread"
    if post.card:
        return "card"
    if post.quote:
        return "quote"
    return "link" if post.link else "text"
