"""Tables of what was read of posts and accounts, and of digests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from bot.db.columns import Instant, metadata
from bot.engagement.ages import KINDS

snapshot = Table(
    "snapshot",
    metadata,
    Column(
        "delivery_id", Text, ForeignKey("delivery.id"), primary_key=True, comment="whose numbers"
    ),
    Column("age_label", String(16), primary_key=True, comment="1h, 6h, 24h, 72h, 7d, 30d"),
    Column("due_at", Instant, nullable=False, comment="when to read"),
    Column("taken_at", Instant, comment="when it was read"),
    Column("state", String(16), nullable=False, comment="DUE, TAKEN, FAILED, GONE, MISSED"),
    Column("closes_as", String(16), nullable=False, comment="MISSED; FAILED once it was tried"),
    Column("reason", Text, nullable=False, comment="why there are no numbers"),
    *(Column(kind, BigInteger, comment="null where untold, never 0 for it") for kind in KINDS),
    Index(None, "state", "due_at"),
)

follower = Table(
    "follower",
    metadata,
    Column("account", Text, primary_key=True, comment="name in schedule.yaml"),
    Column("day", String(10), primary_key=True, comment="UTC day, YYYY-MM-DD"),
    Column("count", BigInteger, nullable=False, comment="followers, as the platform told"),
)

digest = Table(
    "digest",
    metadata,
    Column("week", String(8), primary_key=True, comment="ISO week, 2026-W50"),
    Column("claimed_at", Instant, nullable=False, comment="a worker began to send it"),
    Column("sent_at", Instant, comment="people have it"),
)
