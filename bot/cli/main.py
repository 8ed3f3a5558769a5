"""The command line: finds a verb, runs it, and turns errors into exit codes."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from functools import cache
from typing import Any, NoReturn, TextIO

import click

from bot import program
from bot.cli.terminal import WIDTH, show
from bot.errors import BotError, ContentError

#: Exit codes; wrong use is click's own 2.
DONE, PERSON, BUG, INTERRUPTED = 0, 1, 3, 130

#: Verb -> (module below `bot.cli`, where it is a function or a group; one line of help). Help is
#: here so that listing the verbs imports none of them.
VERBS: Mapping[str, tuple[str, str]] = {
    "check": ("content", "Validate everything and print every problem."),
    "preview": ("content", "Show what each account would show."),
    "quote": ("content", "Tell where a text stands in which source, or what is nearest."),
    "sheet": ("composing", "Posts as a spreadsheet, and back into the files."),
    "excerpt": ("composing", "Write a post that quotes a passage, as YAML to paste."),
    "plan": ("content", "Show the calendar ahead."),
    "rehearse": ("content", "Run the coming days on a fast clock; nothing leaves the machine."),
    "run": ("upkeep", "Run the service."),
    "approve": ("decisions", "Approve what a post will send."),
    "ask-change": ("decisions", "Ask for a change of a post; until then it waits."),
    "refuse": ("decisions", "Never let a post go out as it is."),
    "withdraw": ("decisions", "Take your own answer back, until the post is sent."),
    "comment": ("decisions", "Say something of a post."),
    "comments": ("decisions", "List what people said of a post."),
    "pause": ("emergency", "Hold everything, or a part, before its next network call."),
    "resume": ("emergency", "Let sending go on."),
    "held": ("decisions", "List what waits for a person."),
    "resolve": ("decisions", "Decide a held delivery: send, queue, drop, or its address."),
    "retry": ("decisions", "Try a failed delivery again."),
    "cancel": ("decisions", "Take an unsent delivery out."),
    "correct": ("decisions", "Publish a dated correction of what is out."),
    "retract": ("decisions", "Take a post down everywhere."),
    "hide-reply": ("decisions", "Hide a reply to a post that is out."),
    "revoke-quote": ("decisions", "Take a post that is out apart from a quote of it."),
    "republish": ("decisions", "Send what others took down to other accounts."),
    "corrections": ("decisions", "List what was corrected and retracted."),
    "verify": ("public", "Tell whether a text is ours: exact, published, altered, or nowhere."),
    "site": ("public", "Write what is published as static pages, with a signed record."),
    "kit": ("public", "Write what partners may post: texts, cards, links, a sheet to print."),
    "publish-source": ("public", "Publish a whole source as a record of an account."),
    "archive": ("public", "Keep pages and own posts as evidence; look after links."),
    "deliveries": ("upkeep", "List deliveries and where they stand."),
    "status": ("emergency", "Tell what is so and whether it works."),
    "accept-config": ("decisions", "Confirm a change of mode, accounts, rules or sources."),
    "user": ("people", "Say who may use the dashboard, and who may decide."),
    "contact": ("people", "Say where users are told what waits for them."),
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

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        # Only the verb that is called pays for its imports (atproto alone takes 0.8 s).
        module = importlib.import_module(f"bot.cli.{VERBS[cmd_name][0]}")
        gc.freeze()  # what is imported stays
        gc.enable()
        verb = getattr(module, cmd_name.replace("-", "_"))
        return verb if isinstance(verb, click.Command) else _command(verb)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_module, line) in VERBS.items()])


#: Makes a command of a function, once: click takes the options off it.
_command: Callable[[Callable[..., Any]], click.Command] = cache(click.command())
#: As wide as all that is printed; click would load much to ask the terminal.
_SETTINGS = {"help_option_names": ["-h", "--help"], "terminal_width": WIDTH - 2}


@click.group(cls=Verbs, context_settings=_SETTINGS)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False,
              callback=lambda context, _option, value: value and _show_version(context),
              help="Show the version and its commit, and exit.")  # fmt: skip
def root() -> None:
    """Publish an open letter word for word, on a calendar, exactly once."""


#: Only their names: click says which one somebody who mistypes it may have meant.
root.commands.update(dict.fromkeys(VERBS, root))


def _show_version(context: click.Context) -> NoReturn:
    from bot.cli.version import version_text  # as with a verb's module

    show(version_text())
    context.exit()


def main() -> NoReturn:
    with redirect_stdout(_Patient(sys.stdout)) if sys.stdout else nullcontext():
        code = run(sys.argv[1:])
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


def run(arguments: Sequence[str]) -> int:
    # What stands around words from right to left on a terminal is copied with them; see `isolated`.
    words = [each.translate(dict.fromkeys(range(0x2066, 0x206A))) for each in arguments]
    try:
        code = root.main(args=words, prog_name=program(), standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        lines = said.getvalue().splitlines()
        if "unexpected extra argument" in lines[-1]:
            lines[-1] += "; what has spaces needs quotation marks around it"
        show(*lines, err=True)
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
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        show(f"error: {what}", err=True)
        return PERSON
    except Exception:  # noqa: BLE001 - the last resort: a bug is told as one, without secrets
        import traceback  # only a bug needs these

        from bot.masking import masked

        show(*masked(traceback.format_exc()).splitlines(), err=True)
        show("this is a bug in the bot: please report the lines above", err=True)
        return BUG
