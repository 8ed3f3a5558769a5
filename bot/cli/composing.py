"""Verbs of who begins: a passage as a post, a new campaign."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import program
from bot.app.content import SPECS, Paths, prove_files, prove_stored
from bot.app.storage import clock_of, known_store
from bot.canonical import sha256_hex
from bot.checks.checking import DeskCheck
from bot.cli.content import preview_value
from bot.cli.output import Output, prints
from bot.cli.terminal import show
from bot.clock import SystemClock
from bot.content.excerpts import chosen, find_passage, unclear_lines
from bot.content.quoting import OMISSION
from bot.errors import ContentError, DecisionError
from bot.platforms.spec import PlatformSpec

if TYPE_CHECKING:  # SQLAlchemy is not needed to begin
    from bot.planning.excerpts import Excerpt

_STARTER = Path(__file__).parent / "starter"


@click.command()
@click.argument("words")
@click.option("--source", "name", metavar="ID", help="Look in this source only.")
@click.option("--author", default="", metavar="NAME", help="Who writes the post.")
@click.option("--original", default="", metavar="TEXT",
              help="Of a translation: the words that it translates.")  # fmt: skip
@prints
def excerpt(paths: Paths, words: str, name: str | None, author: str, original: str) -> Output:
    """Write a post that quotes WORDS, or "first words … last words", as YAML to paste.

    It passes `check`: with a warning where one is needed, for the accounts that it fits. Comments
    have its counts, the sentences that it cuts, and which posts quote it already. Exit code 1
    where the words are nowhere, or in several places, or where the post has an error.
    """
    from bot.planning.excerpts import propose

    with known_store(paths) as store:
        clock = clock_of(store) if store else SystemClock()
        content = prove_files(paths.config, paths.posts, clock=clock, store=store)
        if content.readable is None:
            raise ContentError(content.errors)
        campaign = content.readable.campaign
        if name is not None and name not in campaign.sources:
            raise DecisionError(f"no source is called {name!r}")
        sources = [source for source in campaign.sources.values() if name in {None, source.id}]
        located = find_passage(words, sources)
        found = chosen(located)
        if found is None:
            return Output(located, unclear_lines(located, campaign.sources), code=1)
        desk = DeskCheck(
            lambda: content.loaded.files,
            partial(prove_stored, store=store, clock=clock),
            lambda: content.problems,
        )
        text = campaign.sources[found.source].text[found.start : found.end]
        # Words with an omission are the quotation themselves.
        text = words.strip() if OMISSION in words and words.strip() not in text else text
        made = propose(
            found, text, desk=desk, campaign=campaign, outbox=store.outbox if store else None,
            now=clock.now(), author=author, original=original,
        )  # fmt: skip
    return Output(_value(made), made.yaml.splitlines(), code=0 if made.is_fine else 1)


def _value(made: Excerpt) -> dict[str, object]:
    shown = preview_value(made.checked, made.rendered) if made.checked and made.rendered else {}
    return {
        "found": made.found,
        "yaml": made.yaml,
        "post": made.post,
        **shown,
        "left_out": made.left_out,
        "earlier": made.earlier,
        "problems": made.problems,
    }


@click.command()
@click.argument("folder", metavar="DIR", type=Path)
def init(folder: Path) -> None:
    """Write a small campaign into DIR that passes `check`: a schedule, a source, two posts."""
    for path in write_campaign(folder, SPECS.values()):
        show(f"wrote {path}")
    config, posts = (shlex.quote(str(folder / name)) for name in ("schedule.yaml", "posts"))
    show(f"next: {program()} check --config {config} --posts {posts}")


def write_campaign(folder: Path, specs: Iterable[PlatformSpec]) -> tuple[Path, ...]:
    """Write the files of `bot/cli/starter`, with an account of each platform; return which.

    Raises:
        DecisionError: the folder has something in it already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DecisionError(f"{folder} is not empty; name a new folder")
    accounts = "\n".join(
        f"  our-{spec.name}: {{platform: {spec.name}, {spec.starter}}}"
        for spec in specs
        if spec.starter
    )
    letter = (_STARTER / "posts" / "sources" / "letter.txt").read_bytes()
    written = []
    for source in sorted(path for path in _STARTER.rglob("*") if path.is_file()):
        text = source.read_bytes().replace(b"# ACCOUNTS", accounts.encode())
        path = folder / source.relative_to(_STARTER)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace(b"SHA256", sha256_hex(letter).encode()))
        written.append(path)
    return tuple(written)
