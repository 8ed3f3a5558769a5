"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: UTC microseconds since 1970.
INSTANT = sa.BigInteger()
#: Canonical JSON.
JSON = sa.Text()
TEXT = sa.Text()
#: Counts up; SQLite does that for its own INTEGER only.
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def column(
    name: str,
    kind: sa.types.TypeEngine[Any],
    comment: str,
    *more: sa.schema.SchemaItem,
    null: bool = False,
    **other: Any,
) -> sa.Column[Any]:
    """Return a column, with what it is for; one that may be null says so."""
    return sa.Column(name, kind, *more, nullable=null, comment=comment, **other)


#: What is pointed to comes first.
TABLES: dict[str, tuple[sa.schema.SchemaItem, ...]] = {
    "account": (
        column("name", TEXT, "as in schedule.yaml", primary_key=True),
        column("platform", TEXT, "name of its platform"),
        column("added_at", INSTANT, "gets only what is due after this"),
        column("removed_at", INSTANT, "no longer in schedule.yaml", null=True),
        column("stopped_at", INSTANT, "needs a person; nothing is sent", null=True),
        column("stopped_reason", sa.String(16), "name of a StopReason", null=True),
        column("stopped_detail", TEXT, "for people: why it is stopped"),
        column("remote_id", TEXT, "the platform's id of it"),
        column("limits", JSON, "JSON: what its server said fits", null=True),
        column("profile", JSON, "JSON: as its server told last"),
    ),
    "approval": (
        column("id", COUNTER, "counts up", primary_key=True),
        column("fingerprint", sa.String(64), "of what was approved"),
        column("post_id", TEXT, "whose it is"),
        column("by", TEXT, "approver"),
        column("note", TEXT, "what the approver wrote"),
        column("sources", JSON, "JSON: quoted sources and their SHA-256"),
        column("at", INSTANT, "when"),
        column("voided_at", INSTANT, "set once; then it counts no more", null=True),
        column("void_reason", TEXT, "why it counts no more"),
    ),
    "audit": (
        column("seq", COUNTER, "from 1, no gaps", primary_key=True, autoincrement=False),
        column("at", INSTANT, "when"),
        column("who", TEXT, "person or service"),
        column("verb", TEXT, "what was decided"),
        column("subject", TEXT, "about what"),
        column("why", TEXT, "as the person said"),
        column("detail", JSON, "JSON: the rest"),
        column("previous", sa.String(64), "hash of the row before; 64 zeros"),
        column("sha256", sa.String(64), "of this row and `previous`"),
    ),
    "charge": (
        column("id", COUNTER, "booking", primary_key=True),
        column("account", TEXT, "who pays"),
        column("delivery_id", TEXT, "for what; null for reads", null=True),
        column("action", TEXT, "name in the price list"),
        column("resource", TEXT, "billed once a UTC day, where given", null=True),
        column("units", sa.Integer(), "booked, then what was used"),
        column("unit_micro_usd", sa.BigInteger(), "price of one, US dollars / 10^6"),
        column("day", sa.String(10), "UTC day, YYYY-MM-DD"),
        column("at", INSTANT, "when it was booked"),
        column("settled", sa.Integer(), "1 once `units` is what was used"),
    ),
    "content_tree": (
        column("id", COUNTER, "counts up; the last is in force", primary_key=True),
        column("tree_sha256", sa.String(64), "of all files"),
        column("files", JSON, "JSON: path to text"),
        column("applied_at", INSTANT, "when it came into force"),
    ),
    "digest": (
        column("week", sa.String(8), "ISO week, 2026-W50", primary_key=True),
        column("claimed_at", INSTANT, "a worker began to send it"),
        column("sent_at", INSTANT, "people have it", null=True),
    ),
    "follower": (
        column("account", TEXT, "name in schedule.yaml", primary_key=True),
        column("day", sa.String(10), "UTC day, YYYY-MM-DD", primary_key=True),
        column("count", sa.BigInteger(), "followers, as the platform told"),
    ),
    "instance": (
        column("id", sa.Integer(), "always 1", primary_key=True, autoincrement=False),
        column("instance_id", sa.String(64), "drawn when it was created"),
        column("epoch", sa.Integer(), "counts restores"),
        column("created_at", INSTANT, "first run"),
        column("settle_reason", TEXT, "set: nothing is sent before all is read back", null=True),
        column("settled_at", INSTANT, "when that was last done", null=True),
        sa.CheckConstraint("id = 1", name="single"),
    ),
    "login_failure": (
        column("name_sha256", sa.String(64), "of the name that was typed", primary_key=True),
        column("count", sa.Integer(), "failures in a row"),
        column("last_at", INSTANT, "the last of them"),
    ),
    "medium": (
        column("sha256", sa.String(64), "of the bytes", primary_key=True),
        column("content", sa.LargeBinary(), "a picture, as it is uploaded"),
    ),
    "notice": (
        column("key", TEXT, "what it is about; one is open at a time", primary_key=True),
        column("text", TEXT, "for people"),
        column("raised_at", INSTANT, "when it began"),
        column("sent_at", INSTANT, "when people were told", null=True),
    ),
    "pause": (
        column("id", COUNTER, "counts up", primary_key=True),
        column("reason", TEXT, "why"),
        column("by", TEXT, "who paused"),
        column("paused_at", INSTANT, "from"),
        column("resumed_at", INSTANT, "until; null while it lasts", null=True),
        column("resumed_by", TEXT, "who resumed"),
    ),
    "publication": (
        column("id", TEXT, "from campaign, account, post and turn", primary_key=True),
        column("account", TEXT, "name in schedule.yaml"),
        column("platform", TEXT, "name of its platform"),
        column("post_id", TEXT, "id in posts/"),
        column("kind", sa.String(16), "of time: at, year, queue, correction"),
        column("subject", TEXT, "the post, or the queue, that occurs"),
        column("key", TEXT, "the year, or the slot's local time; else empty"),
        column("parts", sa.Integer(), "its deliveries: statuses of the whole post"),
        column(
            "due_at", INSTANT, "UTC microseconds, as all times; null: next free slot", null=True
        ),
        column("not_after", INSTANT, "held, not sent, when later than this", null=True),
        column("fingerprint", sa.String(64), "what an approval binds to"),
        column("author", TEXT, "who wrote it, and cannot approve it"),
        column("graphic", sa.Boolean(), "at most so many of these a day"),
        column("theme", TEXT, "for reports; may be empty, as the next four"),
        column("excerpt", TEXT, "quoted passage, source:start-end"),
        column("lang", TEXT, "of the post, BCP 47"),
        column("form", TEXT, "quote, link, card, thread, text, correction"),
        column("slot", TEXT, "name of the slot"),
        column("state", sa.String(16), "OPEN; else all of it is cancelled"),
    ),
    "sent_log": (
        column("log_id", sa.String(64), "drawn when the log was created", primary_key=True),
        column("place", TEXT, "machine and file it is on"),
        column("seq", sa.BigInteger(), "last line that this database knows"),
        column("registered_at", INSTANT, "when it was first seen"),
    ),
    "trust": (
        column("id", COUNTER, "counts up; the last is in force", primary_key=True),
        column("recorded", JSON, "JSON: mode, servers, handles, sources"),
        column("by", TEXT, "who confirmed it"),
        column("at", INSTANT, "when"),
    ),
    "user": (
        column("name", TEXT, "small letters, digits, . _ -", primary_key=True),
        column("roles", TEXT, "names, with a space between"),
        column("password_hash", TEXT, "argon2id, with its parameters"),
        column("feed_sha256", sa.String(64), "of the key in the calendar's address", null=True),
        column("created_at", INSTANT, "when"),
    ),
    "worker": (
        column("name", TEXT, "service and process", primary_key=True),
        column("facts", JSON, "JSON: what it says of itself"),
        column("beat_at", INSTANT, "last sign of life"),
    ),
    "delivery": (
        column("id", TEXT, "identity of what is delivered", primary_key=True),
        column("publication_id", TEXT, "what it is a part of", sa.ForeignKey("publication.id")),
        column("account", TEXT, "the publication's, for uq_delivery_in_doubt"),
        column("part", sa.Integer(), "place in the thread, from 0"),
        column(
            "parent_id", TEXT, "the status it replies to", sa.ForeignKey("delivery.id"), null=True
        ),
        column("status_json", TEXT, "frozen status: exactly what is sent"),
        column("payload_sha256", sa.String(64), "of status_json"),
        column("cost_usd", sa.Float(), "of publishing it, by the price list"),
        column("state", sa.String(16), "see bot.delivery.lifecycle"),
        column("reason", sa.String(16), "name of one of them", null=True),
        column("detail", TEXT, "for people: more of it, or the answer"),
        column("evidence", TEXT, "for people: what was tried and found"),
        column("draft_json", TEXT, "what a repeated call sends again; written once", null=True),
        column(
            "first_intent_at", INSTANT, "before the first byte; the status's own time", null=True
        ),
        column("fence", sa.BigInteger(), "counts claims; older ones write nothing"),
        column("lease_until", INSTANT, "until when the owner may work on it", null=True),
        column("owner", TEXT, "worker with the lease; else empty"),
        column("attempts", sa.Integer(), "that may have had a side effect"),
        column("retry_at", INSTANT, "not claimed before this", null=True),
        column("absent_reads", sa.Integer(), "empty read-backs since the attempt"),
        column("next_read_at", INSTANT, "when to read back", null=True),
        column("released_by", TEXT, "who sent it despite a hold"),
        column("remote_id", TEXT, "the platform's id; always text"),
        column("url", TEXT, "what a reader opens"),
        column("cid", TEXT, "content hash, where a reply needs it"),
        column("sent_at", INSTANT, "when it went out", null=True),
        column("created_at", INSTANT, "when it was planned"),
        column("updated_at", INSTANT, "last change"),
        sa.UniqueConstraint("publication_id", "part"),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'READY', 'SENDING', 'SENT', 'UNKNOWN', 'HELD', 'FAILED', "
            "'CANCELLED', 'RETRACTED', 'GONE')",
            name="state",
        ),
    ),
    "session": (
        column("id_sha256", sa.String(64), "of the id in the cookie", primary_key=True),
        column("user", TEXT, "whose", sa.ForeignKey("user.name")),
        column("started_at", INSTANT, "signed in"),
        column("seen_at", INSTANT, "last used, to the minute"),
    ),
    "attempt": (
        column("id", COUNTER, "counts up", primary_key=True),
        column("delivery_id", TEXT, "what was tried", sa.ForeignKey("delivery.id")),
        column("fence", sa.BigInteger(), "the claim it belongs to"),
        column("owner", TEXT, "worker"),
        column("phase", sa.String(16), "preparing, calling, done"),
        column("outcome", sa.String(16), "name of the event; empty while open"),
        column("reason", TEXT, "what the platform said"),
        column("remote_id", TEXT, "id, where one came back"),
        column("started_at", INSTANT, "claimed"),
        column("called_at", INSTANT, "just before the first byte", null=True),
        column("ended_at", INSTANT, "outcome stored", null=True),
        sa.UniqueConstraint("delivery_id", "fence"),
    ),
    "move": (
        column("id", COUNTER, "counts up", primary_key=True),
        column("delivery_id", TEXT, "what moved", sa.ForeignKey("delivery.id")),
        column("at", INSTANT, "when"),
        column("actor", TEXT, "person or service"),
        column("event", sa.String(16), "name in bot.delivery.lifecycle.Event"),
        column("before", sa.String(16), "state it left"),
        column("after", sa.String(16), "state it came to"),
        column("reason", TEXT, "why"),
    ),
    "snapshot": (
        column(
            "delivery_id", TEXT, "whose numbers", sa.ForeignKey("delivery.id"), primary_key=True
        ),
        column("age_label", sa.String(16), "1h, 6h, 24h, 72h, 7d, 30d", primary_key=True),
        column("due_at", INSTANT, "when to read"),
        column("taken_at", INSTANT, "when it was read", null=True),
        column("state", sa.String(16), "DUE, TAKEN, FAILED, GONE, MISSED"),
        column("closes_as", sa.String(16), "MISSED; FAILED once it was tried"),
        column("reason", TEXT, "why there are no numbers"),
        column("likes", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("reposts", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("replies", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("quotes", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("bookmarks", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("impressions", sa.BigInteger(), "null where untold, never 0 for it", null=True),
        column("clicks", sa.BigInteger(), "null where untold, never 0 for it", null=True),
    ),
}

INDEXES = (
    ("ix_approval_post_id", "approval", ["post_id"]),
    ("ix_charge_account_day", "charge", ["account", "day"]),
    ("ix_publication_post_id", "publication", ["post_id"]),
    ("ix_delivery_state", "delivery", ["state"]),
    ("ix_session_user", "session", ["user"]),
    ("ix_move_delivery_id", "move", ["delivery_id"]),
    ("ix_snapshot_state_due_at", "snapshot", ["state", "due_at"]),
)
#: Unique among the rows for which the last one holds.
UNIQUE = (
    ("uq_approval_standing", "approval", ["fingerprint", "by"], "voided_at IS NULL"),
    ("uq_publication_open", "publication", ["account", "kind", "subject", "key"], "state = 'OPEN'"),
    ("uq_delivery_in_doubt", "delivery", ["account"], "state IN ('SENDING', 'UNKNOWN')"),
)


def upgrade() -> None:
    """Create them; primary and foreign keys are named by the convention of the metadata."""
    for name, items in TABLES.items():
        op.create_table(name, *items)
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    for name, table, columns, where in UNIQUE:
        only = sa.text(where)
        op.create_index(name, table, columns, unique=True, sqlite_where=only, postgresql_where=only)
