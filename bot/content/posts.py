"""Posts as typed values: every entry of ``posts/**/*.yaml`` with all that is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.content.fields import Known
from bot.content.files import FileError
from bot.content.identifiers import is_id
from bot.content.model import MediaFile, Place, Post, Quote, Schedule, Source, Variant
from bot.content.quoting import Proof, prove, quotes_graphic
from bot.content.shape import NamedId, Problems, entries, named_id, repeats, shape
from bot.content.slots import TimeProblem, due, yearly_problems
from bot.content.sources import Pictures
from bot.content.values import quoted
from bot.content.yamlfile import Node, Path
from bot.errors import Problem, Severity

_WHENS = ("queue", "at", "every_year")
_NO_QUOTATION = "a quote card is drawn from a quotation, and there is none"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What posts are read against."""

    known: Known
    #: None where the schedule cannot be read; then posts are checked as far as they go.
    schedule: Schedule | None
    sources: Mapping[str, Source]
    pictures: Pictures
    now: datetime


#: In UTC, when a post is due and from when partners may post it; and by key what is wrong with it.
_Moments = tuple[datetime | None, datetime | None, list[tuple[str, TimeProblem]]]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file of posts says by itself."""

    sha256: str
    problems: tuple[Problem, ...]
    #: Of each entry its id and its theme, and the post; None where that has errors.
    entries: tuple[tuple[tuple[NamedId, NamedId], Post | None], ...]
    #: What was found of each post that has a time: later it may be past.
    moments: tuple[tuple[Post, _Moments], ...]
    #: It names files of pictures, whose bytes count too.
    has_pictures: bool

    def holds(self, sha256: str, around: Surroundings) -> bool:
        """Return whether reading these bytes among the same surroundings would say the same."""
        return sha256 == self.sha256 and not self.has_pictures and all(
            _moments(written, around) == found for written, found in self.moments
        )  # fmt: skip


def read_file(node: Node | None, sha256: str, around: Surroundings, problems: Problems) -> ReadFile:
    """Read a file's posts; ``problems`` are those of its parsing."""
    found: list[tuple[tuple[NamedId, NamedId], Post | None]] = []
    read: list[_Entry] = []
    for node_of_post in entries(node, "posts", problems) if node else ():
        name = node_of_post.text("id") or ""
        if is_id(name):
            node_of_post.at = (name,)  # it says more than a number
        read.append(entry := _Entry(node_of_post, around))
        post = entry.read()
        problems += entry.problems
        is_wrong = any(each.severity is Severity.ERROR for each in entry.problems)
        names = named_id("id", node_of_post, ["id"]), named_id("theme", node_of_post, ["theme"])
        found.append((names, None if is_wrong else post))
    moments = tuple(each for entry in read for each in entry.moments)
    has_pictures = any(entry.has_pictures for entry in read)
    return ReadFile(sha256, tuple(problems), tuple(found), moments, has_pictures)


def posts_of(files: Iterable[ReadFile], problems: Problems) -> list[Post]:
    """Return the posts of all files that have no error; ids are unique over all of them."""
    posts: list[Post] = []
    ids: dict[str, Place] = {}
    for file in files:
        problems += file.problems
        for ((_key, name, here, where), _theme), post in file.entries:
            first = ids.setdefault(name, here) if name else here
            if first != here:
                message = (
                    f"id {quoted(name)} is taken in {first.file}, line {first.line}; "
                    "every post has its own id, for ever"
                )
                problems.add_at(here, where, message, "id-taken")
            elif post:
                posts.append(post)
    return posts


def _moments(written: Post, around: Surroundings) -> _Moments:
    now, at, opens = around.now, None, None
    zone = ZoneInfo(around.schedule.timezone if around.schedule else "UTC")
    problems: list[tuple[str, TimeProblem]] = []
    if written.at:
        at, found = due(written.at, zone=zone, now=now, confirmed=written.confirm)
        problems += (("at", each) for each in found)
    if written.every_year:
        yearly = yearly_problems(written.every_year, zone=zone, now=now)
        problems += (("every_year", each) for each in yearly)
    if written.partners_from:
        opens, found = due(written.partners_from, zone=zone, now=now, confirmed=written.confirm)
        # That it is past is no mistake: partners may go on.
        problems += (("partners_from", each) for each in found if each[1] != "time-past")
    return at, opens, problems


@dataclass(slots=True)
class _Entry:
    """One post of a file, with what is wrong or odd about it."""

    _node: Node
    _around: Surroundings
    problems: Problems = field(default_factory=Problems)
    moments: list[tuple[Post, _Moments]] = field(default_factory=list)
    has_pictures: bool = False

    def read(self) -> Post | None:
        """Return the whole post; None without a schedule or without a proof of its quotation."""
        self._refuse_links_to_nowhere()
        self._refuse_contradictions()
        known = self._around.known
        written = shape(Post, self._node, self.problems, known=known)
        if written:
            return self._completed(written)
        # The quotation is proved even where other keys cannot be read.
        node = self._node.child("quote")
        quote = shape(Quote, node, Problems(), known=known) if node else None
        source = self._around.sources.get(quote.source) if quote else None
        if quote and source:
            self._proof(quote.text, source, "text")
        return None

    def _tell(
        self, path: Path, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.problems.add(self._node, path, message, rule, severity=severity)

    def _refuse_links_to_nowhere(self) -> None:
        """Refuse links whose address is not known yet; a draft may wait for it."""
        links = self._around.known.links
        severity = Severity.NOTICE if self._node.text("status") == "draft" else Severity.ERROR
        variants: list[Path] = [["variants", name] for name in self._node.names("variants")]
        for owner in [[], *variants]:
            name = self._node.nearest(owner).text("link") or ""
            if name in links and not links[name]:
                message = (
                    f"{quoted(name)} has no address yet, so it cannot be posted; "
                    "find the address and write it where it is described"
                )
                self._tell([*owner, "link"], message, "link-address", severity)

    def _refuse_contradictions(self) -> None:
        """Refuse keys that exclude each other, need each other, or are all missing."""
        keys = self._node.value
        if not isinstance(keys, dict):
            return
        whens = [key for key in _WHENS if key in keys]
        if not whens:
            self._tell([], "says not when; write one of queue, at or every_year", "when")
        for key in whens[1:]:
            message = f"{whens[0]} says when already; keep one of queue, at and every_year"
            self._tell([key], message, "when")
        if "text" not in keys and "quote" not in keys:
            self._tell([], "has nothing to say; write text or quote", "nothing-to-say")
        if self._node.text("card") == "true" and "quote" not in keys:
            self._tell(["card"], _NO_QUOTATION, "card")
        files = [file.text("file") for file in self._node.entries("media")]
        for key, texts in (("accounts", self._node.texts("accounts")), ("media", files)):
            for number in repeats(texts):
                message = f"{quoted(str(texts[number]))} stands here twice; keep one"
                self._tell([key, number], message, "listed-twice")

    def _completed(self, written: Post) -> Post | None:
        """Fill in what a post is besides what is written."""
        sources, schedule = self._around.sources, self._around.schedule
        source = sources.get(written.quote.source) if written.quote else None
        quote = self._quote(written.quote, source) if written.quote and source else None
        media = self._media(written.media, ["media"])
        variants = {
            name: self._variant(name, variant, written.quote)
            for name, variant in written.variants.items()
        }
        if schedule is None:
            return None
        accounts = tuple(
            name for name in schedule.accounts if name in (written.accounts or schedule.accounts)
        )
        spoken_for = {*accounts, *(schedule.accounts[name].platform for name in accounts)}
        for name in written.variants.keys() - spoken_for:
            message = "the post does not go there; see its accounts"
            self._tell(["variants", name], message, "variant-idle")
        at, partners_from = self._times(written)
        if written.quote and quote is None:
            return None  # a source with a problem of its own has told it
        return replace(
            written,
            quote=quote,
            at=at,
            partners_from=partners_from,
            accounts=accounts,
            lang=written.lang or (source.lang if source else "en"),
            media=media,
            variants=variants,
            graphic=written.warning is not None or bool(quote and quotes_graphic(quote, sources)),
            place=self._node.place,
            places=dict(self._node.places()),
        )

    def _times(self, written: Post) -> tuple[datetime | None, datetime | None]:
        """Return in UTC when it is due, and from when partners may post it."""
        if not (written.at or written.every_year or written.partners_from):
            return None, None
        at, opens, problems = found = _moments(written, self._around)
        self.moments.append((written, found))
        for key, (severity, rule, message) in problems:
            self._tell([key], message, rule, severity)
        return at, opens

    def _proof(self, text: str, source: Source, key: str) -> Proof:
        proof = prove(text, source, others=self._around.sources.values())
        for message in proof.messages:
            self._tell(["quote", key], message, "quote-altered")
        return proof

    def _quote(self, written: Quote, source: Source) -> Quote | None:
        proof = self._proof(written.text, source, "text")
        for message in proof.warnings:
            self._tell(["quote", "text"], message, "quote-ambiguous", Severity.WARNING)
        translates = self._original(written, source)
        if proof.quote is None:
            return None
        people = source.translated_by, source.confirmed_by
        return replace(
            proof.quote, original=written.original, translates=translates, translators=people
        )

    def _original(self, written: Quote, source: Source) -> Quote | None:
        """Prove what a translation translates: without that nobody could check it."""
        rule = "translation-original"
        whole = self._around.sources.get(source.translation_of)
        if whole and written.original is not None:
            return self._proof(written.original, whole, "original").quote
        if whole:
            message = (
                f"{source.id!r} is a translation of {whole.id!r}; add `original:` with the very"
                " words that this translates"
            )
            self._tell(["quote"], message, rule)
        elif written.original is not None and not source.translation_of:
            message = f"{source.id!r} is no translation; take this away"
            self._tell(["quote", "original"], message, rule)
        return None

    def _media(self, files: Iterable[MediaFile], path: Path) -> tuple[MediaFile, ...]:
        found: list[MediaFile] = []
        for number, file in enumerate(files):
            self.has_pictures = True
            try:
                found.append(self._around.pictures.find(file))
            except FileError as error:
                self._tell([*path, number, "file"], str(error), "picture-file")
        return tuple(found)

    def _variant(self, name: str, written: Variant, quote: Quote | None) -> Variant:
        path = ["variants", name]
        if written.card and quote is None:
            self._tell([*path, "card"], _NO_QUOTATION, "card")
        if written.media is None:
            return written
        return replace(written, media=self._media(written.media, [*path, "media"]))
