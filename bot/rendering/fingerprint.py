"""What an approval binds to: all that will be sent of a post, to whom, and when if it is fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.canonical import canonical_json, sha256_hex
from bot.content.model import Post
from bot.platforms.status import Status


def fingerprint(
    post: Post, statuses: Mapping[str, Sequence[Status]], *, fixed_at: datetime | None
) -> str:
    """Hash a post's statuses by account: text, links, pictures, warnings, language, sources.

    Args:
        post: Whose; its author is bound too, so that nobody becomes an approver by an edit.
        statuses: What each account will get; an account more or less voids the approval.
        fixed_at: UTC instant of a post with a fixed time; None lets a queued post move.
    """
    bound = {
        "post": post.id,
        "author": post.author,
        "accounts": {name: [one.to_json() for one in parts] for name, parts in statuses.items()},
        "source": post.quote.source_sha256 if post.quote else None,
        "at": fixed_at.isoformat() if fixed_at else None,
    }
    return sha256_hex(canonical_json(bound))
