"""Posts as typed values: every entry of ``posts/**/*.yaml`` with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.content.files import FileError
from bot.content.known import Known
from bot.content.models import MediaModel, PostModel, QuoteModel, VariantModel
from bot.content.moments import Remark, due, yearly
from bot.content.nodes import Node, Path
from bot.content.pictures import Pictures
from bot.content.shape import entries, problem, shape
from bot.content.values import ID
from bot.content.words import quoted
from bot.core.campaign import (
    EveryYear,
    MediaFile,
    Original,
    Place,
    Post,
    Quote,
    Schedule,
    Source,
    Variant,
)
from bot.core.quoting import prove, quotes_graphic
from bot.errors import Problem, Severity

KEY = "posts"
_WHENS = ("queue", "at", "every_year")


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
        problems += (problem(entry, path, text, at=at) for path, text in _contradictions(entry))
        model, wrong = shape(PostModel, entry, at=at, known=known)
        problems += wrong
        post = None
        if model:
            builder = _Builder(model, entry, at, self._around)
            post = builder.build()
            problems += builder.problems
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
            yield problem(entry, ["id"], message, at=at)


def _contradictions(entry: Node) -> Iterator[tuple[Path, str]]:
    """Find keys that exclude each other, need each other, or are all missing."""
    if not isinstance(entry.value, dict):
        return
    whens = [key for key in _WHENS if key in entry.value]
    if not whens:
        yield [], "says not when; write one of queue, at or every_year"
    for key in whens[1:]:
        yield [key], f"{whens[0]} says when already; keep one of queue, at and every_year"
    if "text" not in entry.value and "quote" not in entry.value:
        yield [], "has nothing to say; write text or quote"
    if entry.text("card") == "true" and "quote" not in entry.value:
        yield ["card"], "a quote card is drawn from a quotation, and there is none"
    yield from _twice(["accounts"], [one.value for one in entry.entries("accounts")])
    yield from _twice(["media"], [one.text("file") for one in entry.entries("media")])


def _twice(path: list[str], texts: Iterable[object]) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for number, text in enumerate(texts):
        if isinstance(text, str) and text in seen:
            yield [*path, number], f"{quoted(text)} stands here twice; keep one"
        elif isinstance(text, str):
            seen.add(text)


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
            yield problem(entry, path, message, at=at, severity=severity)


def _quote_problems(entry: Node, at: Path, around: Surroundings) -> Iterator[Problem]:
    """Prove the quotation of a post that cannot be read for other reasons."""
    node = entry.child("quote")
    model, _ = shape(QuoteModel, node, known=around.known) if node else (None, [])
    source = around.sources.get(model.source) if model else None
    if model and source:
        proof = prove(model.text, source, others=around.sources.values())
        for message in proof.messages:
            yield problem(entry, ["quote", "text"], message, at=at)


class _Builder:
    """Makes a post from its model, and keeps what is wrong or odd about it."""

    def __init__(self, model: PostModel, entry: Node, at: Path, around: Surroundings) -> None:
        self.problems: list[Problem] = []
        self._model = model
        self._entry = entry
        self._at = at
        self._around = around

    def build(self) -> Post | None:
        model, schedule = self._model, self._around.schedule
        quote = self._quote()
        media = self._media(model.media, ["media"])
        variants = {name: self._variant(name, one) for name, one in model.variants.items()}
        if schedule is None:
            return None
        zone = ZoneInfo(schedule.timezone)
        accounts = self._accounts(schedule)
        self._refuse_idle_variants(schedule, accounts)
        post = Post(
            id=model.id,
            text=model.text,
            quote=quote,
            link=model.link or "",
            theme=model.theme,
            queue=model.queue or "",
            at=self._due(zone),
            every_year=self._every_year(zone),
            accounts=accounts,
            lang=self._lang(),
            warning=model.warning,
            media=media,
            card=model.card,
            thread=model.thread,
            variants=variants,
            author=model.author,
            ready=model.status == "ready",
            graphic=self._is_graphic(quote),
            not_after=model.not_after,
            note=model.note,
            place=self._entry.place,
            places=dict(self._entry.places()),
        )
        # A source with a problem of its own has told it.
        return post if model.quote is None or quote else None

    def _tell(self, path: Path, message: str, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(problem(self._entry, path, message, at=self._at, severity=severity))

    def _remark(self, path: Path, remarks: Iterable[Remark]) -> None:
        for severity, message in remarks:
            self._tell(path, message, severity)

    def _quote(self) -> Quote | None:
        model = self._model.quote
        source = self._around.sources.get(model.source) if model else None
        if model is None or source is None:
            return None
        path = ["quote", "text"]
        place = self._entry.place_of(path)
        proof = prove(model.text, source, others=self._around.sources.values(), place=place)
        self._remark(path, [(Severity.ERROR, message) for message in proof.messages])
        self._remark(path, [(Severity.WARNING, message) for message in proof.warnings])
        original = self._original(model, source)
        return replace(proof.quote, original=original) if proof.quote else None

    def _original(self, model: QuoteModel, source: Source) -> Original | None:
        """Prove what a translation translates: without that nobody could check it."""
        path = ["quote", "original"]
        whole = self._around.sources.get(source.translation_of)
        if whole is None:
            if model.original is not None and not source.translation_of:
                self._tell(path, f"{source.id!r} is no translation; take this away")
            return None
        if model.original is None:
            self._tell(
                ["quote"],
                f"{source.id!r} is a translation of {whole.id!r}; add `original:` with the very"
                " words that this translates",
            )
            return None
        proof = prove(model.original, whole, others=self._around.sources.values())
        self._remark(path, [(Severity.ERROR, message) for message in proof.messages])
        if proof.quote is None:
            return None
        return Original(whole.id, whole.sha256, model.original, proof.quote.fragments)

    def _media(self, models: Iterable[MediaModel], path: Path) -> tuple[MediaFile, ...]:
        files: list[MediaFile] = []
        for number, model in enumerate(models):
            here = [*path, number, "file"]
            try:
                found = self._around.pictures.find(model.file)
            except FileError as error:
                self._tell(here, str(error))
                continue
            files.append(
                MediaFile(
                    file=model.file,
                    alt=model.alt,
                    sha256=found.sha256,
                    mime=found.mime,
                    width=found.width,
                    height=found.height,
                    size=found.size,
                    place=self._entry.place_of(here),
                )
            )
        return tuple(files)

    def _variant(self, name: str, model: VariantModel) -> Variant:
        path = ["variants", name]
        if model.card and self._model.quote is None:
            self._tell([*path, "card"], "a quote card is drawn from a quotation, and there is none")
        return Variant(
            text=model.text,
            drop_link=model.link == "",
            link=model.link or None,
            warning=model.warning,
            media=None if model.media is None else self._media(model.media, [*path, "media"]),
            card=model.card,
            thread=model.thread,
            place=self._entry.place_of(path),
        )

    def _accounts(self, schedule: Schedule) -> tuple[str, ...]:
        named = self._model.accounts
        return tuple(name for name in schedule.accounts if named is None or name in named)

    def _refuse_idle_variants(self, schedule: Schedule, accounts: Iterable[str]) -> None:
        spoken_for = {*accounts, *(schedule.accounts[name].platform for name in accounts)}
        for name in self._model.variants:
            if name not in spoken_for:
                self._tell(["variants", name], "the post does not go there; see its accounts")

    def _due(self, zone: ZoneInfo) -> datetime | None:
        if self._model.at is None:
            return None
        model, now = self._model, self._around.now
        found = due(self._model.at, zone=zone, now=now, confirmed=model.confirm)
        self._remark(["at"], found.remarks)
        return found.utc

    def _every_year(self, zone: ZoneInfo) -> EveryYear | None:
        model = self._model.every_year
        if model is None:
            return None
        rule = EveryYear(*model.on, model.at)
        self._remark(["every_year"], yearly(rule, zone=zone, now=self._around.now))
        return rule

    def _lang(self) -> str:
        source = self._around.sources.get(self._model.quote.source) if self._model.quote else None
        return self._model.lang or (source.lang if source else "en")

    def _is_graphic(self, quote: Quote | None) -> bool:
        source = self._around.sources.get(quote.source) if quote else None
        if quote and source and quotes_graphic(quote, self._around.sources):
            return True
        return self._model.warning is not None
