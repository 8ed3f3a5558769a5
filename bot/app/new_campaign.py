"""A new campaign's files: a small example, or a letter with its drafts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path

from bot.app.content import SPECS, prove_stored
from bot.canonical import sha256_hex
from bot.checks.checking import CheckCache, DeskCheck
from bot.clock import Clock
from bot.content.addresses import optional_address
from bot.content.documents import read_document
from bot.content.excerpts import QuotingPost, file_of, propose_id
from bot.content.files import POSTS, SCHEDULE
from bot.content.model import Campaign, Source, Stretch
from bot.content.proposals import ListedPiece, Proposal, graphic_of, propose_description
from bot.content.shape import SCHEMA_NAMES, schema_of
from bot.content.sources import INVESTIGATIONS, SOURCES
from bot.content.values import suggestion, written
from bot.errors import DecisionError
from bot.planning.excerpts import fitted
from bot.rendering.blocks import blocks_of, sentences_of

_STARTER = Path(__file__).parents[1] / "cli" / "starter"
_DESCRIPTION = Path(__file__).with_name("letter.yaml.txt").read_text(encoding="utf-8")
_DRAFTS = 30
#: Not more passages are tried; the rank of one that every account takes whole.
_CANDIDATES, _WHOLE = 120, (False, False)
#: A passage of fewer characters says little by itself; sentences in a row that make one.
_SHORTEST, _IN_A_ROW = 40, 3
#: A longer title does not stand under each quotation.
_LONGEST_TITLE = 70


@dataclass(frozen=True, slots=True)
class CampaignChoices:
    """What the text of a letter does not tell."""

    timezone: str = "UTC"
    #: A platform's name, and its server or handle behind a ``=``.
    accounts: tuple[str, ...] = tuple(SPECS)
    title: str = ""
    date: date | None = None
    lang: str = "en"
    author: str = "your-pseudonym"


def example_files(accounts: Sequence[str]) -> dict[str, bytes]:
    """Return the files of `bot/cli/starter`; DecisionError if an account has no known platform."""
    lines = "".join(_account_lines(accounts)).encode()
    letter = sha256_hex((_STARTER / "posts" / "sources" / "letter.txt").read_bytes())
    paths = sorted(path for path in _STARTER.rglob("*") if path.is_file())
    files = {
        path.relative_to(_STARTER).as_posix(): path.read_bytes()
        .replace(b"# ACCOUNTS\n", lines).replace(b"SHA256", letter.encode())
        for path in paths
    }  # fmt: skip
    for name in SCHEMA_NAMES:
        schema = json.dumps(schema_of(name, SPECS), indent=2, ensure_ascii=False)
        files[f"schemas/{name}.schema.json"] = f"{schema}\n".encode()
    return files


def letter_files(
    path: Path, answers: CampaignChoices, *, clock: Clock
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the files of a campaign for a letter, and what a person must look over.

    Raises:
        ContentError: the letter cannot be read, or an answer is wrong.
        DecisionError: an account is of no known platform.
    """
    document, today = read_document(path), clock.now().date()
    found = propose_description(document.text, document.links, today)
    title = answers.title or found.title or "Open letter"
    found = replace(found, title=title, date=answers.date or found.date)
    files = example_files(answers.accounts)
    del files[f"{POSTS}/first.yaml"]
    name, zone = propose_id(title, "our-letter", ()), f"timezone: {written(answers.timezone)}"
    schedule = files[SCHEDULE].replace(b"my-campaign", name.encode())
    files[SCHEDULE] = schedule.replace(b"timezone: UTC", zone.encode())
    files[f"{SOURCES}/letter.txt"] = document.text.encode()
    files[INVESTIGATIONS] = _investigations(found.reading)
    bare = _description(document.text, found, today, answers, graphic=())
    files[f"{SOURCES}/letter.yaml"] = bare
    source = _campaign(files, clock).sources["letter"]
    sentences = [source.text[start:end] for start, end in sentences_of(source)]
    graphic = graphic_of(sentences, source.text)
    described = _description(document.text, found, today, answers, graphic=graphic)
    files[f"{SOURCES}/letter.yaml"] = described
    drafts = tuple(_drafts(files, answers, clock))
    lines = f"# yaml-language-server: $schema=../schemas/posts.schema.json\n{file_of(drafts)}"
    files[f"{POSTS}/excerpts.yaml"] = lines.encode()
    _campaign(files, clock)
    return files, tuple(_to_look_over(found, drafts, graphic))


def _campaign(files: dict[str, bytes], clock: Clock) -> Campaign:
    content = {name: raw for name, raw in files.items() if name.startswith((SCHEDULE, POSTS))}
    return prove_stored(content, store=None, clock=clock).rendered.campaign


def _account_lines(accounts: Sequence[str]) -> Iterator[str]:
    names: set[str] = set()
    for account in accounts:
        platform, _, place = account.partition("=")
        if platform not in SPECS:
            also = (each for each in SPECS if platform.lower() in (each, *SPECS[each].aliases))
            meant = next(also, "")
            advice = f"write {meant}" if meant else suggestion(platform, SPECS)
            raise DecisionError(f"no platform is called {platform!r}; {advice} [unknown-name]")
        name = propose_id(f"our {platform}", "our", names)
        names.add(name)
        own = SPECS[platform].starter
        if place:
            user, _, host = place.removeprefix("@").rpartition("@")
            server = host if "://" in host or not own else f"https://{host}"
            pairs = (
                {"server": server, "handle": user} if own or "://" in place else {"handle": place}
            )
            own = ", ".join(f"{key}: {written(each)}" for key, each in pairs.items() if each)
        yield f"  {name}: {{platform: {platform}{', ' if own else ''}{own}}}\n"


def _description(
    text: str, found: Proposal, today: date, answers: CampaignChoices, *, graphic: tuple[str, ...]
) -> bytes:
    day = found.date or today
    shown = found.title if len(found.title) <= _LONGEST_TITLE else "Open letter"
    said = f"{day:%B} {day.day}, {day.year}" if answers.lang == "en" else day.isoformat()
    lists = {
        "signatories": found.signatories or ("The undersigned",),
        "graphic": graphic,
        "never": found.never,
    }
    return _DESCRIPTION.format(
        sha256=sha256_hex(text.encode()), title=written(found.title), date=day,
        attribution=written(f"— {shown}, {said}"), lang=written(answers.lang),
        **{key: "".join(f"\n  - {written(each)}" for each in values) or " []"
           for key, values in lists.items()},
    ).encode()  # fmt: skip


def _investigations(reading: Iterable[ListedPiece]) -> bytes:
    lines, taken = [], {"letter"}
    for each in reading:
        name = propose_id(f"{each.outlet} {each.title}", "reading", taken)
        taken.add(name)
        lines += [f"  - id: {name}", f"    outlet: {written(each.outlet)}"]
        lines += [f"    title: {written(each.title)}", f"    address:{_known(each.address)}"]
    head = "# yaml-language-server: $schema=../../schemas/investigations.schema.json\n"
    about = "# Published pieces that posts may link to; one without an address cannot be linked.\n"
    body = "\n".join(["investigations:", *lines]) if lines else "investigations: []"
    return f"{head}{about}{body}\n".encode()


def _known(address: str) -> str:
    """Return an address for YAML; empty where posts could not link to it."""
    try:
        return f" {written(optional_address(address))}" if address else ""
    except ValueError:
        return ""


def _drafts(files: dict[str, bytes], answers: CampaignChoices, clock: Clock) -> list[QuotingPost]:
    """Return passages of whole sentences as drafts in the letter's order, 30 at most.

    Those come first that every account takes whole; then those that some leave out, and threads.
    """
    campaign = _campaign(files, clock)
    source, when = campaign.sources["letter"], ("queue", next(iter(campaign.schedule.queues)))
    prove = partial(prove_stored, store=None, clock=clock, cache=CheckCache())
    desk = DeskCheck(lambda: files, prove, tuple)
    found: list[tuple[tuple[bool, bool], Stretch, QuotingPost]] = []
    for span in islice(_passages(source), _CANDIDATES):
        text, taken = source.text[slice(*span)], {post.id for _, _, post in found}
        name = propose_id(text, "letter", taken)
        bare = QuotingPost(name, "letter", text, when, answers.author, status="draft")
        post, left_out = fitted(bare, desk, campaign, (span,))
        found.append(((post.thread, bool(left_out)), span, post))
        if sum(rank == _WHOLE for rank, _, _ in found) == _DRAFTS:
            break
    best = sorted(found, key=itemgetter(0))[:_DRAFTS]
    return [post for _, _, post in sorted(best, key=itemgetter(1))]


def _passages(source: Source) -> Iterator[Stretch]:
    """Yield each sentence, then those in a row within a paragraph."""
    entries = [entry.sentences for block in blocks_of(source) for entry in block.entries]
    for count in range(1, _IN_A_ROW + 1):
        for sentences in entries:
            for first, last in zip(sentences, sentences[count - 1 :], strict=False):
                if last[1] - first[0] >= _SHORTEST:
                    yield first[0], last[1]


def _to_look_over(
    found: Proposal, drafts: Sequence[QuotingPost], graphic: Sequence[str]
) -> Iterator[str]:
    about = f"{SOURCES}/letter.yaml"
    yield f"{about}: the title is {written(found.title)}"
    undated = "no date stands in the letter; today's is written"
    yield f"{about}: {f'the date is {found.date}' if found.date else undated}"
    names = ", ".join(found.signatories)
    yield f"{about}: signed by {names}" if names else f"{about}: nobody signed it; write who did"
    yield f"{about}: {len(graphic)} passage(s) seem graphic, {len(found.never)} are never quoted"
    yield f"{INVESTIGATIONS}: {len(found.reading)} piece(s) of the reading list"
    few = "" if len(drafts) == _DRAFTS else "; the letter has no more that fit"
    yield f"{POSTS}/excerpts.yaml: {len(drafts)} drafts{few}; `status: ready` makes one a post"
