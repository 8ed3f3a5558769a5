"""What the rest of the program knows of Bluesky; light, so that `check` need not import atproto."""

from datetime import timedelta

from bot.platforms.base import Connection, Platform
from bot.platforms.measuring import graphemes
from bot.platforms.spec import Limits, Look, PlatformSpec

NAME = "bluesky"


def length(text: str, limits: Limits) -> int:
    """Count graphemes; of a text with too many bytes, more than ``limits.max_length`` at least."""
    seen = graphemes(text)
    if limits.max_bytes is not None and len(text.encode()) > limits.max_bytes:
        return max(seen, limits.max_length + 1)
    return seen


SPEC = PlatformSpec(
    name=NAME,
    label="Bluesky",
    aliases=("bsky", "bsky.app", "atproto"),
    look=Look("B", color="#0a63b8", color_on_dark="#7fbdf5", corner="10px"),
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
        picture_mimes=("image/jpeg", "image/png", "image/webp"),
        # app.bsky.feed.threadgate and app.bsky.feed.postgate.
        replies=("followers", "followed", "mentioned", "nobody"),
        quotes=("nobody",),
    ),
    measure=length,
    hides_replies=True,
    revokes_quotes=True,
    has_link_cards=True,
    keeps_documents=True,
    # No waiting to read back: a create-only put under a key of ours cannot make a second post,
    # however late the first one lands.
    rate_window=timedelta(minutes=5),
    share="https://bsky.app/intent/compose?text={text}",
    secrets=("APP_PASSWORD",),
    handle_domain="bsky.social",
    scopes=("com.atproto.appPass",),
)


def connect(connection: Connection) -> Platform:
    from bot.platforms.bluesky import adapter  # atproto, 0.8 s: only who posts there should pay

    return adapter.BlueskyPlatform(connection)
