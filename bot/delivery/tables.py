"""Tables of the outbox: publications, deliveries, attempts, charges, pictures, the sent log."""

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
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.db.columns import Counter, EnumName, Instant, metadata
from bot.delivery.lifecycle import Event
from bot.delivery.model import CancelReason, HoldReason, PublicationState, State

_OPEN = text("state = 'OPEN'")
#: As the index has it: a value that is bound would not be known to be the index's.
WITHDRAWN = text("state = 'WITHDRAWN'")
#: Is or was out, and its reads are not noted yet.
UNNOTED = text("sent_at IS NOT NULL AND reads_noted = 0")
_IN_DOUBT = text("state IN ('SENDING', 'UNKNOWN')")
_STATES = "state IN ({})".format(", ".join(f"'{state}'" for state in State))

publication = Table(
    "publication",
    metadata,
    Column("id", Text, primary_key=True, comment="from campaign, account, post and turn"),
    Column("account", Text, nullable=False, comment="name in schedule.yaml"),
    Column("platform", Text, nullable=False, comment="name of its platform"),
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
    Column("state", EnumName((PublicationState,)), nullable=False,
           comment="OPEN; else all of it is cancelled"),
    Index("uq_publication_open", "account", "kind", "subject", "key", unique=True,
          sqlite_where=_OPEN, postgresql_where=_OPEN),
    # What planning asks of all that ever was, answered from the index alone.
    Index("ix_publication_post", "post_id", "account", "state", "due_at", "id"),
    Index(None, "due_at"),
    Index("ix_publication_withdrawn", "id", sqlite_where=WITHDRAWN, postgresql_where=WITHDRAWN),
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
    Column("cost_usd", Float, nullable=False, comment="of publishing it, by the price list"),
    Column("state", EnumName((State,)), nullable=False, comment="see bot.delivery.lifecycle"),
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
    Column("cid", Text, nullable=False, comment="content hash, where a reply needs it"),
    Column("sent_at", Instant, comment="when it went out"),
    Column("reads_noted", Integer, nullable=False, default=0,
           comment="1 once `snapshot` has when its numbers are read"),
    Column("created_at", Instant, nullable=False, comment="when it was planned"),
    Column("updated_at", Instant, nullable=False, comment="last change"),
    CheckConstraint(_STATES, name="state"),
    UniqueConstraint("publication_id", "part"),
    # Concurrency 1 per account: order in threads, and an unambiguous read-back.
    Index("uq_delivery_in_doubt", "account", unique=True,
          sqlite_where=_IN_DOUBT, postgresql_where=_IN_DOUBT),
    # Counts and last moments by state and account come from the index alone.
    Index(None, "state", "account", "sent_at"),
    Index(None, "updated_at"),
    Index("ix_delivery_unnoted", "id", sqlite_where=UNNOTED, postgresql_where=UNNOTED),
)  # fmt: skip  # one column a line reads as a table

attempt = Table(
    "attempt",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False, comment="what for"),
    Column("fence", BigInteger, nullable=False, comment="the claim it belongs to"),
    Column("owner", Text, nullable=False, comment="worker"),
    Column("phase", String(16), nullable=False, comment="preparing, calling, done"),
    Column("outcome", String(16), nullable=False, default="", comment="event; empty while open"),
    Column("reason", Text, nullable=False, default="", comment="what the platform said"),
    Column("remote_id", Text, nullable=False, default="", comment="id, where one came back"),
    Column("started_at", Instant, nullable=False, comment="claimed"),
    Column("called_at", Instant, comment="just before the first byte"),
    Column("ended_at", Instant, comment="outcome stored"),
    UniqueConstraint("delivery_id", "fence"),
    Index(None, "called_at"),
)

move = Table(
    "move",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("delivery_id", Text, ForeignKey("delivery.id"), nullable=False, comment="what moved"),
    Column("at", Instant, nullable=False, comment="when"),
    Column("actor", Text, nullable=False, comment="person or service"),
    Column("event", EnumName((Event,)), nullable=False, comment="see bot.delivery.lifecycle"),
    Column("before", EnumName((State,)), nullable=False, comment="state it left"),
    Column("after", EnumName((State,)), nullable=False, comment="state it came to"),
    Column("reason", Text, nullable=False, comment="why"),
    Index(None, "delivery_id"),
)

charge = Table(
    "charge",
    metadata,
    Column("id", Counter, primary_key=True, comment="booking"),
    Column("account", Text, nullable=False, comment="who pays"),
    Column("action", Text, nullable=False, comment="name in the price list"),
    Column("resource", Text, comment="billed once a UTC day, where given"),
    Column("units", Integer, nullable=False, comment="booked, then what was used"),
    Column("unit_micro_usd", BigInteger, nullable=False, comment="price of one, US dollars / 10^6"),
    Column("day", String(10), nullable=False, comment="UTC day, YYYY-MM-DD"),
    Column("at", Instant, nullable=False, comment="when it was booked"),
    Index(None, "account", "day"),
)

medium = Table(
    "medium",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="of the bytes"),
    Column("content", LargeBinary, nullable=False, comment="a picture, as it is uploaded"),
    Column("used_at", Instant, nullable=False, comment="when something was last planned with it"),
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
