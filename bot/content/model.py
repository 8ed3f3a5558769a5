"""What people write: sources, posts and the schedule, as frozen values.

Each field is declared once. Its type says how text of a YAML file is read (`bot.content.fields`),
its description is what a person is told who left it out, and JSON Schemas come from both. Python
code builds these like any dataclass, with values and not with text. A `Derived` field is no key of
a file: `bot.content` fills it in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from bot.content.fields import (
    AccountName,
    AccountOrPlatform,
    At,
    Boolean,
    ClockTime,
    Day,
    Days,
    Derived,
    Duration,
    ExactText,
    Handle,
    Hashtag,
    Id,
    KnownAccount,
    KnownLink,
    KnownPlatform,
    KnownQueue,
    KnownSlot,
    KnownSource,
    KnownTheme,
    KnownVariantLink,
    Lang,
    MonthDay,
    OptionalAddress,
    OptionalText,
    Passage,
    PositiveDuration,
    Server,
    Sha256,
    Text,
    WarningText,
    Weekday,
    Zone,
    count,
    doc,
    number,
    word,
)
from bot.platforms.spec import QUOTES, REPLIES, Destination

Replies = Annotated[str | None, word(*REPLIES), doc("who may reply; everyone, where left out")]
Quotes = Annotated[str | None, word(*QUOTES), doc("who may quote it; everyone, where left out")]
#: Start and end of a stretch of text; code points, end exclusive.
Stretch = tuple[int, int]


class Strict:
    """A model that is read from YAML: no key beyond its fields."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: line and column count from 1."""

    file: str
    line: int
    column: int


NOWHERE = Place("", 0, 0)


class Mode(StrEnum):
    """Whether anything leaves the machine."""

    REHEARSAL = "rehearsal"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Consent(Strict):
    """Recorded agreement of an account's owner."""

    by: Annotated[Text, doc("who of the owner agreed that the bot posts there")]
    on: Annotated[Day, doc("the day of the agreement, such as 2026-11-20")]


@dataclass(frozen=True, slots=True)
class Account(Strict):
    """One account of the coalition; its secrets never stand here."""

    name: Annotated[Derived[str], Field(default="")]
    platform: Annotated[KnownPlatform, doc("its platform, by the name of a page in docs/platforms")]
    server: Annotated[Server, doc("the server's origin, such as https://social.example")] = ""
    handle: Annotated[Handle, doc("the account's handle, such as coalition.example")] = ""
    owner: Annotated[Text, doc("the organisation that owns the account")] = ""
    consent: Annotated[Consent | None, doc("who agreed, and when")] = None
    links: Annotated[
        str, word("always", "never"), doc("whether posts with a link may go there")
    ] = "always"
    max_per_hour: Annotated[int | None, count(1, 300), doc("posts an hour at most")] = None
    max_per_day: Annotated[int | None, count(1, 1000), doc("posts a day at most")] = None
    min_gap: Annotated[Duration, doc("time between two posts at least, such as 20m")] = timedelta(0)
    budget_usd_per_month: Annotated[
        float | None,
        number(100_000),
        doc("US dollars a month, a hard stop for posting and reading"),
    ] = None
    on_unknown: Annotated[
        str,
        word("resend", "hold"),
        doc("what follows when a post is surely absent after an unclear answer"),
    ] = "resend"
    max_length: Annotated[
        int | None,
        count(50, 100_000),
        doc("length of a status where the server takes more or less than usual"),
    ] = None
    #: Of each post that says nothing else.
    replies: Replies = None
    quotes: Quotes = None
    #: Values of the keys that only its platform has; `PlatformSpec.value` reads them.
    own: Derived[Mapping[str, Any]] = field(default_factory=dict)
    place: Derived[Place] = NOWHERE

    @property
    def destination(self) -> Destination:
        return Destination(self.platform, self.server, self.handle)


@dataclass(frozen=True, slots=True)
class Slot(Strict):
    """Named moments of a week."""

    name: Annotated[Derived[str], Field(default="")]
    weekdays: Annotated[tuple[Weekday, ...], doc("days such as [mon, wed]", min_length=1)]
    times: Annotated[tuple[ClockTime, ...], doc('times such as ["09:30"]', min_length=1)]
    skip: Annotated[tuple[Day, ...], doc("days without this slot")] = ()


@dataclass(frozen=True, slots=True)
class Queue(Strict):
    """Posts that wait for slots."""

    name: Annotated[Derived[str], Field(default="")]
    slots: Annotated[tuple[KnownSlot, ...], doc("slots that the queue fills", min_length=1)]
    #: Shuffled is by a stable hash.
    order: Annotated[str, word("listed", "shuffled"), doc("listed (as written) or shuffled")] = (
        "listed"
    )
    repeat_after: Annotated[
        PositiveDuration | None,
        doc("a post may come again after this long, such as 60d, where its platform allows it"),
    ] = None


@dataclass(frozen=True, slots=True)
class Pause(Strict):
    """Planned days without slots."""

    first: Annotated[Day, doc("the first day, such as 2027-03-20", alias="from")]
    last: Annotated[Day, doc("the last day, included", alias="to")]
    reason: Annotated[Text, doc("why nothing is posted then")]


@dataclass(frozen=True, slots=True)
class ApprovalRules(Strict):
    """What an approval must be to count."""

    signed: Annotated[
        str,
        word("optional", "required"),
        doc("required: it counts with its approver's passkey only; see docs/operating.md"),
    ] = "optional"


@dataclass(frozen=True, slots=True)
class Schedule(Strict):
    """schedule.yaml: accounts, slots, queues, pauses and what holds for all posts."""

    campaign: Annotated[Id, doc("the campaign's short name, such as decouple-from-dahua")]
    timezone: Annotated[Zone, doc("an IANA zone such as Europe/Paris; local times are in it")]
    accounts: Annotated[
        dict[AccountName, Account],
        doc("the accounts that are posted from, by a name of your own", min_length=1),
    ]
    mode: Annotated[
        Mode, word(*Mode), doc("live posts; rehearsal lets nothing leave the machine")
    ] = Mode.REHEARSAL
    approvals_required: Annotated[
        int, count(0, 20), doc("people who must approve each post, its author not among them")
    ] = 2
    approvals: Annotated[ApprovalRules, doc("what an approval must be to count")] = ApprovalRules()
    not_after: Annotated[PositiveDuration, doc("a post later than this is held, not sent")] = (
        timedelta(minutes=15)
    )
    coalition: Annotated[tuple[Handle, ...], doc("handles that posts may mention")] = ()
    hashtags: Annotated[tuple[Hashtag, ...], doc("hashtags that posts may use")] = ()
    themes: Annotated[tuple[Id, ...], doc("themes that posts may have; any, where empty")] = ()
    slots: Annotated[dict[Id, Slot], doc("named moments of a week")] = field(default_factory=dict)
    queues: Annotated[dict[Id, Queue], doc("queues of posts")] = field(default_factory=dict)
    pauses: Annotated[tuple[Pause, ...], doc("planned days without slots")] = ()
    quiet: Annotated[tuple[Days, ...], doc("days, or from and to, without graphic posts")] = ()
    #: As Jaccard similarity of word shingles.
    similarity: Annotated[
        float,
        number(1, above_zero=True),
        doc("texts more alike than this (above 0, up to 1) need similarity_days between them"),
    ] = 0.6
    similarity_days: Annotated[int, count(0, 3650), doc("see similarity")] = 30
    graphic_per_day: Annotated[int, count(0, 100), doc("graphic posts a day at most")] = 1
    #: By platform, US dollars by action; they override its own prices.
    prices: Derived[Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    place: Derived[Place] = Place("schedule.yaml", 1, 1)
    #: Of its keys: where a problem points.
    places: Derived[Mapping[str, Place]] = field(default_factory=dict)

    def is_quiet(self, day: date) -> bool:
        """Return whether a local day has no graphic posts."""
        return any(first <= day <= last for first, last in self.quiet)


@dataclass(frozen=True, slots=True)
class LinkPreview(Strict):
    """Preview that stands under a link; nothing is fetched from the web."""

    title: Annotated[Text, doc("the preview's title")]
    description: Annotated[Text, doc("the preview's second line")] = ""


@dataclass(frozen=True, slots=True)
class Source(Strict):
    """posts/sources/<id>.yaml: a text that may be quoted."""

    file: Annotated[ExactText, doc("name of the text file beside this one, such as letter.txt")]
    sha256: Annotated[Sha256, doc("SHA-256 of that file, which proves that nobody changed it")]
    title: Annotated[Text, doc("title of the text")]
    attribution: Annotated[Text, doc("who, what and the date; stands under every quotation")]
    date: Annotated[Day, doc("the day of the text, such as 2022-12-09")]
    signatories: Annotated[tuple[Text, ...], doc("who signed or wrote it", min_length=1)]
    id: Annotated[Id, doc("the file's name without .yaml, where it is written")] = ""
    address: Annotated[OptionalAddress, doc("where readers find it")] = ""
    lang: Annotated[Lang, doc("its language")] = "en"
    card: Annotated[LinkPreview | None, doc("preview of links to it")] = None
    graphic: Annotated[
        tuple[Passage, ...], doc("passages that need a content warning: exact text, or from and to")
    ] = ()
    never: Annotated[
        tuple[Passage, ...], doc("passages that are no text of its own: exact text, or from and to")
    ] = ()
    translation_of: Annotated[KnownSource, doc("the source it translates")] = ""
    translated_by: Annotated[tuple[Text, ...], doc("of a translation: who translated it")] = ()
    confirmed_by: Annotated[
        tuple[Text, ...],
        doc("of a translation: who compared it with the original, and answers for it"),
    ] = ()
    #: The whole text of the file, decoded from UTF-8 and not otherwise touched.
    text: Derived[str] = ""
    graphic_spans: Derived[tuple[Stretch, ...]] = ()
    never_spans: Derived[tuple[Stretch, ...]] = ()
    place: Derived[Place] = NOWHERE


@dataclass(frozen=True, slots=True)
class Investigation(Strict):
    """A published piece that posts may link to."""

    id: Annotated[Id, doc("a short name of its own, such as bbc-2021")]
    outlet: Annotated[Text, doc("who published it")]
    title: Annotated[Text, doc("its exact title")]
    author: Annotated[OptionalText, doc("its author; empty where not known")] = ""
    date: Annotated[OptionalText, doc("when it was published, as far as known")] = ""
    #: Where it is not known, the piece cannot be posted.
    address: Annotated[OptionalAddress, doc("its address; empty where not known")] = ""
    about: Annotated[OptionalText, doc("which company or system it is about")] = ""
    caution: Annotated[OptionalText, doc("what editors must mind")] = ""
    warning: Annotated[OptionalText, doc("content warning that posts with it must carry")] = ""
    card: Annotated[LinkPreview | None, doc("preview of links to it")] = None
    archived: Annotated[
        OptionalAddress, doc("a public copy, which `archive link-copy` lets posts link to")
    ] = ""


@dataclass(frozen=True, slots=True)
class ReportWords(Strict):
    """posts/reports/<language>.yaml: the report's own words in a language."""

    by: Annotated[Text, doc("who answers for these words, such as Ana Example, translator")]
    language: Annotated[Text, doc("what the language calls itself")]
    words: Annotated[
        dict[Id, OptionalText], doc("each sentence by its key, as `report --catalogue` writes them")
    ]


@dataclass(frozen=True, slots=True)
class Quote(Strict):
    """A quotation, character by character."""

    source: Annotated[KnownSource, doc("id of the source, such as letter")]
    text: Annotated[ExactText, doc("the exact words; an omission is written […]")]
    original: Annotated[
        ExactText | None, doc("of a translation: the original's exact words that it translates")
    ] = None
    source_sha256: Derived[str] = ""
    #: Of the source, in order; none before it is proved.
    fragments: Derived[tuple[Stretch, ...]] = ()
    #: What a quoted translation translates, proved in the original source.
    translates: Derived["Quote | None"] = None
    #: Who translated it, and who answers for that.
    translators: Derived[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())


@dataclass(frozen=True, slots=True)
class MediaFile(Strict):
    """A picture."""

    file: Annotated[ExactText, doc("a file in posts/media, such as media/card.png")]
    alt: Annotated[Text, doc("describe the picture for people who cannot see it")]
    sha256: Derived[str] = ""
    mime: Derived[str] = ""
    width: Derived[int] = 0
    height: Derived[int] = 0
    size: Derived[int] = 0


@dataclass(frozen=True, slots=True)
class EveryYear(Strict):
    """A day that comes back each year."""

    on: Annotated[MonthDay, doc("month and day, such as 12-09")]
    at: Annotated[ClockTime, doc('local time, such as "09:00"')]


@dataclass(frozen=True, slots=True)
class Variant(Strict):
    """What one account, or one platform, says instead; never other quoted words."""

    text: Annotated[Text | None, doc("own words instead of the post's")] = None
    #: Empty text takes the post's link away.
    link: Annotated[
        KnownVariantLink | None, doc("another link; `none` takes the post's link away")
    ] = None
    warning: Annotated[WarningText | None, doc("another content warning")] = None
    media: Annotated[tuple[MediaFile, ...] | None, doc("other pictures; [] for none")] = None
    card: Annotated[Boolean | None, doc("whether a quote card is drawn")] = None
    thread: Annotated[Boolean | None, doc("whether it may be split")] = None
    replies: Replies = None
    quotes: Quotes = None


@dataclass(frozen=True, slots=True)
class Post(Strict):
    """One post."""

    id: Annotated[Id, doc("a short name that stays the same for ever")]
    text: Annotated[Text, doc("own words, before the quotation")] = ""
    quote: Annotated[Quote | None, doc("words of a source, exactly")] = None
    link: Annotated[KnownLink, doc("id of an investigation, or of a source with an address")] = ""
    theme: Annotated[KnownTheme, doc("what reports group by")] = ""
    queue: Annotated[KnownQueue, doc("the queue in which it waits")] = ""
    #: A UTC instant once the schedule's zone is known.
    at: Annotated[
        At | None, doc("local date and time, or one with its offset: 2026-12-09 09:00")
    ] = None
    every_year: Annotated[EveryYear | None, doc("a day that comes back")] = None
    confirm: Annotated[Boolean, doc("true: more than two years ahead is no mistake")] = False
    #: In the schedule's order once that is known.
    accounts: Annotated[
        tuple[KnownAccount, ...], doc("accounts that it goes to; all, where left out", min_length=1)
    ] = ()
    lang: Annotated[Lang, doc("language; the quoted source's, or en")] = ""
    warning: Annotated[WarningText | None, doc("content warning")] = None
    media: Annotated[tuple[MediaFile, ...], doc("pictures")] = ()
    card: Annotated[Boolean, doc("draw a quote card from the quotation")] = False
    thread: Annotated[Boolean, doc("whether it may be split into a thread")] = False
    replies: Annotated[
        str | None, word(*REPLIES), doc("who may reply; as the account says, where left out")
    ] = None
    quotes: Annotated[
        str | None, word(*QUOTES), doc("who may quote it; as the account says, where left out")
    ] = None
    variants: Annotated[
        dict[AccountOrPlatform, Variant], doc("by account or platform: what is said there instead")
    ] = field(default_factory=dict)
    author: Annotated[Text, doc("who wrote it; a pseudonym will do")] = ""
    status: Annotated[str, word("ready", "draft"), doc("ready or draft")] = "ready"
    not_after: Annotated[
        PositiveDuration | None, doc("later than this it is held; the schedule's, where left out")
    ] = None
    note: Annotated[Text, doc("for editors; never posted")] = ""
    #: A UTC instant, as `at` is; None keeps it out of the kit.
    partners_from: Annotated[
        At | None, doc("releases it for the partner kit: from then on partners may post it too")
    ] = None
    #: The passage is graphic, by its source or because the post carries a warning for it.
    graphic: Derived[bool] = False
    place: Derived[Place] = NOWHERE
    #: Of its keys, such as ``quote.text`` or ``variants.x.text``: where a problem points.
    places: Derived[Mapping[str, Place]] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether it may go out: it is no draft."""
        return self.status == "ready"


@dataclass(frozen=True, slots=True)
class Campaign:
    """All content, read and proved as a whole."""

    schedule: Schedule
    #: In the order in which they are written, files in the order of their paths.
    posts: tuple[Post, ...]
    sources: Mapping[str, Source]
    investigations: Mapping[str, Investigation]
    #: Of every file that was read, by path; the same files give the same hash.
    tree_sha256: str
    #: The report's own words, by language.
    report_words: Mapping[str, ReportWords] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of every local time in the campaign."""
        return ZoneInfo(self.schedule.timezone)

    def post(self, post_id: str) -> Post | None:
        """Find a post by its id."""
        return next((post for post in self.posts if post.id == post_id), None)
