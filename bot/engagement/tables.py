"""Tables of what was read of posts and accounts, what it comes to, and of digests."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from bot.db.columns import Instant, metadata
from bot.engagement.ages import AGES, JUDGED_AGES, KINDS

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
    # Kept in the order of its key: there is no second copy of it, and pages are read in a row.
    sqlite_with_rowid=False,
)

reading = Table(
    "reading",
    metadata,
    Column("publication_id", Text, ForeignKey("publication.id"), primary_key=True,
           comment="what went out, all of its parts together"),
    Column("sent_at", Instant, nullable=False, comment="when its first part went out"),
    Column("lang", Text, nullable=False, comment="of its first part"),
    Column("followers", BigInteger, comment="of the account on that day, or the last known before"),
    Column("age", String(16), nullable=False, comment="at which it is judged; empty: at none yet"),
    Column("as_of", Instant, comment="when its numbers at that age were read"),
    Column("count", BigInteger, comment="engagements at that age"),
    Column("shown", BigInteger, comment="impressions at that age"),
    *(Column(f"count_{age}", BigInteger, comment="engagements then; null: untold") for age in AGES),
    *(Column(f"shown_{age}", BigInteger, comment="impressions then") for age in JUDGED_AGES),
    Column("change", BigInteger, nullable=False, comment="counts up with what is written here"),
    Index(None, "sent_at"),
    Index(None, "change"),
)  # fmt: skip

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
