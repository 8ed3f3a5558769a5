"""What the rest of the program knows of Mastodon, where no server has been asked."""

from __future__ import annotations

from datetime import timedelta

from bot.platforms.mastodon import counting
from bot.platforms.spec import AccountKey, Limits, Look, PlatformSpec, ReadBackPolicy

NAME = "mastodon"

SPEC = PlatformSpec(
    name=NAME,
    label="Mastodon",
    look=Look("M", color="#5a3fd6", color_on_dark="#b5a6ff", corner="4px"),
    # Of an unchanged server (docs.joinmastodon.org/entities/Instance).
    limits=Limits(
        max_length=500,
        url_length=23,
        max_pictures=4,
        max_alt=1500,
        max_picture_bytes=16_777_216,
        max_pixels=33_177_600,
        picture_mimes=("image/jpeg", "image/png", "image/gif", "image/webp"),
    ),
    measure=counting.length,
    folds_warning=True,
    # A request that was cut may still be running there, and many servers ignore the key:
    # one absent read right after it proves little, a second one later is enough.
    read_back=ReadBackPolicy(
        reads=2, first_after=timedelta(seconds=5), apart=timedelta(seconds=20)
    ),
    secrets=("ACCESS_TOKEN",),
    account_keys=(
        AccountKey(
            "visibility",
            "who sees the posts",
            choices=("public", "unlisted", "private"),
            default="public",
        ),
    ),
    starter='server: "https://mastodon.example"',
)
