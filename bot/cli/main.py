"""The command line: finds a verb, runs it, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from typing import Any, NoReturn, TextIO

import click

from bot import program
from bot.cli.terminal import show
from bot.errors import BotError, ContentError
from bot.masking import masked

#: Exit codes; wrong use is click's own 2.
DONE, PERSON, BUG, INTERRUPTED = 0, 1, 3, 130

#: Verb -> (module below `bot.cli`, one line of help). Help is here so that listing the verbs
#: imports none of them.
VERBS: Mapping[str, tuple[str, str]] = {
    "check": ("content", "Validate everything and print every problem."),
    "preview": ("content", "Show what each account would show."),
    "quote": ("content", "Tell where a text stands in which source, or what is nearest."),
    "sheet": ("sheets", "Posts as a spreadsheet, and back into the files."),
    "excerpt": ("composing", "Write a post that quotes a passage, as YAML to paste."),
    "plan": ("content", "Show the calendar ahead."),
    "rehearse": ("content", "Run the coming days on a fast clock; nothing leaves the machine."),
    "run": ("upkeep", "Run the service."),
    "approve": ("decisions", "Approve what a post will send."),
    "ask-change": ("answers", "Ask for a change of a post; until then it waits."),
    "refuse": ("answers", "Never let a post go out as it is."),
    "withdraw": ("answers", "Take your own answer back, until the post is sent."),
    "comment": ("answers", "Say something of a post."),
    "comments": ("answers", "List what people said of a post."),
    "pause": ("pausing", "Hold everything, or a part, before its next network call."),
    "resume": ("pausing", "Let sending go on."),
    "held": ("decisions", "List what waits for a person."),
    "resolve": ("decisions", "Decide a held delivery: send, queue, drop, or its address."),
    "retry": ("decisions", "Try a failed delivery again."),
    "cancel": ("decisions", "Take an unsent delivery out."),
    "correct": ("decisions", "Publish a dated correction of what is out."),
    "retract": ("decisions", "Take a post down everywhere."),
    "hide-reply": ("interactions", "Hide a reply to a post that is out."),
    "revoke-quote": ("interactions", "Take a post that is out apart from a quote of it."),
    "republish": ("decisions", "Send what others took down to other accounts."),
    "corrections": ("decisions", "List what was corrected and retracted."),
    "verify": ("public", "Tell whether a text is ours: exact, published, altered, or nowhere."),
    "site": ("public", "Write what is published as static pages, with a signed record."),
    "kit": ("public", "Write what partners may post: texts, cards, links, a sheet to print."),
    "publish-source": ("evidence", "Publish a whole source as a record of an account."),
    "archive": ("evidence", "Keep pages and own posts as evidence; look after links."),
    "deliveries": ("upkeep", "List deliveries and where they stand."),
    "status": ("status", "Tell what is so and whether it works."),
    "accept-config": ("decisions", "Confirm a change of mode, accounts, rules or sources."),
    "user": ("people", "Say who may use the dashboard, and who may decide."),
    "contact": ("contacts", "Say where users are told what waits for them."),
    "audit": ("audit", "Show or verify the log of decisions."),
    "doctor": ("upkeep", "Try every account, secret, library and file."),
    "probe": ("upkeep", "Tell what an account's server can do; with --post, try it."),
    "login": ("upkeep", "Take an account's secrets, try them, and keep them privately."),
    "collect": ("numbers", "Read the numbers that are due now."),
    "engagement": ("numbers", "Show what worked, and how sure that is."),
    "report": ("numbers", "Report on a month: page, PDF or workbook; sign it off."),
    "digest": ("numbers", "Send the week's summary, or show it."),
    "export": ("numbers", "Write everything as CSV and JSON Lines, with a data dictionary."),
    "backup": ("upkeep", "Copy the whole state, safely."),
    "restore": ("upkeep", "Bring a backup back; nothing is sent before it is settled."),
    "move": ("upkeep", "Move the whole state to another database; `run` must be stopped."),
    "schema": ("content", "Print the JSON Schemas of the YAML files."),
    "init": ("composing", "Start a new campaign in an empty folder."),
}


class Verbs(click.Group):
    """Loads a verb's module when it is called: `check` need not wait for atproto."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        # Only the verb that is called pays for its imports (atproto alone takes 0.8 s).
        module = importlib.import_module(f"bot.cli.{VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_module, line) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False,
              callback=lambda context, _option, value: value and _show_version(context),
              help="Show the version and its commit, and exit.")  # fmt: skip
def root() -> None:
    """Publish an open letter word for word, on a calendar, exactly once."""


def _show_version(context: click.Context) -> NoReturn:
    from bot.cli.version import version_text  # only who asks pays for it

    show(version_text())
    context.exit()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    with redirect_stdout(_Patient(sys.stdout)) if sys.stdout else nullcontext():
        code = run(arguments)
    _let_go()
    sys.exit(code)


class _Patient:
    """Standard output that lets a verb end, and tell its exit code, when nobody reads on.

    `check | head` must not say that all is well because the first lines were enough.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(BrokenPipeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(BrokenPipeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _let_go() -> None:
    """Throw away what could not be written: Python would complain of it at its very end."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    # What stands around words from right to left on a terminal is copied with them; see `isolated`.
    given = sys.argv[1:] if arguments is None else arguments
    words = [each.translate(dict.fromkeys(range(0x2066, 0x206A))) for each in given]
    try:
        code = root.main(args=words, prog_name=program(), standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        show(*said.getvalue().splitlines(), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BotError as error:
        # A content error's lines speak for themselves, as a compiler's do.
        problems = error.problems if isinstance(error, ContentError) else (f"error: {error}",)
        show(*problems, err=True)
        return PERSON
    except OSError as error:
        # A full disk, a folder that is not there: the bot's own files have errors of their own.
        show(f"error: {error}", err=True)
        return PERSON
    except Exception:  # noqa: BLE001 - the last resort: a bug is told as one, without secrets
        show(*masked(traceback.format_exc()).splitlines(), err=True)
        show("this is a bug in the bot: please report the lines above", err=True)
        return BUG
