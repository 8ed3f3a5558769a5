"""The promises that every platform adapter keeps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bot import visible
from bot.platforms.spec import AccountSettings, Charge, Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, Picture, PostRef, ReplyTo, Status

#: Returns the bytes of a picture, whose SHA-256 is ``picture.sha256``.
PictureReader = Callable[[Picture], bytes]


class Meter(Protocol):
    """Counts paid calls before they are made."""

    def reserve(self, charge: Charge) -> int:
        """Book a call at most; the number settles it later.

        Raises:
            OverBudgetError: the account's budget does not cover it; do not call.
        """

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        """Correct a booking to what was used; 0 where the call was not made or not charged.

        Of ``resources``, what came back of things that are billed once a UTC day, those that were
        read before on that day are not counted again.
        """


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the credentials belong to, as the server tells."""

    #: The platform's own id of the account: numeric id, DID.
    id: str
    handle: str
    #: The account says that it is automated, by a flag or a label; None where the platform has
    #: no way to tell.
    is_labelled_bot: bool | None
    followers: int | None = None
    #: The server's software and version, for people.
    server: str = ""
    #: Name, description and picture as readers see them; empty where it is not told.
    about: str = ""
    #: What the credentials allow, in the platform's words; empty where it is not told.
    access: str = ""
    #: Of `PlatformSpec.scopes`, what posting needs and they surely do not allow.
    lacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("id", "handle", "server", "about", "access"):
            object.__setattr__(self, name, visible.short(getattr(self, name)))


#: Of a published text: its address without a fragment, and the SHA-256 of its version.
DocumentVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PublishedText:
    """One version of a whole text, for a platform that keeps such beside statuses."""

    title: str
    description: str
    authors: tuple[str, ...]
    address: str
    text: str
    day: date
    sha256: str


class KeepsDocuments(Protocol):
    """What adapters with `PlatformSpec.keeps_documents` can do besides."""

    def put_document(self, document: PublishedText) -> PostRef:
        """Publish a version, once; what is there already is left as it is.

        Raises:
            PlatformError: it is not there, or its content hash is another one.
        """


@dataclass(frozen=True, slots=True)
class Connection:
    """All that an adapter is given: an account, its secrets, and where paid calls are counted."""

    account: AccountSettings
    #: By the names of `PlatformSpec.secrets`; never shown.
    secrets: Mapping[str, str] = field(repr=False)
    meter: Meter
    #: Seconds to connect, and to wait for an answer (together below half a lease).
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    #: Told each answer's ``Date`` header, for the clock guard.
    on_server_time: Callable[[datetime], None] = lambda _time: None
    #: What a probe saw its server do, as `accounts` keeps it.
    abilities: Mapping[str, bool] = field(default_factory=dict)
    #: Origin that counts likes, where that is not the account's server; empty for the usual one.
    numbers_origin: str = ""
    #: Returns what the account published with `KeepsDocuments`.
    documents: Callable[[], Mapping[DocumentVersion, PostRef]] = dict


class Platform(Protocol):
    """A network that statuses are published to and numbers are read from.

    An adapter owns credentials and one client library. It has no queue, no retry, no clock and
    no database: it makes a call and reports what happened. Nothing from the client library
    escapes: every method raises only `PlatformError`s. One adapter serves one account, and one
    thread at a time.
    """

    @property
    def spec(self) -> PlatformSpec:
        """How this platform differs from others."""

    def profile(self) -> Profile:
        """Ask whose account this is; proves that the credentials work."""

    def limits(self) -> Limits:
        """Ask the server what fits in one status."""

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        """Do all that no reader can see: upload pictures, note the newest known status.

        Safe to repeat; a crash in it loses nothing. ``at`` (UTC) becomes the status's own time
        where the platform takes one; ``key`` identifies the delivery for ever.

        Raises:
            UnavailableError: try again later.
            RejectedError: a picture or the text will never be accepted.
            UnauthorizedError: the account needs a person.
            OverBudgetError: a paid call is not covered.
        """

    def publish(self, draft: Draft) -> PostRef:
        """Publish once: one call that a reader can see, the same bytes each time.

        What the answer shows otherwise than it was sent is in the receipt's ``differs``.

        Raises:
            UnavailableError: surely nothing was published; retry later.
            RejectedError: surely nothing was published, and it never will be.
            UnauthorizedError: surely nothing was published; the account needs a person.
            UnconfirmedError: anything else; see `find`.
            OverBudgetError: the call was not made.
        """

    def find(self, draft: Draft) -> PostRef | None:
        """Read back whether this draft is live; None only after a complete read without it.

        Raises:
            UnconfirmedError: it cannot be told, and reading again will not help (other content
                under the same record key, say).
            UnavailableError, UnauthorizedError, OverBudgetError: the read did not happen.
        """

    def delete(self, ref: PostRef) -> bool:
        """Take a status down; False where it was gone already."""

    def exists(self, ref: PostRef) -> bool:
        """Read whether a known status is still live."""

    def locate(self, address: str) -> PostRef | None:
        """Read which own status stands at a page's address; None where none does."""

    def abilities(self) -> Mapping[str, str]:
        """Read what the server can do, without posting; in words, by subject."""

    def hide_reply(self, ref: PostRef, address: str) -> None:
        """Hide a reply, by the address of its page, below an own status; safe to repeat.

        ``ref`` is the first status of the conversation.

        Raises:
            RejectedError: the platform cannot, or there is no such reply.
        """

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        """Take an own status out of a quote, by the address of its page; raises as `hide_reply`."""

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        """Read current numbers; a deleted status is simply missing from the answer."""

    def recent(self) -> Sequence[PostRef]:
        """Return what the account carries now, newest first: at least the newest, boosts too.

        Where reads cost money it makes none, and returns what those that were made anyway showed.
        """

    def close(self) -> None:
        """Let go of connections."""


#: What a platform's module offers the registry.
Connect = Callable[[Connection], Platform]
#: Shows a person the address of a page; returns the code that they were given there.
AskCode = Callable[[str], str]
#: Gets the secrets in `PlatformSpec.granted` by such a code; the connection has the others.
Authorize = Callable[[Connection, AskCode], Mapping[str, str]]
