"""What the rest of the program knows of X; light, so that `check` need not import tweepy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.platforms.spec import (
    AccountKey,
    AccountSettings,
    Charge,
    Limits,
    Look,
    PlatformSpec,
    ReadBackPolicy,
)
from bot.platforms.status import Status
from bot.platforms.twitter_text import find_addresses
from bot.platforms.x import weight

NAME = "x"


def _charges(status: Status) -> Sequence[Charge]:
    """List what publishing costs; a text with an address is 13 times as dear as one without."""
    has_address = any(True for _ in find_addresses(status.text))
    described = sum(1 for picture in status.pictures if picture.alt)
    charges = (
        Charge("post_with_url" if has_address else "post"),
        Charge("media_upload", len(status.pictures)),
        Charge("media_metadata", described),
    )
    return [charge for charge in charges if charge.units]


def _read_action(account: AccountSettings) -> str:
    return "owned_read" if SPEC.value(account, "owns_app") else "read"


SPEC = PlatformSpec(
    name=NAME,
    label="X",
    look=Look("X", color="#1d1c1a", color_on_dark="#e9e6df"),
    # docs.x.com, "Media best practices" and "Counting characters", 22 August 2026.
    limits=Limits(
        max_length=280,
        url_length=23,
        max_pictures=4,
        max_alt=1000,
        max_picture_bytes=5_000_000,
        picture_mimes=("image/jpeg", "image/png", "image/gif", "image/webp"),
    ),
    measure=weight.length,
    # Since February 2026 a reply may need a mention by its parent; whether one's own thread is
    # exempt is not documented, so an account must say that it wants threads.
    thread_key="threads",
    # Repeated text is refused, and is against X's rules.
    may_repeat=False,
    # Timelines lag behind; an absent status proves nothing at once, and not at the first look.
    read_back=ReadBackPolicy(
        reads=2, first_after=timedelta(seconds=60), apart=timedelta(seconds=90)
    ),
    charges=_charges,
    read_action=_read_action,
    # docs.x.com, "Pricing", 22 August 2026. An upload is not listed there; a reseller bills this.
    prices={
        "post": 0.015,
        "post_with_url": 0.20,
        "delete": 0.010,
        "media_upload": 0.005,
        "media_metadata": 0.005,
        "read": 0.005,
        "owned_read": 0.001,
        "user_read": 0.010,
    },
    secrets=("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"),
    account_keys=(
        AccountKey("threads", "whether long posts may become threads", default=False),
        AccountKey(
            "owns_app",
            "whether the account owns the developer app: its reads cost less",
            default=False,
        ),
        AccountKey(
            "automated_label_confirmed",
            "the day on which a person saw the label for automated accounts",
            kind=date,
        ),
    ),
    label_key="automated_label_confirmed",
)
