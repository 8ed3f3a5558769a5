"""What the rest of the program knows of X; light, so that `check` need not import tweepy.

How X weighs a text is written from its documentation (counting characters) and its published
configuration, version 3.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import regex

from bot.platforms.base import AskCode, Connection, Platform
from bot.platforms.measuring import find_addresses
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

NAME = "x"
#: Emoji sequences that X counts as one, as tools/emoji_table.py wrote them.
_TABLE = Path(__file__).parent / "emoji.json"
# What weighs 2: all outside the four light ranges of the configuration.
_heavy = cache(lambda: regex.compile(r"[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]"))
# What every emoji sequence has one of.
_joint = cache(
    lambda: regex.compile(
        r"[\u200d\u20e3\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
    )
)


@cache
def _emoji() -> regex.Pattern[str]:
    """Sequences that count as one; a single emoji needs no rule, its range weighs 2 anyway."""
    tones, table = [chr(point) for point in range(0x1F3FB, 0x1F400)], _table()
    styled, toned = ("".join(map(_decoded, table[kind])) for kind in ("styled", "toned"))
    longer = {sequence.replace(tones[0], tone) for sequence in longer_sequences() for tone in tones}
    flags = {
        "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in pair) for pair in table["flags"]
    }
    both = "".join(sorted(set(styled) & set(toned)))
    return regex.compile(
        rf"\L<sequences>|[{toned}][{tones[0]}-{tones[-1]}]|[{both}]\ufe0f[{tones[0]}-{tones[-1]}]"
        rf"|[{styled}]\ufe0f|[0-9#*]\ufe0f?\u20e3",
        sequences=longer | flags,
    )


def longer_sequences() -> list[str]:
    """Return the joined and tagged sequences, those with a skin tone in one of the five."""
    return [
        _decoded(f"{first}-{ending}")
        for firsts, endings in _table()["longer"]
        for first in firsts
        for ending in endings
    ]


def _table() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_TABLE.read_text("utf-8"))
    return read


def _decoded(hexadecimal: str) -> str:
    return "".join(chr(int(point, 16)) for point in hexadecimal.split("-"))


def _plain_weight(text: str) -> int:
    if text.isascii():
        return len(text)
    rest, sequences = _emoji().subn("", text) if _joint().search(text) else (text, 0)
    return 2 * sequences + len(rest) + len(_heavy().findall(rest))


def length(text: str, limits: Limits) -> int:
    """Weigh a text as X does: composed first (NFC), then in units of a Latin letter.

    Each address counts as ``limits.url_length``, however long it is; one whose top-level domain is
    newer than X's published list counts what is more.
    """
    composed = unicodedata.normalize("NFC", text)
    total = done = 0
    for found in find_addresses(composed):
        total += _plain_weight(composed[done : found.start])
        raw = 0 if found.is_certain else _plain_weight(composed[found.start : found.end])
        total += max(limits.url_length, raw)
        done = found.end
    return total + _plain_weight(composed[done:])


def _charges(status: Status) -> Sequence[Charge]:
    """List what publishing costs; a text with an address is 13 times as dear as one without."""
    has_address = any(True for _ in find_addresses(status.text))
    described = sum(1 for picture in status.pictures if picture.alt)
    charges = (
        Charge("post_with_url" if has_address else "post"),
        Charge("media_upload", len(status.pictures)),
        Charge("media_metadata", described),
        # That the replies are limited is read back.
        Charge("read", bool(status.replies)),
    )
    return [charge for charge in charges if charge.units]


def _read_action(account: AccountSettings) -> str:
    return "owned_read" if SPEC.value(account, "owns_app") else "read"


SPEC = PlatformSpec(
    name=NAME,
    label="X",
    aliases=("twitter", "x.com", "twitter.com"),
    look=Look("X", color="#1d1c1a", color_on_dark="#e9e6df"),
    # docs.x.com, "Media best practices" and "Counting characters", 22 August 2026.
    limits=Limits(
        max_length=280,
        url_length=23,
        max_pictures=4,
        max_alt=1000,
        max_picture_bytes=5_000_000,
        picture_mimes=("image/jpeg", "image/png", "image/gif", "image/webp"),
        # Not "nobody", and nothing limits quotes (docs.x.com, "Create Post").
        replies=("followed", "mentioned"),
    ),
    measure=length,
    hides_replies=True,
    # Since February 2026 a reply may need a mention by its parent; whether one's own thread is
    # exempt is not documented, so an account must say that it wants threads.
    thread_key="threads",
    # Repeated text is refused, and is against X's rules.
    may_repeat=False,
    # Timelines lag behind; an absent status proves nothing at once, and not at the first look.
    read_back=ReadBackPolicy(
        reads=2,
        first_after=timedelta(seconds=60),
        apart=timedelta(seconds=90),
        outlives=timedelta(minutes=5),
    ),
    rate_window=timedelta(minutes=15),
    charges=_charges,
    read_action=_read_action,
    # docs.x.com, "Pricing", 22 August 2026. An upload is not listed there; a reseller bills this.
    # Nor is hiding a reply: taken for as dear as the dearest write, so that no budget is overrun.
    prices={
        "post": 0.015,
        "post_with_url": 0.20,
        "delete": 0.010,
        "hide_reply": 0.20,
        "media_upload": 0.005,
        "media_metadata": 0.005,
        "read": 0.005,
        "owned_read": 0.001,
        "user_read": 0.010,
    },
    secrets=("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"),
    granted=("ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"),
    scopes=("read-write",),
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
    share="https://x.com/intent/post?text={text}",
    label_key="automated_label_confirmed",
)


def connect(connection: Connection) -> Platform:
    from bot.platforms.x import adapter  # tweepy, 0.1 s: only who posts there should pay

    return adapter.X(connection)


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the secrets that a person's code stands for; see `x.client`."""
    from bot.platforms.x import client

    return client.authorize(connection, ask)
