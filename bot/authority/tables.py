"""Tables of what people decide: approvals, objections, pauses, trust, users; what they are told."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from bot.db.columns import Counter, EnumName, Instant, Json, metadata


class StopReason(StrEnum):
    """Why nothing is sent on an account."""

    #: The platform refuses its credentials.
    UNAUTHORIZED = "unauthorized"
    #: What its server says of it does not fit the schedule.
    UNFIT = "unfit"
    #: The files say something else of it than was confirmed; see `bot.authority.trust`.
    CONFIGURATION = "configuration changed"


class ObjectionKind(StrEnum):
    """What an approver objects to in a fingerprint."""

    #: It waits until its text is another one, or they are content.
    CHANGE = "a change is asked for"
    #: It never goes out as it is.
    REFUSAL = "refused"


class PauseScope(StrEnum):
    """What a pause is of, the widest first."""

    EVERYTHING = "everything"
    ACCOUNT = "account"
    THEME = "theme"
    LANGUAGE = "language"


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
    Column("statement", Text, comment="canonical JSON that a passkey signed; null: none did"),
    Column("signature", Text, comment="JSON: the passkey's answer to its hash"),
    Column("voided_at", Instant, comment="set once; then it counts no more"),
    Column("void_reason", Text, nullable=False, default="", comment="why it counts no more"),
    Index("uq_approval_standing", "fingerprint", "by", unique=True,
          sqlite_where=text("voided_at IS NULL"), postgresql_where=text("voided_at IS NULL")),
    Index(None, "post_id"),
)  # fmt: skip  # one column a line reads as a table

objection = Table(
    "objection",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("fingerprint", String(64), nullable=False, comment="of what must not go out"),
    Column("post_id", Text, nullable=False, comment="whose it is"),
    Column("kind", EnumName((ObjectionKind,)), nullable=False, comment="a change, or a refusal"),
    Column("by", Text, nullable=False, comment="approver"),
    Column("comment", Text, nullable=False, comment="what should change, or why not"),
    Column("at", Instant, nullable=False, comment="when"),
    Column("settled_at", Instant, comment="set once; then it counts no more"),
    Column("settle_reason", Text, nullable=False, default="", comment="why it counts no more"),
    Index("uq_objection_standing", "fingerprint", "by", "kind", unique=True,
          sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL")),
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

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True, comment="as in schedule.yaml"),
    Column("platform", Text, nullable=False, comment="name of its platform"),
    Column("added_at", Instant, nullable=False, comment="gets only what is due after this"),
    Column("removed_at", Instant, comment="no longer in schedule.yaml"),
    Column("remote_id", Text, nullable=False, default="", comment="the platform's id of it"),
    Column("limits", Json, comment="JSON: what its server said fits"),
    Column("profile", Json, nullable=False, default=dict, comment="JSON: as its server told last"),
)

#: While it has a row here, no call is made for an account.
account_stop = Table(
    "account_stop",
    metadata,
    Column("account", Text, primary_key=True, comment="whose"),
    Column("reason", EnumName((StopReason,)), primary_key=True, comment="lifted on its own"),
    Column("detail", Text, nullable=False, comment="for people: why it is stopped"),
    Column("at", Instant, nullable=False, comment="since when"),
)

pause = Table(
    "pause",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("by", Text, nullable=False, comment="who paused"),
    Column("scope", EnumName((PauseScope,)), nullable=False, comment="what it is of"),
    Column("value", Text, nullable=False, comment="account, theme or language; else empty"),
    Column("all_calls", Boolean, nullable=False, comment="reads stop too"),
    Column("paused_at", Instant, nullable=False, comment="from"),
    Column("until", Instant, comment="when it ends by itself; null: when somebody resumes"),
    Column("resumed_at", Instant, comment="when it ended; null while it lasts"),
    Column("resumed_by", Text, nullable=False, default="", comment="who resumed"),
)

content_tree = Table(
    "content_tree",
    metadata,
    Column("id", Counter, primary_key=True, comment="counts up; the last is in force"),
    Column("tree_sha256", String(64), nullable=False, comment="of all files"),
    Column("files", Json, nullable=False, comment="JSON: path to text"),
    Column("commit", Text, nullable=False, default="", comment="signed, which has it; or empty"),
    Column("applied_at", Instant, nullable=False, comment="when it came into force"),
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
    Column("key", Text, primary_key=True, comment="the cause that people are told of"),
    Column("told_at", Instant, nullable=False, comment="when they last were"),
    Column("told", Text, nullable=False, comment="what; empty once they heard that it is over"),
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True, comment="service and process"),
    Column("facts", Json, nullable=False, comment="JSON: what it says of itself"),
    Column("beat_at", Instant, nullable=False, comment="last sign of life"),
)

user = Table(
    "user",
    metadata,
    Column("name", Text, primary_key=True, comment="small letters, digits, . _ -"),
    Column("roles", Text, nullable=False, comment="names, with a space between"),
    Column("password_hash", Text, nullable=False, comment="argon2id, with its parameters"),
    Column("feed_sha256", String(64), comment="of the key in the calendar's address"),
    Column("totp_secret", Text, comment="of one-time codes; null: none are asked for"),
    Column("totp_step", BigInteger, comment="time step of the last code; none is taken twice"),
    Column("recovery", Text, comment="SHA-256 of each code that is left, a space between"),
    Column("created_at", Instant, nullable=False, comment="when"),
)

session = Table(
    "session",
    metadata,
    Column("id_sha256", String(64), primary_key=True, comment="of the id in the cookie"),
    Column("user", Text, ForeignKey("user.name"), nullable=False, comment="whose"),
    Column("started_at", Instant, nullable=False, comment="signed in"),
    Column("seen_at", Instant, nullable=False, comment="last used, to the minute"),
    Column("proved_at", Instant, nullable=False, comment="last gave a password or a passkey"),
    Column("agent", Text, nullable=False, comment="the browser, in its own words"),
    Index(None, "user"),
)

device = Table(
    "device",
    metadata,
    Column("id_sha256", String(64), primary_key=True, comment="of the secret in its cookie"),
    Column("user", Text, ForeignKey("user.name"), primary_key=True, comment="who signed in there"),
    Column("seen_at", Instant, nullable=False, comment="when they last did"),
    Index(None, "user"),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Text, primary_key=True, comment="of the credential, base64url"),
    Column("user", Text, ForeignKey("user.name"), nullable=False, comment="whose"),
    Column("label", Text, nullable=False, comment="what they call it"),
    Column("origin", Text, nullable=False, comment="of the desk where it works"),
    Column("public_key", Text, nullable=False, comment="COSE, base64url"),
    Column("sign_count", BigInteger, nullable=False, comment="as its authenticator counts"),
    Column("created_at", Instant, nullable=False, comment="when"),
    Index(None, "user"),
)

token = Table(
    "token",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="of the token"),
    Column("user", Text, ForeignKey("user.name"), nullable=False, comment="whose"),
    Column("label", Text, nullable=False, comment="what it is for"),
    Column("created_at", Instant, nullable=False, comment="when; it ends by itself"),
    Index(None, "user"),
)

absence = Table(
    "absence",
    metadata,
    Column("user", Text, primary_key=True, comment="who is away"),
    Column("substitute", Text, nullable=False, comment="who hears what waits for them"),
    Column("since", Instant, nullable=False, comment="when they go"),
    Column("until", Instant, nullable=False, comment="when they are back"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("who_sha256", String(64), primary_key=True, comment="of an address, device or session"),
    Column("count", Integer, nullable=False, comment="failures in a row"),
    Column("last_at", Instant, nullable=False, comment="the last of them"),
)
