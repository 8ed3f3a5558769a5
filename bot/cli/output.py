"""What all verbs share: where things are, who decides, how answers are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from zoneinfo import ZoneInfo

import click

from bot.content.zones import shown
from bot.delivery.model import Delivery
from bot.delivery.publications import Occurrence, occurrence_text

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the campaign and the bot's own state are."""

    config: Path
    posts: Path
    data: Path


def places(verb: Callable[Concatenate[Places, P], int | None]) -> Callable[P, int | None]:
    """Return a verb ``--config``, ``--posts`` and ``--data``."""

    @click.option("--config", default="schedule.yaml", show_default=True, type=Path,
                  help="The schedule.")  # fmt: skip
    @click.option("--posts", default="posts", show_default=True, type=Path,
                  help="The folder of posts.")  # fmt: skip
    @click.option("--data", default="data", show_default=True, type=Path, envvar="VERBATIM_DATA",
                  help="The bot's own state; also VERBATIM_DATA.")  # fmt: skip
    @wraps(verb)
    def called(*args: P.args, **options: P.kwargs) -> int | None:
        config, posts, data = (options.pop(name) for name in ("config", "posts", "data"))
        where = Places(_path(config), _path(posts), _path(data))
        return verb(where, *args, **options)

    return called


def _path(value: object) -> Path:
    if not isinstance(value, Path):
        raise TypeError(f"not a path: {value!r}")
    return value


def _somebody(_context: click.Context, _option: click.Parameter, value: str) -> str:
    name = " ".join(value.split())
    if not name:
        raise click.BadParameter("say who decides; the audit log keeps it")
    return name


#: Who decides; written to the audit log.
as_option = click.option(
    "--as", "by", required=True, metavar="NAME", help="Who decides.", callback=_somebody
)
why_option = click.option("--why", default="", metavar="TEXT", help="Why; kept in the audit log.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def plain(value: Any) -> Any:
    """Turn values into what JSON knows; times become ISO 8601 in UTC."""
    if isinstance(value, Occurrence):
        return occurrence_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value


def print_json(value: Any) -> None:
    """Print a value as JSON for other programs."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def lines(rows: Iterable[Delivery], zone: ZoneInfo) -> Iterator[str]:
    """Write a delivery a line, and below it what a person must know."""
    for row in rows:
        part = f" ({row.part + 1}/{row.parts})" if row.parts > 1 else ""
        yield (
            f"{row.id[:8]}  {_due(row, zone)}  {row.state:<9} {row.account}  {row.post_id}{part}"
        )
        for told in (row.url, row.reason_text, row.evidence):
            if told:
                yield from (f"          {line}" for line in told.splitlines())


def _due(row: Delivery, zone: ZoneInfo) -> str:
    return shown(row.due_at, zone) if row.due_at else "next free slot"


def as_rows(rows: Iterable[Delivery]) -> list[dict[str, object]]:
    """Return what other programs need of each delivery; times are UTC."""
    return [
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
    ]


def tell(row: Delivery, *, as_json: bool) -> None:
    """Print what a decision made of a delivery."""
    if as_json:
        print_json(as_rows([row])[0])
    else:
        click.echo(f"{row.id[:8]} {row.post_id} for {row.account} is {row.state}")
