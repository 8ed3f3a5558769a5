"""The tables, as the program sees them; a test proves that the migrations lead to just these."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.core.model import State
from bot.core.reasons import CancelReason, HoldReason, StopReason
from bot.store.columns import Counter, EnumName, Instant, Json

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_OPEN = text("state = 'OPEN'")
_IN_DOUBT = text("state IN ('SENDING', 'UNKNOWN')")
_STATES = "state IN ({})".format(", ".join(f"'{state}'" for state in State))

publication = Table(
    "publication",
    metadata,
    Column("id", Text, primary_key=True, comment="from campaign, account, post and turn"),
    Column("account", Text, nullable=False, comment="name in schedule.yaml"),
    Column("platform", Text, nullable=False, comment="x, mastodon, bluesky, …"),
    Column("post_id", Text, nullable=False, comment="id in posts/"),
    Column("kind", String(16), nullable=False, comment="of time: at, year, queue, correction"),
    Column("subject", Text, nullable=False, comment="the post, or the queue, that occurs"),
    Column("key", Text, nullable=False, comment="the year, or the slot's local time; else empty"),
    Column("parts", Integer, nullable=False, comment="its deliveries: statuses of the whole post"),
    Column("due_at", Instant, comment="UTC microseconds, as all times; null: next free slot"),
    Column("not_after", Instant, comment="held, not sent, when later than this"),
    Column("fingerprint", String(64), nullable=False, comment="what an approval binds to"),
    Column("author", Text, nullable=False, comment="who wrote it, and cannot approve it"),
    Column("graphic", Boolean, nullable=False, comment="at most so many of these a day"),
    Column("theme", Text, nullable=False, comment="for reports; may be empty, as the next four"),
    Column("excerpt", Text, nullable=False, comment="quoted passage, source:start-end"),
    Column("lang", Text, nullable=False, comment="of the post, BCP 47"),
    Column("form", Text, nullable=False, comment="quote, link, card, thread, text, correction"),
    Column("slot", Text, nullable=False, comment="name of the slot"),
    Column("state", String(16), nullable=False, comment="OPEN; else all of it is cancelled"),
    Index("uq_publication_open", "account", "kind", "subject", "key", unique=True,
          sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index(None, "post_id"),
)  # fmt: skip  # one column a line reads as a table

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True, comment="identity of what is delivered"),
    Column("publication_id", Text, ForeignKey("publication.id"), nullable=False,
           comment="what it is a part of"),
    Column("account", Text, nullable=False, comment="the publication's, for uq_delivery_in_doubt"),
    Column("part", Integer, nullable=False, comment="place in the thread, from 0"),
    Column("parent_id", Text, ForeignKey("delivery.id"), comment="the status it replies to"),
    Column("status_json", Text, nullable=False, comment="frozen status: exactly what is sent"),
    Column("payload_sha256", String(64), nullable=False, comment="of status_json"),
    Column("cost_usd", Float, nullable=False, comment="of publishing it, by the price list"),
    Column("state", EnumName((State,)), nullable=False, comment="see bot.core.lifecycle"),
    Column("reason", EnumName((HoldReason, CancelReason)), comment="name of one of them"),
    Column("detail", Text, nullable=False, comment="for people: more of it, or the answer"),
    Column("evidence", Text, nullable=False, comment="for people: what was tried and found"),
    Column("draft_json", Text, comment="what a repeated call sends again; written once"),
    Column("first_intent_at", Instant, comment="before the first byte; the status's own time"),
    Column("fence", BigInteger, nullable=False, comment="counts claims; older ones write nothing"),
    Column("lease_until", Instant, comment="until when the owner may work on it"),
    Column("owner", Text, nullable=False, comment="worker with the lease; else empty"),
    Column("attempts", Integer, nullable=False, comment="that may have had a side effect"),
    Column("retry_at", Instant, comment="not claimed before this"),
    Column("absent_reads", Integer, nullable=False, comment="empty read-backs since the attempt"),
    Column("next_read_at", Instant, comment="when to read back"),
    Column("released_by", Text, nullable=False, comment="who sent it despite a hold"),
    Column("remote_id", Text, nullable=False, comment="the platform's id; always text"),
    Column("url", Text, nullable=False, comment="what a reader opens"),
    Column("cid", Text, nullable=False, comment="Bluesky's content hash"),
    Column("sent_at", Instant, comment="when it went out"),
    Column("created_at", Instant, nullable=False, comment="when it was planned"),
    Column("updated_at", Instant, nullable=False, comment="last change"),
    CheckConstraint(_STATES, name="state"),
    UniqueConstraint("publication_id", "part"),
    # Concurrency 1 per account: order in threads, and an unambiguous read-back.
    Index("uq_delivery_in_doubt", "account", unique=True,
          sqlite_where=_IN_DOUBT, postgresql_where=_IN_DOUBT),
    Index(None, "state"),
)  # fmt: skip  # one column a line reads as a table

attempt = Table(
    "attempt",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column(
        "delivery_id", Text, ForeignKey("delivery.id"), nullable=False, comment="what was tried"
    ),
    Column("fence", BigInteger, nullable=False, comment="the claim it belongs to"),
    Column("owner", Text, nullable=False, comment="worker"),
    Column("phase", String(16), nullable=False, comment="preparing, calling, done"),
    Column("outcome", String(16), nullable=False, comment="name of the event; empty while open"),
    Column("reason", Text, nullable=False, comment="what the platform said"),
    Column("remote_id", Text, nullable=False, comment="id, where one came back"),
    Column("started_at", Instant, nullable=False, comment="claimed"),
    Column("called_at", Instant, comment="just before the first byte"),
    Column("ended_at", Instant, comment="outcome stored"),
    UniqueConstraint("delivery_id", "fence"),
)

move = Table(
    "move",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False, comment="what moved"),
    Column("at", Instant, nullable=False, comment="when"),
    Column("actor", Text, nullable=False, comment="person or service"),
    Column("event", String(16), nullable=False, comment="name in bot.core.lifecycle.Event"),
    Column("before", EnumName((State,)), nullable=False, comment="state it left"),
    Column("after", EnumName((State,)), nullable=False, comment="state it came to"),
    Column("reason", Text, nullable=False, comment="why"),
    Index(None, "delivery_id"),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("fingerprint", String(64), nullable=False, comment="of what was approved"),
    Column("post_id", Text, nullable=False, comment="whose it is"),
    Column("by", Text, nullable=False, comment="approver"),
    Column("note", Text, nullable=False, comment="what the approver wrote"),
    Column("sources", Json, nullable=False, comment="JSON: quoted sources and their SHA-256"),
    Column("at", Instant, nullable=False, comment="when"),
    Column("voided_at", Instant, comment="set once; then it counts no more"),
    Column("void_reason", Text, nullable=False, comment="why it counts no more"),
    Index("uq_approval_standing", "fingerprint", "by", unique=True,
          sqlite_where=text("voided_at IS NULL"), postgresql_where=text("voided_at IS NULL")),
    Index(None, "post_id"),
)  # fmt: skip  # one column a line reads as a table

audit = Table(
    "audit",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=False, comment="from 1, no gaps"),
    Column("at", Instant, nullable=False, comment="when"),
    Column("who", Text, nullable=False, comment="person or service"),
    Column("verb", Text, nullable=False, comment="what was decided"),
    Column("subject", Text, nullable=False, comment="about what"),
    Column("why", Text, nullable=False, comment="as the person said"),
    Column("detail", Json, nullable=False, comment="JSON: the rest"),
    Column("previous", String(64), nullable=False, comment="hash of the row before; 64 zeros"),
    Column("sha256", String(64), nullable=False, comment="of this row and `previous`"),
)

charge = Table(
    "charge",
    metadata,
    Column("id", Counter, primary_key=True, comment="booking"),
    Column("account", Text, nullable=False, comment="who pays"),
    Column("delivery_id", Text, comment="for what; null for reads"),
    Column("action", Text, nullable=False, comment="name in the price list"),
    Column("resource", Text, comment="billed once a UTC day, where given"),
    Column("units", Integer, nullable=False, comment="booked, then what was used"),
    Column("unit_micro_usd", BigInteger, nullable=False, comment="price of one, US dollars / 10^6"),
    Column("day", String(10), nullable=False, comment="UTC day, YYYY-MM-DD"),
    Column("at", Instant, nullable=False, comment="when it was booked"),
    Column("settled", Integer, nullable=False, comment="1 once `units` is what was used"),
    Index(None, "account", "day"),
)

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True, comment="as in schedule.yaml"),
    Column("platform", Text, nullable=False, comment="x, mastodon, bluesky, …"),
    Column("added_at", Instant, nullable=False, comment="gets only what is due after this"),
    Column("removed_at", Instant, comment="no longer in schedule.yaml"),
    Column("stopped_at", Instant, comment="needs a person; nothing is sent"),
    Column("stopped_reason", EnumName((StopReason,)), comment="name of a StopReason"),
    Column("stopped_detail", Text, nullable=False, comment="for people: why it is stopped"),
    Column("remote_id", Text, nullable=False, comment="the platform's id of it"),
    Column("limits", Json, comment="JSON: what its server said fits"),
    Column("profile", Json, nullable=False, comment="JSON: as its server told last"),
)

pause = Table(
    "pause",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("by", Text, nullable=False, comment="who paused"),
    Column("paused_at", Instant, nullable=False, comment="from"),
    Column("resumed_at", Instant, comment="until; null while it lasts"),
    Column("resumed_by", Text, nullable=False, comment="who resumed"),
)

content_tree = Table(
    "content_tree",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up; the last is in force"),
    Column("tree_sha256", String(64), nullable=False, comment="of all files"),
    Column("files", Json, nullable=False, comment="JSON: path to text"),
    Column("applied_at", Instant, nullable=False, comment="when it came into force"),
)

medium = Table(
    "medium",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="of the bytes"),
    Column("content", LargeBinary, nullable=False, comment="a picture, as it is uploaded"),
)

trust = Table(
    "trust",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up; the last is in force"),
    Column("recorded", Json, nullable=False, comment="JSON: mode, servers, handles, sources"),
    Column("by", Text, nullable=False, comment="who confirmed it"),
    Column("at", Instant, nullable=False, comment="when"),
)

notice = Table(
    "notice",
    metadata,
    Column("key", Text, primary_key=True, comment="what it is about; one is open at a time"),
    Column("text", Text, nullable=False, comment="for people"),
    Column("raised_at", Instant, nullable=False, comment="when it began"),
    Column("sent_at", Instant, comment="when people were told"),
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True, comment="service and process"),
    Column("facts", Json, nullable=False, comment="JSON: what it says of itself"),
    Column("beat_at", Instant, nullable=False, comment="last sign of life"),
)

_NUMBERS = ("likes", "reposts", "replies", "quotes", "bookmarks", "impressions", "clicks")

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
    *(Column(name, BigInteger, comment="null where untold, never 0 for it") for name in _NUMBERS),
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

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("instance_id", String(64), nullable=False, comment="drawn when it was created"),
    Column("epoch", Integer, nullable=False, comment="counts restores"),
    Column("created_at", Instant, nullable=False, comment="first run"),
    Column("settle_reason", Text, comment="set: nothing is sent before all is read back"),
    Column("settled_at", Instant, comment="when that was last done"),
    CheckConstraint("id = 1", name="single"),
)

sent_log = Table(
    "sent_log",
    metadata,
    Column("log_id", String(64), primary_key=True, comment="drawn when the log was created"),
    Column("place", Text, nullable=False, comment="machine and file it is on"),
    Column("seq", BigInteger, nullable=False, comment="last line that this database knows"),
    Column("registered_at", Instant, nullable=False, comment="when it was first seen"),
)

user = Table(
    "user",
    metadata,
    Column("name", Text, primary_key=True, comment="small letters, digits, . _ -"),
    Column("roles", Text, nullable=False, comment="names, with a space between"),
    Column("password_hash", Text, nullable=False, comment="argon2id, with its parameters"),
    Column("feed_sha256", String(64), comment="of the key in the calendar's address"),
    Column("created_at", Instant, nullable=False, comment="when"),
)

session = Table(
    "session",
    metadata,
    Column("id_sha256", String(64), primary_key=True, comment="of the id in the cookie"),
    Column("user", Text, ForeignKey("user.name"), nullable=False, comment="whose"),
    Column("started_at", Instant, nullable=False, comment="signed in"),
    Column("seen_at", Instant, nullable=False, comment="last used, to the minute"),
    Index(None, "user"),
)

login_failure = Table(
    "login_failure",
    metadata,
    Column("name_sha256", String(64), primary_key=True, comment="of the name that was typed"),
    Column("count", Integer, nullable=False, comment="failures in a row"),
    Column("last_at", Instant, nullable=False, comment="the last of them"),
)
