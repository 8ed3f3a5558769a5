"""Everything for other programs: CSV and JSON Lines, and what each column means.

No person is in it: no reader, follower or replier (the bot stores none), no approver, no author.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from io import TextIOWrapper
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import regex

from bot import visible
from bot.canonical import sha256_hex
from bot.delivery.model import occurrence_text
from bot.engagement.ages import AGES
from bot.engagement.estimate import ENOUGH
from bot.engagement.judged import JUDGED_BY
from bot.engagement.readings import Reading
from bot.engagement.report import Report
from bot.engagement.report_text import WHY_NO_BEST_TIME
from bot.engagement.store import EngagementStore
from bot.settings.private import private_file, write_private

#: Where a spreadsheet could begin a formula (OWASP, "CSV Injection"): at the beginning of a cell or
#: of what could become one (after a line break or another separator), behind what is passed over
#: (spaces, quotation marks, unseen characters), in any width.
_FORMULA = regex.compile(
    r"((?:^|[\n\t;,|])[\s\p{Quotation_Mark}`]*)"
    r"([=+\-@\u2212\ufe62-\ufe63\ufe66\ufe6b＝＋－＠\u207a-\u207c\u208a-\u208c])"
)
#: Fields of a publication that reports group by.
_LABELS = ("theme", "excerpt", "form", "slot", "lang", "queue")


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
    #: What each row is.
    about: str
    columns: Sequence[Column]
    rows: Callable[[EngagementStore], Iterable[object]]


def _column(name: str, kind: str, meaning: str, attribute: str = "") -> Column:
    return Column(name, kind, meaning, attrgetter(attribute or name))


def _shared(name: str, meaning: str) -> Column:
    return _column(name, "text", meaning, f"publication.{name}")


def _count(name: str, meaning: str) -> Column:
    return _column(name, "number", f"{meaning}; empty where untold, never 0 for it",
                   f"metrics.{name}")  # fmt: skip


def _quoted(store: EngagementStore) -> Iterator[object]:
    rows = store.outbox.each()
    return (SimpleNamespace(delivery=row, span=span) for row in rows for span in row.status.spans)


def _days(store: EngagementStore) -> Iterator[object]:
    for name in sorted({tally.account for tally in store.outbox.tallies()}):
        for day, count in store.followers.of(name).items():
            yield SimpleNamespace(account=name, day=day, followers=count)


TABLES = (
    Table("deliveries", "one status to one account", (
        _column("id", "text", "identity of the delivery; the same for ever"),
        _column("account", "text", "name in schedule.yaml"),
        _column("platform", "text", "name of its platform"),
        _column("post", "text", "id in posts/", "post_id"),
        Column("occurrence", "text", "which time of the post this is",
               lambda row: occurrence_text(row.publication.occurrence)),
        Column("part", "number", "place in the thread, from 1", lambda row: row.part + 1),
        _column("parts", "number", "statuses of the whole post"),
        _column("state", "text", "state of the delivery; see docs/glossary.md"),
        _column("due_at", "time", "when it was to go out"),
        _column("sent_at", "time", "when it went out"),
        _column("url", "text", "what a reader opens"),
        _column("remote_id", "text", "the platform's own id of the status"),
        _column("lang", "text", "language of the text (BCP 47)", "status.lang"),
        _column("text", "text", "exactly what was, or will be, sent", "status.text"),
        Column("warning", "text", "content warning", lambda row: row.status.warning or ""),
        _shared("theme", "theme that the editors gave it"),
        _shared("excerpt", "quoted passage, source:start-end"),
        _shared("form", "quote, link, card, thread or text"),
        _shared("slot", "named slot; empty at a fixed time"),
        _shared("queue", "queue; empty at a fixed time"),
        Column("cost_usd", "number", "price of publishing, US dollars",
               lambda row: row.cost_usd or ""),
        Column("payload_sha256", "text", "hash of the frozen status",
               lambda row: sha256_hex(row.status_json)),
        _column("fingerprint", "text", "hash of what was approved"),
    ), lambda store: store.outbox.each()),
    Table("snapshots", "numbers of one status at one age", (
        _column("delivery", "text", "id of the delivery", "delivery_id"),
        _column("age", "text", "1h, 6h, 24h, 72h, 7d or 30d after it went out", "age_label"),
        _column("due_at", "time", "when it was, or is, to be read"),
        _column("taken_at", "time", "when it was read, or given up"),
        _column("outcome", "text", "TAKEN, DUE, FAILED, GONE or MISSED"),
        _column("reason", "text", "why there are no numbers"),
        _count("likes", "likes, favourites"),
        _count("reposts", "reposts, boosts"),
        _count("replies", "replies"),
        _count("quotes", "quotes"),
        _count("bookmarks", "bookmarks"),
        _count("impressions", "times shown"),
        _count("clicks", "clicks on its link"),
    ), lambda store: store.snapshots.each()),
    Table("provenance", "one quoted passage of one status", (
        _column("delivery", "text", "id of the delivery", "delivery.id"),
        _column("post", "text", "id in posts/", "delivery.post_id"),
        _column("source", "text", "id of the source", "span.source"),
        _column("source_sha256", "text", "hash of the source file", "span.source_sha256"),
        _column("start", "number", "first character of the passage", "span.start"),
        _column("end", "number", "first character after it", "span.end"),
        _column("section", "text", "section of the source", "span.section"),
    ), _quoted),
    Table("followers", "one account on one day", (
        _column("account", "text", "name in schedule.yaml"),
        _column("day", "date", "UTC day"),
        _column("followers", "number", "how many, as the platform told; nobody's name"),
    ), _days),
)  # fmt: skip


def export(store: EngagementStore, folder: Path) -> Mapping[str, int]:
    """Write every table as CSV and JSON Lines, and the dictionary; return rows by table."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = Counter[str]()
    for table in TABLES:
        names = [column.name for column in table.columns]
        with (
            private_file(folder / f"{table.name}.csv") as sheet,
            private_file(folder / f"{table.name}.jsonl") as lines,
            TextIOWrapper(sheet, encoding="utf-8", newline="") as cells,
        ):
            writer = csv.writer(cells)
            writer.writerow(names)
            counts[table.name] = 0
            for row in table.rows(store):
                values = [_plain(column.value(row)) for column in table.columns]
                writer.writerow(map(cell, values))
                named = dict(zip(names, values, strict=True))
                lines.write(f"{json.dumps(named, ensure_ascii=False)}\n".encode())
                counts[table.name] += 1
    write_private(folder / "data-dictionary.md", dictionary())
    return counts


def dictionary() -> str:
    """Return what each column means, as Markdown."""
    parts = []
    for table in TABLES:
        lines = [f"| `{column.name}` | {column.kind} | {column.meaning} |"
                 for column in table.columns]  # fmt: skip
        head = f"### {table.name}\n\nEach row is {table.about}.\n\n| column | kind | meaning |"
        parts.append("\n".join([head, "| --- | --- | --- |", *lines]))
    return "\n\n".join(parts) + "\n"


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def cell(value: object) -> object:
    """Keep a spreadsheet from running a text as a formula; JSON Lines has it unchanged."""
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1'\2", visible.block(value))


# -- the report itself, unrounded


def json_of(report: Report, by: str) -> Mapping[str, Any]:
    """Return what `engagement --json` prints; people's scripts rely on its keys."""
    return {
        "campaign": report.campaign,
        "as_of": report.at,
        "since": report.chosen.since,
        "by": by,
        "lines": report.lines[by] if by in JUDGED_BY else report.usual[by],
        "ages": list(AGES),
        "time_of_day": {"differs": report.day_parts_differ, "why": WHY_NO_BEST_TIME,
                        "lines": report.day_parts},
        "lacking": report.lacking,
        "enough": ENOUGH,
        "statuses": map(_status, report.readings),
        "without_numbers": report.blanks,
        "costs": report.costs,
    }  # fmt: skip


def _status(reading: Reading) -> Mapping[str, Any]:
    shared = reading.publication
    own = {field.name: getattr(reading, field.name) for field in fields(reading)}
    del own["publication"]
    return {
        "post_id": reading.post_id,
        "occurrence": occurrence_text(shared.occurrence),
        "account": reading.account,
        "platform": reading.platform,
        **own,
        "labels": {name: getattr(shared, name) for name in _LABELS},
    }


def csv_of(report: Report, by: str) -> Iterator[Sequence[object]]:
    """Return the rows that `engagement --csv` prints, the first being the header."""
    if by in JUDGED_BY:
        columns: Sequence[str] = ("words", "n", "ratio", "low", "high", "as_of")
        lines: Sequence[Any] = report.lines[by]
    else:
        columns = ("platform", "age", "n", "median", "per_1000_followers", "per_1000_impressions")
        lines = report.usual[by]
    yield (by, *columns, *AGES)
    for line in lines:
        yield (*(cell(getattr(line, name)) for name in ("name", *columns)), *line.growth)
