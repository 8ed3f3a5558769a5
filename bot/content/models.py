"""What the YAML files look like: strict models, which are also where the JSON Schemas come from.

A field's description is what a person is told who left the field out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.content.fields import (
    At,
    Boolean,
    ClockTime,
    Day,
    Days,
    Duration,
    ExactText,
    Handle,
    Hashtag,
    Id,
    Lang,
    MonthDay,
    OptionalAddress,
    OptionalText,
    Passage,
    PositiveDuration,
    Server,
    Sha256,
    Text,
    Weekday,
    Zone,
    count,
    number,
    word,
)
from bot.content.known import (
    AccountOrPlatform,
    KnownAccount,
    KnownLink,
    KnownPlatform,
    KnownPrice,
    KnownQueue,
    KnownSlot,
    KnownSource,
    KnownTheme,
    KnownVariantLink,
)


class Strict(BaseModel):
    """No key beyond the ones written here."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


class ConsentModel(Strict):
    """Recorded agreement of an account's owner."""

    by: Text = Field(description="who of the owner agreed that the bot posts there")
    on: Day = Field(description="the day of the agreement, such as 2026-11-20")


class AccountModel(Strict):
    """One account of the coalition; its secrets never stand here."""

    platform: KnownPlatform = Field(description="mastodon, bluesky or x")
    server: Server = Field("", description="the server's origin, such as https://mastodon.social")
    handle: Handle = Field("", description="the account's handle, such as coalition.example")
    owner: Text = Field("", description="the organisation that owns the account")
    consent: ConsentModel | None = Field(None, description="who agreed, and when")
    links: Annotated[str, word("always", "never")] = Field(
        "always", description="whether posts with a link may go there"
    )
    threads: Boolean = Field(False, description="whether long posts may become threads on X")
    visibility: Annotated[str, word("public", "unlisted", "private")] = Field(
        "public", description="who sees the posts on Mastodon"
    )
    max_per_hour: Annotated[int, count(1, 300)] | None = Field(
        None, description="posts an hour at most"
    )
    max_per_day: Annotated[int, count(1, 1000)] | None = Field(
        None, description="posts a day at most"
    )
    min_gap: Duration = Field(
        timedelta(0), description="time between two posts at least, such as 20m"
    )
    budget_usd_per_month: Annotated[float, number(100_000)] | None = Field(
        None, description="US dollars a month, a hard stop for posting and reading"
    )
    on_unknown: Annotated[str, word("resend", "hold")] = Field(
        "resend", description="what follows when a post is surely absent after an unclear answer"
    )
    owns_app: Boolean = Field(
        False, description="whether the account owns X's developer app: its reads cost less"
    )
    automated_label_confirmed: Day | None = Field(
        None, description="the day on which a person saw X's label for automated accounts"
    )
    max_length: Annotated[int, count(50, 100_000)] | None = Field(
        None, description="length of a status where the server takes more or less than usual"
    )


class SlotModel(Strict):
    """Named moments of a week."""

    weekdays: tuple[Weekday, ...] = Field(min_length=1, description="days such as [mon, wed]")
    times: tuple[ClockTime, ...] = Field(min_length=1, description='times such as ["09:30"]')
    skip: tuple[Day, ...] = Field((), description="days without this slot")


class QueueModel(Strict):
    """Posts that wait for slots."""

    slots: tuple[KnownSlot, ...] = Field(min_length=1, description="slots that the queue fills")
    order: Annotated[str, word("listed", "shuffled")] = Field(
        "listed", description="listed (as written) or shuffled"
    )
    repeat_after: PositiveDuration | None = Field(
        None, description="a post may come again after this long, such as 60d; never on X"
    )


class PauseModel(Strict):
    """Planned days without slots."""

    first: Day = Field(alias="from", description="the first day, such as 2027-03-20")
    last: Day = Field(alias="to", description="the last day, included")
    reason: Text = Field(description="why nothing is posted then")


class ScheduleModel(Strict):
    """schedule.yaml: accounts, slots, queues, pauses and what holds for all posts."""

    campaign: Id = Field(description="the campaign's short name, such as decouple-from-dahua")
    timezone: Zone = Field(description="an IANA zone such as Europe/Paris; local times are in it")
    mode: Annotated[str, word("rehearsal", "live")] = Field(
        "rehearsal", description="live posts; rehearsal lets nothing leave the machine"
    )
    approvals_required: Annotated[int, count(0, 20)] = Field(
        2, description="people who must approve each post, its author not among them"
    )
    not_after: PositiveDuration = Field(
        timedelta(minutes=15), description="a post later than this is held, not sent"
    )
    coalition: tuple[Handle, ...] = Field((), description="handles that posts may mention")
    hashtags: tuple[Hashtag, ...] = Field((), description="hashtags that posts may use")
    themes: tuple[Id, ...] = Field((), description="themes that posts may have; any, where empty")
    accounts: dict[Id, AccountModel] = Field(
        min_length=1, description="the accounts that are posted from, by a name of your own"
    )
    x_prices: dict[KnownPrice, Annotated[float, number(1000)]] = Field(
        {}, description="US dollars by kind of call on X, where they differ from the built-in ones"
    )
    slots: dict[Id, SlotModel] = Field({}, description="named moments of a week")
    queues: dict[Id, QueueModel] = Field({}, description="queues of posts")
    pauses: tuple[PauseModel, ...] = Field((), description="planned days without slots")
    quiet: tuple[Days, ...] = Field((), description="days, or from and to, without graphic posts")
    similarity: Annotated[float, number(1)] = Field(
        0.6, description="texts more alike than this (0 to 1) need similarity_days between them"
    )
    similarity_days: Annotated[int, count(0, 3650)] = Field(30, description="see similarity")
    graphic_per_day: Annotated[int, count(0, 100)] = Field(
        1, description="graphic posts a day at most"
    )


class CardModel(Strict):
    """Preview that stands under a link; nothing is fetched from the web."""

    title: Text = Field(description="the preview's title")
    description: Text = Field("", description="the preview's second line")


class SourceModel(Strict):
    """posts/sources/<id>.yaml: a text that may be quoted."""

    id: Id | None = Field(None, description="the file's name without .yaml, where it is written")
    file: ExactText = Field(description="name of the text file beside this one, such as letter.txt")
    sha256: Sha256 = Field(description="SHA-256 of that file, which proves that nobody changed it")
    title: Text = Field(description="title of the text")
    attribution: Text = Field(description="who, what and the date; stands under every quotation")
    date: Day = Field(description="the day of the text, such as 2022-12-09")
    signatories: tuple[Text, ...] = Field(min_length=1, description="who signed or wrote it")
    address: OptionalAddress = Field("", description="where readers find it")
    lang: Lang = Field("en", description="its language")
    card: CardModel | None = Field(None, description="preview of links to it")
    graphic: tuple[Passage, ...] = Field(
        (), description="passages that need a content warning: exact text, or from and to"
    )
    never: tuple[Passage, ...] = Field(
        (), description="passages that are no text of its own: exact text, or from and to"
    )
    translation_of: KnownSource | None = Field(None, description="the source it translates")


class InvestigationModel(Strict):
    """A published piece that posts may link to."""

    id: Id = Field(description="a short name of its own, such as bbc-2021")
    outlet: Text = Field(description="who published it")
    title: Text = Field(description="its exact title")
    author: OptionalText = Field("", description="its author; empty where not known")
    date: OptionalText = Field("", description="when it was published, as far as known")
    address: OptionalAddress = Field("", description="its address; empty where not known")
    about: OptionalText = Field("", description="which company or system it is about")
    caution: OptionalText = Field("", description="what editors must mind")
    warning: OptionalText = Field("", description="content warning that posts with it must carry")
    card: CardModel | None = Field(None, description="preview of links to it")


class InvestigationsFile(Strict):
    """posts/sources/investigations.yaml: the only pages that posts may link to."""

    investigations: tuple[InvestigationModel, ...] = Field(
        description="a list of investigations, each with an id, outlet and title"
    )


class QuoteModel(Strict):
    """A quotation, character by character."""

    source: KnownSource = Field(description="id of the source, such as letter")
    text: ExactText = Field(description="the exact words; an omission is written […]")
    original: ExactText | None = Field(
        None, description="of a translation: the original's exact words that it translates"
    )


class MediaModel(Strict):
    """A picture."""

    file: ExactText = Field(description="a file in posts/media, such as media/card.png")
    alt: Text = Field(description="describe the picture for people who cannot see it")


class EveryYearModel(Strict):
    """A day that comes back each year."""

    on: MonthDay = Field(description="month and day, such as 12-09")
    at: ClockTime = Field(description='local time, such as "09:00"')


class VariantModel(Strict):
    """What one account, or one platform, says instead; never other quoted words."""

    text: Text | None = Field(None, description="own words instead of the post's")
    link: KnownVariantLink | None = Field(
        None, description="another link; `none` takes the post's link away"
    )
    warning: Text | None = Field(None, description="another content warning")
    media: tuple[MediaModel, ...] | None = Field(None, description="other pictures; [] for none")
    card: Boolean | None = Field(None, description="whether a quote card is drawn")
    thread: Boolean | None = Field(None, description="whether it may be split")


class PostModel(Strict):
    """One post."""

    id: Id = Field(description="a short name that stays the same for ever")
    text: Text = Field("", description="own words, before the quotation")
    quote: QuoteModel | None = Field(None, description="words of a source, exactly")
    link: KnownLink | None = Field(
        None, description="id of an investigation, or of a source with an address"
    )
    theme: KnownTheme = Field("", description="what reports group by")
    queue: KnownQueue | None = Field(None, description="the queue in which it waits")
    at: At | None = Field(
        None, description="local date and time, or one with its offset: 2026-12-09 09:00"
    )
    every_year: EveryYearModel | None = Field(None, description="a day that comes back")
    confirm: Boolean = Field(False, description="true: more than two years ahead is no mistake")
    accounts: tuple[KnownAccount, ...] | None = Field(
        None, min_length=1, description="accounts that it goes to; all, where left out"
    )
    lang: Lang | None = Field(None, description="language; the quoted source's, or en")
    warning: Text | None = Field(None, description="content warning")
    media: tuple[MediaModel, ...] = Field((), description="pictures")
    card: Boolean = Field(False, description="draw a quote card from the quotation")
    thread: Boolean = Field(False, description="whether it may be split into a thread")
    variants: dict[AccountOrPlatform, VariantModel] = Field(
        {}, description="by account or platform: what is said there instead"
    )
    author: Text = Field("", description="who wrote it; a pseudonym will do")
    status: Annotated[str, word("ready", "draft")] = Field("ready", description="ready or draft")
    not_after: PositiveDuration | None = Field(
        None, description="later than this it is held; the schedule's, where left out"
    )
    note: Text = Field("", description="for editors; never posted")


class PostsFile(Strict):
    """posts/**/*.yaml: what is posted."""

    posts: tuple[PostModel, ...] = Field(description="a list of posts, each with an id")
