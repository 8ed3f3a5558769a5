"""What all verbs share: where things are, who decides, how output is printed."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from zoneinfo import ZoneInfo

import click

from bot import visible
from bot.app.content import Paths
from bot.cli.terminal import show, show_fitting, wrapped
from bot.content.zones import brief
from bot.delivery.model import Delivery, Occurrence, occurrence_text
from bot.rendering.layout import first_words

P = ParamSpec("P")

#: Types of what names a file that is written, and one that is read.
WRITTEN = click.Path(dir_okay=False, path_type=Path)
READ = click.Path(exists=True, dir_okay=False, path_type=Path)
_PLACES = (
    ("config", "schedule.yaml", "The schedule"),
    ("posts", "posts", "The folder of posts"),
    ("data", "data", "The bot's own state"),
)


@dataclass(frozen=True, slots=True)
class Output:
    """What a verb found or did."""

    #: For other programs: `plain` makes JSON of it.
    value: Any
    #: For people.
    lines: Iterable[str] = ()
    #: Exit code.
    code: int = 0
    #: Whether other programs read the lines, or people paste them: then none is broken.
    whole: bool = False
    #: What was written to files, for people; beside JSON this is on standard error.
    files: Sequence[str] = ()


def places(verb: Callable[Concatenate[Paths, P], int | None]) -> Callable[P, int | None]:
    """Return a verb with ``--config``, ``--posts`` and ``--data``."""

    @wraps(verb)
    def called(*args: P.args, **options: P.kwargs) -> int | None:
        paths: Any = (options.pop(name) for name in ("config", "posts", "data"))
        return verb(Paths(*paths), *args, **options)

    for name, default, what in reversed(_PLACES):
        variable = f"VERBATIM_{name.upper()}"
        called = click.option(
            f"--{name}", default=default, show_default=True, type=Path, envvar=variable,
            help=f"{what}; also {variable}.",
        )(called)  # fmt: skip
    return called


#: Of what a post says, where it is one of many.
_WORDS = 66
_MARGIN = " " * 10
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print(output: Output, as_json: object) -> int:
    show(*output.files, err=bool(as_json))
    if as_json:
        print_json(output.value)
    else:
        (show if output.whole else show_fitting)(*output.lines)
    return output.code


def _printing(opener: str, verb: Callable[Concatenate[Any, P], Output]) -> Callable[P, int | None]:
    @json_option
    @places
    @wraps(verb)
    def called(paths: Paths, /, *args: P.args, **options: P.kwargs) -> int:
        as_json = options.pop("as_json")
        with _opened(opener, paths) as opened:
            return _print(verb(opened, *args, **options), as_json)

    return called


def _opened(opener: str, paths: Paths) -> AbstractContextManager[Any]:
    if not opener:
        return nullcontext(paths)
    from bot.app import workspace  # takes long to load

    opened: AbstractContextManager[Any] = getattr(workspace, opener)(paths)
    return opened


#: Return a verb with ``--json`` and the options of `places`, whose output is printed.
prints = partial(_printing, "")
#: Return one that looks at what there is.
in_readonly = partial(_printing, "open_readonly")
#: Return one that works on an open database; what it lists is read while it is printed.
in_workspace = partial(_printing, "open_workspace")
#: Return one that works whatever became of the content.
in_emergency = partial(_printing, "open_emergency")
#: Return one that works on what is out, with the accounts that it is on.
in_corrections = partial(_printing, "open_corrections")


def somebody(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return a person's name as it may stand in the log; None only where nobody need decide."""
    if value is None and not option.required:
        return None
    name = " ".join((value or "").split())
    if visible.line(name) != name:
        raise click.BadParameter("has characters that nobody sees")
    if not name:
        raise click.BadParameter("say who decides; the audit log keeps it")
    return name


#: Who decides; written to the audit log.
as_option = click.option(
    "--as", "by", required=True, metavar="NAME", help="Who decides.", callback=somebody
)
why_option = click.option("--why", default="", metavar="TEXT", help="Why; kept in the audit log.")


def plain(value: Any) -> Any:
    """Turn values into what JSON knows; times become ISO 8601 in UTC."""
    if isinstance(value, Occurrence):
        return occurrence_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    return value


def print_json(value: Any) -> None:
    """Print a value as JSON for other programs; what an iterator yields, one by one."""
    for piece in _json(value, "\n"):
        sys.stdout.write(visible.block(piece))
    click.echo()


def _json(value: Any, margin: str) -> Iterator[str]:
    if not isinstance(value, Iterator | dict):
        yield json.dumps(plain(value), ensure_ascii=False, indent=2).replace("\n", margin)
        return
    start, end = "{}" if isinstance(value, dict) else "[]"
    yield start
    separator = inner = f"{margin}  "
    for each in value:
        yield separator
        separator = f",{inner}"
        if isinstance(value, dict):
            yield f"{json.dumps(str(each), ensure_ascii=False)}: "
        yield from _json(value[each] if isinstance(value, dict) else each, inner)
    yield end if separator == inner else f"{margin}{end}"


def lines(rows: Iterable[Delivery], zone: ZoneInfo) -> Iterator[str]:
    """Write each delivery with its post's first words, and below what a person must know."""
    for number, row in enumerate(rows):
        if not number:
            yield f"times are in {zone.key}"
        part = f"part {row.part + 1} of {row.parts}" if row.parts > 1 else ""
        due = brief(row.due_at, zone) if row.due_at else "next free slot"
        yield from wrapped(f"{row.id[:8]}", f"{row.state:<9}", f"{due:<17}", row.account, part)
        words = first_words(row.status.text, _WORDS)
        details = (words, row.post_id, row.url, row.reason_text, row.evidence)
        yield from (f"{_MARGIN}{line}" for each in details for line in each.splitlines())


def as_rows(rows: Iterable[Delivery]) -> Iterator[dict[str, object]]:
    """Yield what other programs need of each delivery; times are UTC."""
    return (
        {
            "id": row.id,
            "state": row.state,
            "account": row.account,
            "platform": row.platform,
            "post": row.post_id,
            "part": row.part + 1,
            "parts": row.parts,
            "due_at": row.due_at,
            "sent_at": row.sent_at,
            "reason": row.reason_text,
            "evidence": row.evidence,
            "attempts": row.attempts,
            "remote_id": row.remote_id,
            "url": row.url,
            "text": row.status.text,
            "fingerprint": row.fingerprint,
        }
        for row in rows
    )
