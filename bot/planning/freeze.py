"""Makes publications of posts: the one place where what is frozen of a post is put together."""

from __future__ import annotations

from datetime import datetime

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
from bot.rendering.rendered import RenderedCampaign


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
        fingerprint=rendered.fingerprint(post, None if is_correction else due_at),
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


def assigned(one: Assignment, rendered: RenderedCampaign) -> NewPublication:
    """Return what an assignment of the plan puts into the outbox."""
    post = rendered.campaign.post(one.post_id)
    if post is None:
        raise AssertionError(f"the plan has a post that the campaign has not: {one.post_id}")
    return new_publication(
        post, one.account, rendered, occurrence=one.occurrence, due_at=one.due_at, slot=one.slot
    )


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


def _form(post: Post, parts: int) -> str:
    if parts > 1:
        return "thread"
    if post.card:
        return "card"
    if post.quote:
        return "quote"
    return "link" if post.link else "text"
