"""The first tables."""

from __future__ import annotations

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
#: Counts up; SQLite does that for its own INTEGER only.
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create them, what is pointed to first."""
    _account()
    _approval()
    _audit()
    _charge()
    _content_tree()
    _delivery()
    _follower()
    _instance()
    _medium()
    _notice()
    _pause()
    _sent_log()
    _trust()
    _worker()
    _attempt()
    _move()
    _snapshot()
    _user()
    _session()
    _login_failure()
    _digest()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False, comment="as in schedule.yaml"),
        sa.Column("platform", sa.Text(), nullable=False, comment="x, mastodon, bluesky, …"),
        sa.Column("added_at", INSTANT, nullable=False, comment="gets only what is due after this"),
        sa.Column("removed_at", INSTANT, nullable=True, comment="no longer in schedule.yaml"),
        sa.Column("stopped_at", INSTANT, nullable=True, comment="needs a person; nothing is sent"),
        sa.Column("stopped_reason", sa.String(16), nullable=True, comment="name of a StopReason"),
        sa.Column(
            "stopped_detail", sa.Text(), nullable=False, comment="for people: why it is stopped"
        ),
        sa.Column("remote_id", sa.Text(), nullable=False, comment="the platform's id of it"),
        sa.Column("limits", JSON, nullable=True, comment="JSON: what its server said fits"),
        sa.Column("profile", JSON, nullable=False, comment="JSON: as its server told last"),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
    )


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", COUNTER, nullable=False, comment="counts up"),
        sa.Column(
            "fingerprint", sa.String(length=64), nullable=False, comment="of what was approved"
        ),
        sa.Column("post_id", sa.Text(), nullable=False, comment="whose it is"),
        sa.Column("by", sa.Text(), nullable=False, comment="approver"),
        sa.Column("note", sa.Text(), nullable=False, comment="what the approver wrote"),
        sa.Column(
            "sources", JSON, nullable=False, comment="JSON: quoted sources and their SHA-256"
        ),
        sa.Column("at", INSTANT, nullable=False, comment="when"),
        sa.Column("voided_at", INSTANT, nullable=True, comment="set once; then it counts no more"),
        sa.Column("void_reason", sa.Text(), nullable=False, comment="why it counts no more"),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
    )
    op.create_index("ix_approval_post_id", "approval", ["post_id"], unique=False)
    op.create_index(
        "uq_approval_standing",
        "approval",
        ["fingerprint", "by"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", COUNTER, autoincrement=False, nullable=False, comment="from 1, no gaps"),
        sa.Column("at", INSTANT, nullable=False, comment="when"),
        sa.Column("who", sa.Text(), nullable=False, comment="person or service"),
        sa.Column("verb", sa.Text(), nullable=False, comment="what was decided"),
        sa.Column("subject", sa.Text(), nullable=False, comment="about what"),
        sa.Column("why", sa.Text(), nullable=False, comment="as the person said"),
        sa.Column("detail", JSON, nullable=False, comment="JSON: the rest"),
        sa.Column(
            "previous",
            sa.String(length=64),
            nullable=False,
            comment="hash of the row before; 64 zeros",
        ),
        sa.Column(
            "sha256", sa.String(length=64), nullable=False, comment="of this row and `previous`"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )


def _charge() -> None:
    op.create_table(
        "charge",
        sa.Column("id", COUNTER, nullable=False, comment="booking"),
        sa.Column("account", sa.Text(), nullable=False, comment="who pays"),
        sa.Column("delivery_id", sa.Text(), nullable=True, comment="for what; null for reads"),
        sa.Column("action", sa.Text(), nullable=False, comment="name in the price list"),
        sa.Column(
            "resource", sa.Text(), nullable=True, comment="billed once a UTC day, where given"
        ),
        sa.Column("units", sa.Integer(), nullable=False, comment="booked, then what was used"),
        sa.Column(
            "unit_micro_usd",
            sa.BigInteger(),
            nullable=False,
            comment="price of one, US dollars / 10^6",
        ),
        sa.Column("day", sa.String(length=10), nullable=False, comment="UTC day, YYYY-MM-DD"),
        sa.Column("at", INSTANT, nullable=False, comment="when it was booked"),
        sa.Column(
            "settled", sa.Integer(), nullable=False, comment="1 once `units` is what was used"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_charge"),
    )
    op.create_index("ix_charge_account_day", "charge", ["account", "day"], unique=False)


def _content_tree() -> None:
    op.create_table(
        "content_tree",
        sa.Column("id", COUNTER, nullable=False, comment="counts up; the last is in force"),
        sa.Column("tree_sha256", sa.String(length=64), nullable=False, comment="of all files"),
        sa.Column("files", JSON, nullable=False, comment="JSON: path to text"),
        sa.Column("applied_at", INSTANT, nullable=False, comment="when it came into force"),
        sa.PrimaryKeyConstraint("id", name="pk_content_tree"),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Text(), nullable=False, comment="identity of what is delivered"),
        sa.Column("account", sa.Text(), nullable=False, comment="name in schedule.yaml"),
        sa.Column("platform", sa.Text(), nullable=False, comment="x, mastodon, bluesky, …"),
        sa.Column("post_id", sa.Text(), nullable=False, comment="id in posts/"),
        sa.Column(
            "occurrence", sa.Text(), nullable=False, comment="at/…, year/…/2026, queue/…/time"
        ),
        sa.Column("part", sa.Integer(), nullable=False, comment="place in the thread, from 0"),
        sa.Column("parts", sa.Integer(), nullable=False, comment="statuses of the whole post"),
        sa.Column("parent_id", sa.Text(), nullable=True, comment="the part it replies to"),
        sa.Column("due_at", INSTANT, nullable=False, comment="UTC microseconds, as all times"),
        sa.Column(
            "not_after", INSTANT, nullable=False, comment="held, not sent, when later than this"
        ),
        sa.Column(
            "status_json", sa.Text(), nullable=False, comment="frozen status: exactly what is sent"
        ),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False, comment="of status_json"),
        sa.Column(
            "fingerprint", sa.String(length=64), nullable=False, comment="what an approval binds to"
        ),
        sa.Column("labels", JSON, nullable=False, comment="JSON: what reports group by"),
        sa.Column("state", sa.String(16), nullable=False, comment="see bot.core.lifecycle"),
        sa.Column(
            "reason",
            sa.String(16),
            nullable=True,
            comment="name of one of them",
        ),
        sa.Column(
            "detail", sa.Text(), nullable=False, comment="for people: more of it, or the answer"
        ),
        sa.Column(
            "evidence", sa.Text(), nullable=False, comment="for people: what was tried and found"
        ),
        sa.Column(
            "draft_json",
            sa.Text(),
            nullable=True,
            comment="what a repeated call sends again; written once",
        ),
        sa.Column(
            "first_intent_at",
            INSTANT,
            nullable=True,
            comment="before the first byte; the status's own time",
        ),
        sa.Column(
            "fence",
            sa.BigInteger(),
            nullable=False,
            comment="counts claims; older ones write nothing",
        ),
        sa.Column(
            "lease_until", INSTANT, nullable=True, comment="until when the owner may work on it"
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="worker with the lease; else empty"),
        sa.Column(
            "attempts", sa.Integer(), nullable=False, comment="that may have had a side effect"
        ),
        sa.Column("retry_at", INSTANT, nullable=True, comment="not claimed before this"),
        sa.Column(
            "absent_reads",
            sa.Integer(),
            nullable=False,
            comment="empty read-backs since the attempt",
        ),
        sa.Column("next_read_at", INSTANT, nullable=True, comment="when to read back"),
        sa.Column("released_by", sa.Text(), nullable=False, comment="who sent it despite a hold"),
        sa.Column("remote_id", sa.Text(), nullable=False, comment="the platform's id; always text"),
        sa.Column("url", sa.Text(), nullable=False, comment="what a reader opens"),
        sa.Column("cid", sa.Text(), nullable=False, comment="Bluesky's content hash"),
        sa.Column("sent_at", INSTANT, nullable=True, comment="when it went out"),
        sa.Column("created_at", INSTANT, nullable=False, comment="when it was planned"),
        sa.Column("updated_at", INSTANT, nullable=False, comment="last change"),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'READY', 'SENDING', 'SENT', 'UNKNOWN', 'HELD', 'FAILED',"
            " 'CANCELLED', 'RETRACTED', 'GONE')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["delivery.id"], name="fk_delivery_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_post_id", "delivery", ["post_id"], unique=False)
    op.create_index("ix_delivery_state_due_at", "delivery", ["state", "due_at"], unique=False)
    op.create_index(
        "uq_delivery_in_doubt",
        "delivery",
        ["account"],
        unique=True,
        sqlite_where=sa.text("state IN ('SENDING', 'UNKNOWN')"),
        postgresql_where=sa.text("state IN ('SENDING', 'UNKNOWN')"),
    )
    op.create_index(
        "uq_delivery_open",
        "delivery",
        ["account", "occurrence", "part"],
        unique=True,
        sqlite_where=sa.text("state <> 'CANCELLED'"),
        postgresql_where=sa.text("state <> 'CANCELLED'"),
    )


def _follower() -> None:
    op.create_table(
        "follower",
        sa.Column("account", sa.Text(), nullable=False, comment="name in schedule.yaml"),
        sa.Column("day", sa.String(length=10), nullable=False, comment="UTC day, YYYY-MM-DD"),
        sa.Column(
            "count", sa.BigInteger(), nullable=False, comment="followers, as the platform told"
        ),
        sa.PrimaryKeyConstraint("account", "day", name="pk_follower"),
    )


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column(
            "instance_id", sa.String(length=64), nullable=False, comment="drawn when it was created"
        ),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="counts restores"),
        sa.Column("created_at", INSTANT, nullable=False, comment="first run"),
        sa.Column(
            "settle_reason",
            sa.Text(),
            nullable=True,
            comment="set: nothing is sent before all is read back",
        ),
        sa.Column("settled_at", INSTANT, nullable=True, comment="when that was last done"),
        sa.CheckConstraint("id = 1", name=op.f("ck_instance_single")),
        sa.PrimaryKeyConstraint("id", name="pk_instance"),
    )


def _medium() -> None:
    op.create_table(
        "medium",
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of the bytes"),
        sa.Column(
            "content", sa.LargeBinary(), nullable=False, comment="a picture, as it is uploaded"
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_medium"),
    )


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column(
            "key", sa.Text(), nullable=False, comment="what it is about; one is open at a time"
        ),
        sa.Column("text", sa.Text(), nullable=False, comment="for people"),
        sa.Column("raised_at", INSTANT, nullable=False, comment="when it began"),
        sa.Column("sent_at", INSTANT, nullable=True, comment="when people were told"),
        sa.PrimaryKeyConstraint("key", name="pk_notice"),
    )


def _pause() -> None:
    op.create_table(
        "pause",
        sa.Column("id", COUNTER, nullable=False, comment="counts up"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("by", sa.Text(), nullable=False, comment="who paused"),
        sa.Column("paused_at", INSTANT, nullable=False, comment="from"),
        sa.Column("resumed_at", INSTANT, nullable=True, comment="until; null while it lasts"),
        sa.Column("resumed_by", sa.Text(), nullable=False, comment="who resumed"),
        sa.PrimaryKeyConstraint("id", name="pk_pause"),
    )


def _sent_log() -> None:
    op.create_table(
        "sent_log",
        sa.Column(
            "log_id", sa.String(length=64), nullable=False, comment="drawn when the log was created"
        ),
        sa.Column("place", sa.Text(), nullable=False, comment="machine and file it is on"),
        sa.Column(
            "seq", sa.BigInteger(), nullable=False, comment="last line that this database knows"
        ),
        sa.Column("registered_at", INSTANT, nullable=False, comment="when it was first seen"),
        sa.PrimaryKeyConstraint("log_id", name="pk_sent_log"),
    )


def _trust() -> None:
    op.create_table(
        "trust",
        sa.Column("id", COUNTER, nullable=False, comment="counts up; the last is in force"),
        sa.Column(
            "recorded", JSON, nullable=False, comment="JSON: mode, servers, handles, sources"
        ),
        sa.Column("by", sa.Text(), nullable=False, comment="who confirmed it"),
        sa.Column("at", INSTANT, nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("id", name="pk_trust"),
    )


def _worker() -> None:
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False, comment="service and process"),
        sa.Column("facts", JSON, nullable=False, comment="JSON: what it says of itself"),
        sa.Column("beat_at", INSTANT, nullable=False, comment="last sign of life"),
        sa.PrimaryKeyConstraint("name", name="pk_worker"),
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", COUNTER, nullable=False, comment="counts up"),
        sa.Column("delivery_id", sa.Text(), nullable=False, comment="what was tried"),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="the claim it belongs to"),
        sa.Column("owner", sa.Text(), nullable=False, comment="worker"),
        sa.Column(
            "phase", sa.String(length=16), nullable=False, comment="preparing, calling, done"
        ),
        sa.Column(
            "outcome",
            sa.String(length=16),
            nullable=False,
            comment="name of the event; empty while open",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="what the platform said"),
        sa.Column("remote_id", sa.Text(), nullable=False, comment="id, where one came back"),
        sa.Column("started_at", INSTANT, nullable=False, comment="claimed"),
        sa.Column("called_at", INSTANT, nullable=True, comment="just before the first byte"),
        sa.Column("ended_at", INSTANT, nullable=True, comment="outcome stored"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_attempt_delivery_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sa.UniqueConstraint("delivery_id", "fence", name="uq_attempt_delivery_id_fence"),
    )


def _move() -> None:
    op.create_table(
        "move",
        sa.Column("id", COUNTER, nullable=False, comment="counts up"),
        sa.Column("delivery_id", sa.Text(), nullable=False, comment="what moved"),
        sa.Column("at", INSTANT, nullable=False, comment="when"),
        sa.Column("actor", sa.Text(), nullable=False, comment="person or service"),
        sa.Column(
            "event",
            sa.String(length=16),
            nullable=False,
            comment="name in bot.core.lifecycle.Event",
        ),
        sa.Column("before", sa.String(16), nullable=False, comment="state it left"),
        sa.Column("after", sa.String(16), nullable=False, comment="state it came to"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_move_delivery_id"),
        sa.PrimaryKeyConstraint("id", name="pk_move"),
    )
    op.create_index("ix_move_delivery_id", "move", ["delivery_id"], unique=False)


def _snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("delivery_id", sa.Text(), nullable=False, comment="whose numbers"),
        sa.Column(
            "age_label", sa.String(length=16), nullable=False, comment="1h, 6h, 24h, 72h, 7d, 30d"
        ),
        sa.Column("due_at", INSTANT, nullable=False, comment="when to read"),
        sa.Column("taken_at", INSTANT, nullable=True, comment="when it was read"),
        sa.Column(
            "state",
            sa.String(length=16),
            nullable=False,
            comment="DUE, TAKEN, FAILED, GONE, MISSED",
        ),
        sa.Column(
            "closes_as",
            sa.String(length=16),
            nullable=False,
            comment="MISSED; FAILED once it was tried",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="why there are no numbers"),
        sa.Column(
            "likes", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.Column(
            "reposts", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.Column(
            "replies", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.Column(
            "quotes", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.Column(
            "bookmarks", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.Column(
            "impressions",
            sa.BigInteger(),
            nullable=True,
            comment="null where untold, never 0 for it",
        ),
        sa.Column(
            "clicks", sa.BigInteger(), nullable=True, comment="null where untold, never 0 for it"
        ),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_snapshot_delivery_id"),
        sa.PrimaryKeyConstraint("delivery_id", "age_label", name="pk_snapshot"),
    )
    op.create_index("ix_snapshot_state_due_at", "snapshot", ["state", "due_at"], unique=False)


def _user() -> None:
    op.create_table(
        "user",
        sa.Column("name", sa.Text(), nullable=False, comment="small letters, digits, . _ -"),
        sa.Column("roles", sa.Text(), nullable=False, comment="names, with a space between"),
        sa.Column(
            "password_hash", sa.Text(), nullable=False, comment="argon2id, with its parameters"
        ),
        sa.Column(
            "feed_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the key in the calendar's address",
        ),
        sa.Column("created_at", INSTANT, nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("name", name="pk_user"),
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column(
            "id_sha256", sa.String(length=64), nullable=False, comment="of the id in the cookie"
        ),
        sa.Column("user", sa.Text(), nullable=False, comment="whose"),
        sa.Column("started_at", INSTANT, nullable=False, comment="signed in"),
        sa.Column("seen_at", INSTANT, nullable=False, comment="last used, to the minute"),
        sa.ForeignKeyConstraint(["user"], ["user.name"], name="fk_session_user"),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_session"),
    )
    op.create_index("ix_session_user", "session", ["user"], unique=False)


def _login_failure() -> None:
    op.create_table(
        "login_failure",
        sa.Column(
            "name_sha256",
            sa.String(length=64),
            nullable=False,
            comment="of the name that was typed",
        ),
        sa.Column("count", sa.Integer(), nullable=False, comment="failures in a row"),
        sa.Column("last_at", INSTANT, nullable=False, comment="the last of them"),
        sa.PrimaryKeyConstraint("name_sha256", name="pk_login_failure"),
    )


def _digest() -> None:
    op.create_table(
        "digest",
        sa.Column("week", sa.String(length=8), nullable=False, comment="ISO week, 2026-W50"),
        sa.Column("claimed_at", INSTANT, nullable=False, comment="a worker began to send it"),
        sa.Column("sent_at", INSTANT, nullable=True, comment="people have it"),
        sa.PrimaryKeyConstraint("week", name="pk_digest"),
    )
