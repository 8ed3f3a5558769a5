"""A made-up fourth platform: all that the bot needs to know of one, and nothing of it in `bot`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.platforms.base import Connection, Platform
from bot.platforms.measuring import graphemes
from bot.platforms.spec import AccountKey, Charge, Limits, Look, PlatformSpec
from bot.platforms.status import Status

__all__ = ["SPEC", "connect"]


def length(text: str, _limits: Limits) -> int:
    """Count what one hand writes: graphemes."""
    return graphemes(text)


def _charges(_status: Status) -> Sequence[Charge]:
    return (Charge("stamp"),)


SPEC = PlatformSpec(
    name="postcard",
    label="Postcard",
    look=Look("P", color="#8a4b00", color_on_dark="#f0b878", corner="0"),
    limits=Limits(max_length=200, url_length=0, max_pictures=2),
    measure=length,
    folds_warning=True,
    thread_key="chains",
    may_repeat=False,
    charges=_charges,
    prices={"stamp": 0.05, "read": 0.01},
    secrets=("MAILBOX_KEY",),
    account_keys=(
        AccountKey("chains", "whether a long post may become several cards", default=False),
        AccountKey(
            "paper", "what cards are written on", choices=("plain", "ruled"), default="plain"
        ),
        AccountKey("stamp_seen", "the day on which a person saw the stamp", kind=date),
    ),
    label_key="stamp_seen",
)


def connect(connection: Connection) -> Platform:
    """Return the adapter of one account."""
    from tests.contract.postcard import adapter  # as every platform's package does

    return adapter.connect(connection)
