"""Deliveries as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import click

from bot.commands.common import print_json
from bot.core.model import Delivery
from bot.core.zones import shown


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
    """Give what other programs need of each delivery; times are UTC."""
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
