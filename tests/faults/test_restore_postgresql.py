"""Row 28 on PostgreSQL: brought back with pg_restore, told so with `restore --loaded`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from bot.cli.main import run
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post
from tests.faults.reporting import Tally, judged
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.server

NAMES = ("one", "two", "queued", "later")
LATER = NINE + 3 * DAY
AGES = {"1 minute": MINUTE, "1 day": DAY}


@pytest.fixture
def room(
    postgres_server: PostgresServer, migrated_database: str, tmp_path: Path
) -> Iterator[Newsroom]:
    """Have two replicas' directories, and posts for today, tomorrow, the queue and much later."""
    with postgres_server.database(template=migrated_database) as url:
        for name in ("data", "other/data"):
            (tmp_path / name).mkdir(mode=0o700, parents=True)
        made = Newsroom(tmp_path, url, accounts=("m", "x"))
        made.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
        made.write(
            post("one", at=NINE + MINUTE), post("two", at=NINE + DAY), post("queued"),
            post("later", at=LATER),
        )  # fmt: skip
        made.start()
        made.approve(*NAMES)
        yield made
        made.stop()


def dump(room: Newsroom, server: PostgresServer) -> Path:
    path = room.root / "monday.dump"
    name = str(make_url(room.url).database)
    path.write_bytes(server.call("pg_dump", "--format=custom", name))
    return path


def load(room: Newsroom, server: PostgresServer, path: Path) -> None:
    """Bring it back as docs/operating.md says."""
    words = ("--clean", "--if-exists", "--single-transaction")
    server.call("pg_restore", *words, "--dbname", str(make_url(room.url).database), str(path))


def declare(room: Newsroom, monkeypatch: pytest.MonkeyPatch, path: Path) -> int:
    monkeypatch.setenv("VERBATIM_DATABASE_URL", room.url)
    data = str(room.root / "data")
    return run(["restore", str(path), "--mode", "live", "--loaded", "--data", data])


def live_on(room: Newsroom) -> dict[str, Any]:
    """Start, settle, go on until all is out; held against what the platforms took."""
    room.start()
    assert room.store.restore_guard.reason() is not None
    room.bot.beat()
    assert room.store.restore_guard.reason() is None
    room.wait(LATER + MINUTE)
    counted: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for account in ("m", "x"):
        rows = [row for row in room.rows() if row.account == account]
        one = judged(rows, Counter(room.servers[account].texts))
        held.update(one.pop("held"))
        counted.update(one)
    return {**counted, "held": dict(held)}


@pytest.mark.parametrize(("age", "is_told"), [
    ("1 minute", True), ("1 day", False), pytest.param("1 day", True, marks=pytest.mark.slow),
])  # fmt: skip
def test_row_28_a_dump_with_the_sent_log_there(
    room: Newsroom, postgres_server: PostgresServer, tally: Tally, age: str, is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    room.wait(NINE + timedelta(seconds=30))
    backup = dump(room, postgres_server)
    room.wait(NINE + MINUTE + AGES[age])
    room.stop()
    load(room, postgres_server, backup)
    if is_told:
        assert declare(room, monkeypatch, backup) == 0

    counted = live_on(room)

    told = "told" if is_told else "not told"
    tally(28, f"pg_restore, {age} old, {told}; the sent log is there", counted, injected=1)
    assert counted == {"deliveries": 8, "once": 8, "duplicate": 0, "lost": 0, "held": {}}


@pytest.mark.parametrize("age", ["1 minute", pytest.param("1 day", marks=pytest.mark.slow)])
def test_row_28_a_dump_and_a_replica_that_sent_nothing_since(
    room: Newsroom, postgres_server: PostgresServer, tally: Tally, age: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    room.wait(NINE + timedelta(seconds=30))
    backup = dump(room, postgres_server)
    room.wait(NINE + MINUTE + AGES[age])
    room.stop()
    load(room, postgres_server, backup)
    assert declare(room, monkeypatch, backup) == 0
    sender, room.root = room.root, room.root / "other"

    counted = live_on(room)

    tally(28, f"pg_restore, {age} old, another replica goes on", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert set(counted["held"]) == {"cannot tell whether it is out"}
    room.stop()
    room.root = sender
    assert live_on(room)["held"] == {}, "the one that sent knows what its log holds"
