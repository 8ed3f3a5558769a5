"""Verbs of who begins: a passage as a post, posts in a spreadsheet, a new campaign."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot import program
from bot.app.content import SPECS, Paths, prove_files, prove_stored
from bot.app.storage import clock_of, known_store
from bot.checks.checking import DeskCheck
from bot.cli.content import preview_value
from bot.cli.output import READ, WRITTEN, Output, prints
from bot.cli.terminal import show
from bot.clock import SystemClock
from bot.content.excerpts import chosen, find_passage, unclear_lines
from bot.content.values import day as read_day
from bot.content.values import no_such
from bot.errors import ContentError, DecisionError

# What needs SQLAlchemy, 0.3 s, is imported by the verb that is called.
if TYPE_CHECKING:
    from bot.app.new_campaign import CampaignChoices
    from bot.planning.excerpts import Excerpt


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
            raise DecisionError(no_such("source", name, campaign.sources))
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
        made = propose(
            found, words, desk=desk, campaign=campaign, outbox=store.outbox if store else None,
            now=clock.now(), author=author, original=original,
        )  # fmt: skip
    code = 0 if made.is_fine else 1
    return Output(_value(made), made.yaml.splitlines(), code=code, whole=True)


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


@click.argument("folder", metavar="DIR", type=Path)
@click.option("--letter", "letter", type=Path, metavar="FILE",
              help="Begin with this letter: .docx, .odt, .md or .txt.")  # fmt: skip
@click.option("--timezone", metavar="ZONE", help="Where it is, such as Europe/Paris.")
@click.option("--account", "accounts", multiple=True, metavar="PLATFORM[=PLACE]",
              help="An account, with its server or handle; again for each.")  # fmt: skip
@click.option("--title", default="", help="Of the letter, where its first lines are not it.")
@click.option("--date", "day", callback=lambda _context, _option, value: value and _day(value),
              help="Of the letter, such as 2022-12-09.")  # fmt: skip
@click.option("--lang", default="en", show_default=True, help="Of the letter.")
@click.option("--author", default="your-pseudonym", metavar="NAME", help="Who writes the drafts.")
def init(folder: Path, letter: Path | None, **answers: Any) -> None:
    """Write a new campaign into DIR that passes `check`: an example, or a letter with 30 drafts.

    On a terminal it asks for what is not given: the zone and the accounts.
    """
    from bot.app.new_campaign import example_files, letter_files

    shown = [spec.name for spec in SPECS.values() if spec.starter]
    files, notes = example_files(shown), tuple[str, ...]()
    if letter is not None:
        _require_empty(folder)
        files, notes = letter_files(letter, _answers(**answers), clock=SystemClock())
    written = write_files(folder, files)
    show(*(f"wrote {path}" for path in written))
    show(*(f"look over {note}" for note in notes))
    config, posts = (shlex.quote(str(folder / name)) for name in ("schedule.yaml", "posts"))
    show(f"next: {program()} check --config {config} --posts {posts}")


def _day(typed: str) -> date:
    try:
        return read_day(typed)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _answers(
    timezone: str | None, accounts: tuple[str, ...], day: date | None, **others: str
) -> CampaignChoices:
    """Return what was given; on a terminal the rest is asked for."""
    from bot.app.new_campaign import CampaignChoices

    usual = CampaignChoices()
    if sys.stdin.isatty():
        timezone = timezone or click.prompt("Time zone of the campaign", default=usual.timezone)
        accounts = accounts or tuple(_asked_accounts())
    return replace(
        usual, timezone=timezone or usual.timezone, accounts=accounts or usual.accounts,
        date=day, **others,
    )  # fmt: skip


def _asked_accounts() -> Iterator[str]:
    for spec in SPECS.values():
        question = f"{spec.label}: server or handle of the account, - for none"
        place = click.prompt(question, default="later").strip()
        if place != "-":
            yield spec.name if place == "later" else f"{spec.name}={place}"


def _require_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise DecisionError(f"{folder} is not empty; name a new folder")


def write_files(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    _require_empty(folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tuple(folder / name for name in files)


@click.group()
def sheet() -> None:
    """Take posts into a spreadsheet, one row a post, and back into the files of posts."""


@sheet.command("export")
@click.argument("file", type=WRITTEN)
@prints
def export(paths: Paths, file: Path) -> Output:
    """Write every post of the files to FILE, which ends in .xlsx or .csv."""
    from bot.app.sheets import export_sheet

    count = export_sheet(paths, file)
    return Output({"posts": count}, [f"{file}: {count} posts"])


@sheet.command("import")
@click.argument("file", type=READ)
@prints
def import_(paths: Paths, file: Path) -> Output:
    """Write changed and new rows of FILE into the files of posts, once all are right.

    Else no file changes, and a copy, FILE-problems, says beside each row what is wrong. Posts
    without a row stay as they are.
    """
    from bot.app.sheets import import_sheet

    found = import_sheet(paths, file)
    lines = [str(each) for each in found.problems]
    if found.errors:
        lines.append(
            f"{len(found.errors)} problems; nothing was written, see the copy of the sheet"
        )
    else:
        lines += [f"changed: {name}" for name in found.changed]
        lines += [f"added: {name}" for name in found.added]
        lines.append(f"{len(found.changed)} changed, {len(found.added)} added, "
                     f"{len(found.absent)} without a row stay as they are")  # fmt: skip
    return Output(found, lines, code=1 if found.errors else 0)
