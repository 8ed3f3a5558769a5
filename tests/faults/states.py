"""What a killed life leaves behind, told so that two that left the same are told the same.

Moments count from the beginning of their schedule, to five seconds, as a life jumps from one to
the next; they are left out where they only tell when something was done. Whatever is drawn or
derived from a moment (digests, process ids, record keys, ids of statuses) is named in the order in
which it appears, so that it is still seen where it repeats.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table

from bot.db.columns import Instant, metadata
from tests.faults.ledgers import Memory

_STEP = 5.0
#: When something was done, which is history: nothing that starts again asks for it.
_HISTORY = frozenset(
    {
        "approval.at", "attempt.started_at", "attempt.ended_at", "audit.at",
        "content_tree.applied_at", "delivery.created_at", "instance.created_at", "move.at",
        "sent_log.registered_at", "trust.at", "worker.beat_at",
    }
)  # fmt: skip
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
#: When a line of the sent log was written.
_AT = re.compile(r'(?<=[{,])"at":"[^"]*"[,}]')
_DRAWN = re.compile(
    r"(?P<drawn>\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b)"  # digests and drawn names
    r"|(?P<key>(?<=post/)\w{13}\b|(?<=\"rkey\":\")\w{13}\b)"
    r"|(?P<inode>(?<=\bone:)\d+\b)"
    r"|(?P<half>(?<=\.audit\.key\.)\w+)"  # half-written files
    r"|(?P<process>(?<=/)\d+\b|(?<=\"pid\":)\s*\d+|^\d+$)",  # in names and in the lock
    re.MULTILINE,
)


class Canon:
    """Tells one schedule's files and memories without what is different in every schedule."""

    def __init__(self, begun: datetime, memory: Memory) -> None:
        self._begun, self._memory = begun, memory
        known = {
            part for status in memory.taken for part in (status.id, status.id.rpartition("/")[2])
        }
        self._ids = re.compile(
            "|".join(rf"\b{re.escape(name)}\b" for name in sorted(known)) or "(?!)"
        )

    def state_text(self, folder: Path, now: datetime) -> str:
        """Return all that a restart at that moment would find."""
        lines = [
            f"now {self._since(now)}",
            *_names(folder),
            *self._rows(folder),
            *self._files(folder),
            *(
                f"taken {status.account} {status.text} {status.parent}"
                for status in self._memory.taken
            ),
            f"asked {self._memory.asked}",
        ]
        # By kind: a process and an inode with one number, as of a disk in memory, are no pair.
        names: dict[tuple[str | None, str], str] = {}
        return _DRAWN.sub(
            lambda found: names.setdefault(
                (found.lastgroup, found[0].strip()), f"<name {len(names)}>"
            ),
            "\n".join(lines),
        )

    def _since(self, moment: datetime) -> str:
        steps = int((moment - self._begun).total_seconds() // _STEP)
        return f"<moment {steps}>"

    def _plain(self, text: str) -> str:
        """Take ids and moments out of a text."""
        order = [status.id for status in self._memory.taken]
        known = {part: n for n, one in enumerate(order) for part in (one, one.rpartition("/")[2])}
        text = self._ids.sub(lambda found: f"<status {known[found[0]]}>", text)
        return _MOMENT.sub(lambda found: self._moment(found[0]), text)

    def _moment(self, text: str) -> str:
        moment = datetime.fromisoformat(text)
        return self._since(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

    def _rows(self, folder: Path) -> Iterator[str]:
        # A copy: opening a database with a hot journal changes it.
        with tempfile.TemporaryDirectory(dir=folder.parent) as copied:
            for path in folder.glob("live.db*"):
                shutil.copy(path, copied)
            with closing(sqlite3.connect(Path(copied) / "live.db")) as connection:
                for table in metadata.sorted_tables:
                    yield from self._table(connection, table)

    def _table(self, connection: sqlite3.Connection, table: Table) -> Iterator[str]:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        is_plain = table.dialect_options["sqlite"]["with_rowid"]
        order = "rowid" if is_plain else ", ".join(f'"{one.name}"' for one in table.primary_key)
        query = f'SELECT {names} FROM "{table.name}" ORDER BY {order}'  # noqa: S608 - names of ours
        for row in connection.execute(query):
            told = (self._cell(*pair) for pair in zip(table.columns, row, strict=True))
            yield f"{table.name} {' | '.join(told)}"

    def _cell(self, column: Column[Any], value: Any) -> str:
        if str(column) in _HISTORY:
            return "-"
        if str(column) == "content_tree.files":
            return str(value)  # the same files in every schedule
        if isinstance(column.type, Instant) and value is not None:
            return self._since(datetime.fromtimestamp(value / 1e6, UTC))
        return self._plain(str(value))

    def _files(self, folder: Path) -> Iterator[str]:
        for path in sorted(folder.iterdir()):
            if path.name.removeprefix(".").startswith("audit.key"):
                yield f"{path.name}: {path.stat().st_size} bytes that were drawn"
            elif not path.name.startswith("live.db"):
                text = _AT.sub("", path.read_text("utf-8", "replace"))
                yield f"{path.name}:\n{self._plain(text)}"


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        hot = " hot" if path.name.endswith("-journal") and path.stat().st_size else ""
        # A sent log is known by its inode; of other files it does not matter.
        place = f" on one:{path.stat().st_ino}" if path.name.endswith(".log") else ""
        yield f"file {path.name}{hot}{place}"
