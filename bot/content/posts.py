"""Posts as typed values: every entry of ``posts/**/*.yaml`` with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.content.fields import Known
from bot.content.files import FileError
from bot.content.model import MediaFile, Place, Post, Quote, Schedule, Source, Variant
from bot.content.pictures import Pictures
from bot.content.quoting import prove, quotes_graphic
from bot.content.shape import entries, problem, repeats, shape
from bot.content.slots import TimeProblem, due, yearly_problems
from bot.content.values import ID, quoted
from bot.content.yamlfile import Node, Path
from bot.errors import Problem, Severity

KEY = "posts"
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


class PostReader:
    """Reads the files of posts one after the other; ids are unique over all of them."""

    def __init__(self, around: Surroundings) -> None:
        self.posts: list[Post] = []
        self.problems: list[Problem] = []
        self._around = around
        self._ids: dict[str, Place] = {}

    def read(self, node: Node) -> None:
        """Read all posts of one file."""
        listed, wrong = entries(node, KEY, example="- id: …")
        self.problems += wrong
        for number, entry in enumerate(listed):
            # An id says more than a number, where there is one.
            name = entry.text("id") or ""
            self._read_entry(entry, (name if ID.fullmatch(name) else f"{KEY}[{number}]",))

    def _read_entry(self, entry: Node, at: Path) -> None:
        known = self._around.known
        problems = [*self._id_problems(entry, at), *_links_to_nowhere(entry, at, known)]
        problems += (
            problem(entry, path, text, rule, at=at) for path, rule, text in _contradictions(entry)
        )
        written, wrong = shape(Post, entry, at=at, known=known)
        problems += wrong
        post = None
        if written:
            completion = _Completion(written, entry, at, self._around)
            post = completion.post()
            problems += completion.problems
        else:
            problems += _quote_problems(entry, at, self._around)
        self.problems += problems
        if post and not any(one.severity is Severity.ERROR for one in problems):
            self.posts.append(post)

    def _id_problems(self, entry: Node, at: Path) -> Iterator[Problem]:
        name = entry.text("id")
        if name is None:
            return
        here = entry.place_of(["id"])
        first = self._ids.setdefault(name, here)
        if first != here:
            message = (
                f"id {quoted(name)} is taken in {first.file}, line {first.line}; "
                "every post has its own id, for ever"
            )
            yield problem(entry, ["id"], message, "id-taken", at=at)


def _contradictions(entry: Node) -> Iterator[tuple[Path, str, str]]:
    """Find keys that exclude each other, need each other, or are all missing."""
    if not isinstance(entry.value, dict):
        return
    whens = [key for key in _WHENS if key in entry.value]
    if not whens:
        yield [], "when", "says not when; write one of queue, at or every_year"
    for key in whens[1:]:
        message = f"{whens[0]} says when already; keep one of queue, at and every_year"
        yield [key], "when", message
    if "text" not in entry.value and "quote" not in entry.value:
        yield [], "nothing-to-say", "has nothing to say; write text or quote"
    if entry.text("card") == "true" and "quote" not in entry.value:
        yield ["card"], "card", _NO_QUOTATION
    files = [file.text("file") for file in entry.entries("media")]
    for key, texts in (("accounts", entry.texts("accounts")), ("media", files)):
        for number in repeats(texts):
            message = f"{quoted(str(texts[number]))} stands here twice; keep one"
            yield [key, number], "listed-twice", message


def _links_to_nowhere(entry: Node, at: Path, known: Known) -> Iterator[Problem]:
    """Find links whose address is not known yet; a draft may wait for it."""
    draft = entry.text("status") == "draft"
    paths: list[Path] = [
        ["link"],
        *(["variants", name, "link"] for name in entry.names("variants")),
    ]
    for path in paths:
        name = entry.nearest(path[:-1]).text("link") or ""
        if name in known.links and not known.links[name]:
            message = (
                f"{quoted(name)} has no address yet, so it cannot be posted; "
                "find the address and write it where it is described"
            )
            severity = Severity.NOTICE if draft else Severity.ERROR
            yield problem(entry, path, message, "link-address", at=at, severity=severity)


def _quote_problems(entry: Node, at: Path, around: Surroundings) -> Iterator[Problem]:
    """Prove the quotation of a post that cannot be read for other reasons."""
    node = entry.child("quote")
    quote, _ = shape(Quote, node, known=around.known) if node else (None, [])
    source = around.sources.get(quote.source) if quote else None
    if quote and source:
        for message in prove(quote.text, source, others=around.sources.values()).messages:
            yield problem(entry, ["quote", "text"], message, "quote-altered", at=at)


class _Completion:
    """Fills in what a post is besides what is written, and keeps what is wrong or odd about it."""

    def __init__(self, written: Post, entry: Node, at: Path, around: Surroundings) -> None:
        self.problems: list[Problem] = []
        self._written = written
        self._entry = entry
        self._at = at
        self._around = around

    def post(self) -> Post | None:
        """Return the whole post; None without a schedule or without a proof of its quotation."""
        written, schedule = self._written, self._around.schedule
        source = self._around.sources.get(written.quote.source) if written.quote else None
        quote = self._quote(written.quote, source) if written.quote and source else None
        media = self._media(written.media, ["media"])
        variants = {name: self._variant(name, one) for name, one in written.variants.items()}
        if schedule is None:
            return None
        accounts = tuple(
            name for name in schedule.accounts if name in (written.accounts or schedule.accounts)
        )
        self._refuse_idle_variants(schedule, accounts)
        zone = ZoneInfo(schedule.timezone)
        at = self._due(written.at, zone) if written.at else None
        if written.every_year:
            rule = written.every_year
            self._remark(["every_year"], yearly_problems(rule, zone=zone, now=self._around.now))
        if written.quote and quote is None:
            return None  # a source with a problem of its own has told it
        return replace(
            written,
            quote=quote,
            at=at,
            accounts=accounts,
            lang=written.lang or (source.lang if source else "en"),
            media=media,
            variants=variants,
            graphic=written.warning is not None
            or (quote is not None and quotes_graphic(quote, self._around.sources)),
            place=self._entry.place,
            places=dict(self._entry.places()),
        )

    def _tell(
        self, path: Path, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.problems.append(
            problem(self._entry, path, message, rule, at=self._at, severity=severity)
        )

    def _remark(self, path: Path, remarks: Iterable[TimeProblem]) -> None:
        for severity, rule, message in remarks:
            self._tell(path, message, rule, severity)

    def _quote(self, written: Quote, source: Source) -> Quote | None:
        path = ["quote", "text"]
        proof = prove(written.text, source, others=self._around.sources.values())
        for message in proof.messages:
            self._tell(path, message, "quote-altered")
        for message in proof.warnings:
            self._tell(path, message, "quote-ambiguous", Severity.WARNING)
        translates = self._original(written, source)
        if proof.quote is None:
            return None
        return replace(proof.quote, original=written.original, translates=translates)

    def _original(self, written: Quote, source: Source) -> Quote | None:
        """Prove what a translation translates: without that nobody could check it."""
        path, rule = ["quote", "original"], "translation-original"
        whole = self._around.sources.get(source.translation_of)
        if whole is None:
            if written.original is not None and not source.translation_of:
                self._tell(path, f"{source.id!r} is no translation; take this away", rule)
            return None
        if written.original is None:
            message = (
                f"{source.id!r} is a translation of {whole.id!r}; add `original:` with the very"
                " words that this translates"
            )
            self._tell(["quote"], message, rule)
            return None
        proof = prove(written.original, whole, others=self._around.sources.values())
        for message in proof.messages:
            self._tell(path, message, "quote-altered")
        return proof.quote

    def _media(self, files: Iterable[MediaFile], path: Path) -> tuple[MediaFile, ...]:
        found: list[MediaFile] = []
        for number, file in enumerate(files):
            try:
                found.append(self._around.pictures.find(file))
            except FileError as error:
                self._tell([*path, number, "file"], str(error), "picture-file")
        return tuple(found)

    def _variant(self, name: str, written: Variant) -> Variant:
        path = ["variants", name]
        if written.card and self._written.quote is None:
            self._tell([*path, "card"], _NO_QUOTATION, "card")
        if written.media is None:
            return written
        return replace(written, media=self._media(written.media, [*path, "media"]))

    def _refuse_idle_variants(self, schedule: Schedule, accounts: Iterable[str]) -> None:
        spoken_for = {*accounts, *(schedule.accounts[name].platform for name in accounts)}
        for name in self._written.variants:
            if name not in spoken_for:
                message = "the post does not go there; see its accounts"
                self._tell(["variants", name], message, "variant-idle")

    def _due(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        found = due(at, zone=zone, now=self._around.now, confirmed=self._written.confirm)
        self._remark(["at"], found.problems)
        return found.utc
