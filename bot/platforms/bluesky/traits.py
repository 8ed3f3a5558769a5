"""How Bluesky differs from other platforms."""

from __future__ import annotations

from bot.core.measuring import bluesky_length
from bot.core.model import Limits, Traits

NAME = "bluesky"

TRAITS = Traits(
    name=NAME,
    label="Bluesky",
    # lexicons app.bsky.feed.post, app.bsky.embed.images and app.bsky.embed.external. A PDS older
    # than 2026 takes pictures up to 1,000,000 bytes only. The app cuts longer alternative texts.
    limits=Limits(
        max_length=300,
        max_bytes=3000,
        # An address counts as what is shown of it, which the renderer shortens.
        url_length=0,
        max_pictures=4,
        max_alt=2000,
        max_picture_bytes=2_000_000,
        max_thumb_bytes=1_000_000,
        picture_mimes=("image/jpeg", "image/png", "image/webp"),
    ),
    measure=bluesky_length,
    has_link_cards=True,
    # No waiting: a create-only put under a key of ours cannot make a second post, however late
    # the first one lands.
    secrets=("APP_PASSWORD",),
)
