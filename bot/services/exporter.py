"""Everything for other programs: CSV and JSON Lines, and what each column means.

No person is in it: no reader, follower or replier (the bot stores none), no approver, no author.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.core.model import Delivery, Metrics
from bot.core.publications import occurrence_text
from bot.store import Snapshot, Store

#: Signs with which a spreadsheet takes a cell for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, the kind of its values, and what they mean."""

    name: str
    kind: str
    meaning: str
    value: Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the export."""

    name: str
    told: str
    columns: Sequence[Column]
    rows: Callable[[Store], Iterable[object]]


def _shared(name: str) -> Callable[[Any], object]:
    return lambda row: getattr(row.publication, name)


def _of(name: str) -> Callable[[Any], object]:
    return lambda row: getattr(row, name)


def _number(name: str) -> Callable[[Any], object]:
    return lambda row: getattr(row.metrics, name)


_DELIVERIES = (
    Column("id", "text", "identity of the delivery; the same for ever", _of("id")),
    Column("account", "text", "name in schedule.yaml", _of("account")),
    Column("platform", "text", "x, mastodon or bluesky", _of("platform")),
    Column("post", "text", "id in posts/", _of("post_id")),
    Column(
        "occurrence",
        "text",
        "which time of the post this is",
        lambda row: occurrence_text(row.publication.occurrence),
    ),
    Column("part", "number", "place in the thread, from 1", lambda row: row.part + 1),
    Column("parts", "number", "statuses of the whole post", _of("parts")),
    Column("state", "text", "state of the delivery; see docs/glossary.md", _of("state")),
    Column("due_at", "time", "when it was to go out", _of("due_at")),
    Column("sent_at", "time", "when it went out", _of("sent_at")),
    Column("url", "text", "what a reader opens", _of("url")),
    Column("remote_id", "text", "the platform's own id of the status", _of("remote_id")),
    Column("lang", "text", "language of the text (BCP 47)", lambda row: row.status.lang),
    Column("text", "text", "exactly what was, or will be, sent", lambda row: row.status.text),
    Column("warning", "text", "content warning", lambda row: row.status.warning or ""),
    Column("theme", "text", "theme that the editors gave it", _shared("theme")),
    Column("excerpt", "text", "quoted passage, source:start-end", _shared("excerpt")),
    Column("form", "text", "quote, link, card, thread or text", _shared("form")),
    Column("slot", "text", "named slot; empty at a fixed time", _shared("slot")),
    Column("queue", "text", "queue; empty at a fixed time", _shared("queue")),
    Column("cost_usd", "number", "price of publishing, US dollars", lambda row: row.cost_usd or ""),
    Column("payload_sha256", "text", "hash of the frozen status", _of("payload_sha256")),
    Column("fingerprint", "text", "hash of what was approved", _of("fingerprint")),
)


@dataclass(frozen=True, slots=True)
class _Provenance:
    delivery: Delivery
    span: Any


_PROVENANCE = (
    Column("delivery", "text", "id of the delivery", lambda row: row.delivery.id),
    Column("post", "text", "id in posts/", lambda row: row.delivery.post_id),
    Column("source", "text", "id of the source", lambda row: row.span.source),
    Column("source_sha256", "text", "hash of the source file", lambda row: row.span.source_sha256),
    Column("start", "number", "first character of the passage", lambda row: row.span.start),
    Column("end", "number", "first character after it", lambda row: row.span.end),
    Column("section", "text", "section of the source", lambda row: row.span.section),
)

_MEANINGS = {
    "likes": "likes, favourites",
    "reposts": "reposts, boosts",
    "replies": "replies",
    "quotes": "quotes",
    "bookmarks": "bookmarks",
    "impressions": "times shown",
    "clicks": "clicks on its link",
}
_SNAPSHOTS = (
    Column("delivery", "text", "id of the delivery", _of("delivery_id")),
    Column("age", "text", "1h, 6h, 24h, 72h, 7d or 30d after it went out", _of("age_label")),
    Column("due_at", "time", "when it was, or is, to be read", _of("due_at")),
    Column("taken_at", "time", "when it was read, or given up", _of("taken_at")),
    Column("outcome", "text", "TAKEN, DUE, FAILED, GONE or MISSED", _of("outcome")),
    Column("reason", "text", "why there are no numbers", _of("reason")),
    *(
        Column(name, "number", f"{_MEANINGS[name]}; empty where untold, never 0 for it",
               _number(name))
        for name in (field.name for field in fields(Metrics))
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Day:
    account: str
    day: str
    count: int


_FOLLOWERS = (
    Column("account", "text", "name in schedule.yaml", _of("account")),
    Column("day", "date", "UTC day", _of("day")),
    Column("followers", "number", "how many, as the platform told; nobody's name", _of("count")),
)


def _provenance(store: Store) -> Iterator[_Provenance]:
    for row in store.outbox.find():
        for span in row.status.spans:
            yield _Provenance(row, span)


def _days(store: Store) -> Iterator[_Day]:
    for name in sorted({row.account for row in store.outbox.find()}):
        for day, count in store.followers.of(name).items():
            yield _Day(name, day, count)


def _snapshots(store: Store) -> Iterable[Snapshot]:
    return store.snapshots.find()


def _deliveries(store: Store) -> Iterable[Delivery]:
    return store.outbox.find()


TABLES = (
    Table("deliveries", "one status to one account", _DELIVERIES, _deliveries),
    Table("snapshots", "numbers of one status at one age", _SNAPSHOTS, _snapshots),
    Table("provenance", "one quoted passage of one status", _PROVENANCE, _provenance),
    Table("followers", "one account on one day", _FOLLOWERS, _days),
)


def export(store: Store, folder: Path) -> Mapping[str, int]:
    """Write every table as CSV and JSON Lines, and the dictionary; rows by table."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for table in TABLES:
        rows = [_row(table, one) for one in table.rows(store)]
        (folder / f"{table.name}.csv").write_text(_csv(table, rows), encoding="utf-8")
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{table.name}.jsonl").write_text("".join(lines), encoding="utf-8")
        counts[table.name] = len(rows)
    (folder / "data-dictionary.md").write_text(dictionary(), encoding="utf-8")
    return counts


def dictionary() -> str:
    """Write what each column means, as Markdown."""
    parts = []
    for table in TABLES:
        lines = [f"| `{one.name}` | {one.kind} | {one.meaning} |" for one in table.columns]
        head = f"### {table.name}\n\nEach row is {table.told}.\n\n| column | kind | meaning |"
        parts.append("\n".join([head, "| --- | --- | --- |", *lines]))
    return "\n\n".join(parts) + "\n"


def _row(table: Table, one: object) -> dict[str, object]:
    return {column.name: _plain(column.value(one)) for column in table.columns}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _csv(table: Table, rows: Iterable[Mapping[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [one.name for one in table.columns], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def cell(value: object) -> object:
    """Keep a spreadsheet from running a text as a formula; JSON Lines has it unchanged."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value
