"""All that the rest of the program knows of a platform, as data that every layer above reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol, Self

from bot.platforms.status import Status

#: Length that an address counts, whatever a server says.
LONGEST_ADDRESS = 60
#: Who may reply to a status, and who may quote it; where nothing is said, everyone.
EVERYONE = "everyone"
REPLIES = (EVERYONE, "followers", "followed", "mentioned", "nobody")
QUOTES = (EVERYONE, "followers", "nobody")


class AccountSettings(Protocol):
    """What a platform reads of an account in schedule.yaml; `bot.content.model.Account` is one."""

    @property
    def name(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def handle(self) -> str: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def own(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account accepts in a single status, in its platform's own units."""

    max_length: int
    #: Second limit on the text in UTF-8 bytes, where the platform has one.
    max_bytes: int | None = None
    #: Length that every address counts, where the platform shortens them.
    url_length: int = 23
    max_pictures: int = 4
    #: Unicode code points of an alternative text.
    max_alt: int = 1500
    max_picture_bytes: int = 5_000_000
    #: Width times height, where the platform says.
    max_pixels: int | None = None
    picture_mimes: tuple[str, ...] = ("image/jpeg", "image/png")
    #: A probe saw that the server keeps the language of a status, and every sign of descriptions.
    keeps_language: bool = True
    keeps_alt: bool = True
    #: Of `REPLIES` and `QUOTES`, what the account can set besides everyone.
    replies: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()

    def clamped(self, floors: Mapping[str, int]) -> Self:
        """Return the limits with each that is below its floor raised to it."""
        raised: dict[str, Any] = {
            name: max(getattr(self, name) or 0, least) for name, least in floors.items()
        }
        return replace(self, **raised, url_length=min(self.url_length, LONGEST_ADDRESS))

    def for_account(self, account: AccountSettings) -> Self:
        """Return the limits with the length that the schedule knows of the account, if any."""
        return replace(self, max_length=account.max_length) if account.max_length else self


@dataclass(frozen=True, slots=True)
class ReadBackPolicy:
    """How often, and when, a platform must be read before an absent status counts as absent."""

    #: Complete reads that all found nothing.
    reads: int = 1
    #: Wait after the last byte that was sent.
    first_after: timedelta = timedelta(0)
    #: Wait between the first two reads; it doubles from one to the next.
    apart: timedelta = timedelta(0)
    #: A request that was cut may be carried out for so long; the last read comes after it.
    outlives: timedelta = timedelta(0)

    def waiting(
        self, first: timedelta | None, apart: timedelta | None, outlives: timedelta | None
    ) -> Self:
        """Return the policy with an operator's waits; None leaves the platform's own."""
        given = {"first_after": first, "apart": apart, "outlives": outlives}
        changed: Mapping[str, Any] = {
            name: wait for name, wait in given.items() if wait is not None
        }
        return replace(self, **changed)

    def again_after(self, reads: int, since_call: timedelta) -> timedelta | None:
        """Return the wait after so many complete reads; None where they were enough."""
        if reads >= self.reads and since_call >= self.outlives:
            return None
        left, longer = self.outlives - since_call, self.apart * (1 << min(reads - 1, 10))
        return max(self.apart, min(longer or left, left))


@dataclass(frozen=True, slots=True)
class Charge:
    """One kind of paid call, and how many units of it."""

    action: str
    units: int = 1
    #: What is read, where each thing is billed once a UTC day however often it is read.
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key of an account in schedule.yaml that only its platform has."""

    name: str
    #: What a person is told of it.
    description: str
    #: ``bool`` or ``date``; a text, where there are choices.
    kind: type[bool | date | str] = bool
    choices: tuple[str, ...] = ()
    #: What holds where the key is left out.
    default: bool | date | str | None = None
    #: Readers see what it says, so approvals bind to it.
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """How pages tell a platform from others at a glance; colours and sizes are CSS."""

    #: A letter or two.
    icon: str
    color: str
    color_on_dark: str
    #: Of the corners of a status.
    corner: str = "12px"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an account's credentials may go, as people confirmed it to the letter."""

    platform: str
    #: Empty where it is the platform's own.
    server: str
    handle: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.platform, self.server, self.handle)))


@dataclass(frozen=True, slots=True)
class PlatformSpec:
    """All that the rest of the program knows of a platform, as data that every layer reads."""

    #: Key used in YAML, in the database and in logs.
    name: str
    #: What to assume where no server has been asked.
    limits: Limits
    #: Length of a text as this platform counts it; never ``len``.
    measure: Callable[[str, Limits], int]
    #: What people call the platform.
    label: str = ""
    #: Other names that people write for `name`.
    aliases: tuple[str, ...] = ()
    look: Look = Look("?", "currentcolor", "currentcolor")
    #: The warning folds the text away (and counts to its length); else it is the first line.
    folds_warning: bool = False
    #: A link is shown as a card that we provide; else it stands in the text.
    has_link_cards: bool = False
    #: Whole texts can be published beside statuses; see `KeepsDocuments`.
    keeps_documents: bool = False
    #: The account key that lets a long post become a thread, and a program reply; empty where
    #: every account may.
    thread_key: str = ""
    #: A person may hide a reply to a status, and take a quote of it apart.
    hides_replies: bool = False
    revokes_quotes: bool = False
    #: The same text may go out again on the same account, after a while.
    may_repeat: bool = True
    #: By name of a limit, what a server's word may not go below; none where servers tell none.
    floors: Mapping[str, int] = field(default_factory=dict)
    read_back: ReadBackPolicy = ReadBackPolicy()
    #: By field of a draft: what everybody would see, and what a test says instead of that.
    quiet: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: After so long a rate limit for posting starts anew.
    rate_window: timedelta = timedelta(0)
    #: What publishing one status costs.
    charges: Callable[[Status], Sequence[Charge]] = lambda _status: ()
    #: The paid action that reading one status of an account is.
    read_action: Callable[[AccountSettings], str] = lambda _account: "read"
    #: US dollars a unit, by action; the schedule's key ``<name>_prices`` overrides them.
    prices: Mapping[str, float] = field(default_factory=dict)
    #: Names of the secrets an account needs, as in VERBATIM_<ACCOUNT>_<SECRET>.
    secrets: tuple[str, ...] = ()
    #: Of these, what `authorize` of its package gets for who has none yet.
    granted: tuple[str, ...] = ()
    #: The least that the secrets must allow, in the platform's own words.
    scopes: tuple[str, ...] = ()
    #: Keys of an account that no other platform need have.
    account_keys: tuple[AccountKey, ...] = ()
    #: The account key for the day on which a person saw that the account says that it is
    #: automated; empty where the server tells.
    label_key: str = ""
    #: Page on which a person finds ``{text}`` ready to post; ``{server}`` where each has its own.
    share: str = ""
    #: Where a handle is a domain: the one that most are of, such as ``handles.example``.
    handle_domain: str = ""
    #: Keys of an account as `init` writes them into a new schedule; empty where it shows none.
    starter: str = ""

    def length_of(self, status: Status, limits: Limits) -> int:
        """Count a status as the platform does, with the folded warning."""
        warning = self.measure(status.warning, limits) if status.warning else 0
        return self.measure(status.text, limits) + warning

    def misfit(self, status: Status, limits: Limits, length: int | None = None) -> str:
        """Say by how much a status is too long; empty where it fits.

        Counting takes time: ``length`` is what `length_of` returned, where that is known.
        """
        length = self.length_of(status, limits) if length is None else length
        size = len(status.text.encode())
        if limits.max_bytes is not None and size > limits.max_bytes:
            return f"{size} of {limits.max_bytes} bytes ({size - limits.max_bytes} too many)"
        more = length - limits.max_length
        return f"{length} of {limits.max_length} characters ({more} too many)" if more > 0 else ""

    def may_thread(self, account: AccountSettings) -> bool:
        """Return whether this account lets long posts become threads."""
        return not self.thread_key or bool(self.value(account, self.thread_key))

    def value(self, account: AccountSettings, key: str) -> Any:
        """Return what an account says under a key of its platform, or what holds without it."""
        default = next((own.default for own in self.account_keys if own.name == key), None)
        return account.own.get(key, default)

    def shown(self, account: AccountSettings) -> Mapping[str, Any]:
        """Return what readers see of an account's keys."""
        return {key.name: self.value(account, key.name) for key in self.account_keys
                if key.is_shown}  # fmt: skip

    @property
    def prices_key(self) -> str:
        """Key of schedule.yaml for prices that differ from ours."""
        return f"{self.name}_prices"
