"""Row 28 on PostgreSQL: brought back with pg_restore, told so with `restore --loaded`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from bot.cli.main import run
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.faults.reporting import Counts, judged_by_account
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.server

NAMES = ("one", "two", "queued", "later")
LATER = NINE + 3 * DAY
AGES = {"1 minute": MINUTE, "1 day": DAY}


@pytest.fixture
def bot(
    postgres_server: PostgresServer, migrated_database: str, tmp_path: Path
) -> Iterator[RunningBot]:
    """Have two replicas' directories, and posts for today, tomorrow, the queue and much later."""
    with postgres_server.database(template=migrated_database) as url:
        for name in ("data", "other/data"):
            (tmp_path / name).mkdir(mode=0o700, parents=True)
        made = RunningBot(tmp_path, url)
        made.use("m", "x")
        made.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
        made.start_with(
            post("one", at=NINE + MINUTE), post("two", at=NINE + DAY), post("queued"),
            post("later", at=LATER),
        )  # fmt: skip
        made.approve(*NAMES)
        yield made
        made.stop()


def dump(bot: RunningBot, server: PostgresServer) -> Path:
    path = bot.folder / "monday.dump"
    name = str(make_url(bot.url).database)
    path.write_bytes(server.call("pg_dump", "--format=custom", name))
    return path


def load(bot: RunningBot, server: PostgresServer, path: Path) -> None:
    """Bring it back as docs/operating.md says."""
    words = ("--clean", "--if-exists", "--single-transaction")
    server.call("pg_restore", *words, "--dbname", str(make_url(bot.url).database), str(path))


def declare(bot: RunningBot, monkeypatch: pytest.MonkeyPatch, path: Path) -> int:
    monkeypatch.setenv("VERBATIM_DATABASE_URL", bot.url)
    data = str(bot.data)
    return run(["restore", str(path), "--mode", "live", "--loaded", "--data", data])


def live_on(bot: RunningBot) -> dict[str, Any]:
    """Start, settle, go on until all is out; held against what the platforms took."""
    bot.start()
    assert bot.store.restore_guard.reason() is not None
    bot.services.beat()
    assert bot.store.restore_guard.reason() is None
    bot.wait(LATER + MINUTE)
    return judged_by_account(bot.rows(), {name: bot.servers[name].texts for name in ("m", "x")})


def bring_back(bot: RunningBot, server: PostgresServer, age: str) -> Path:
    """Dump it, send on for a while, stop, and load the dump; return it."""
    bot.wait(NINE + timedelta(seconds=30))
    backup = dump(bot, server)
    bot.wait(NINE + MINUTE + AGES[age])
    bot.stop()
    load(bot, server, backup)
    return backup


@pytest.mark.parametrize(("age", "is_told"), [
    ("1 minute", True), ("1 day", False), pytest.param("1 day", True, marks=pytest.mark.slow),
])  # fmt: skip
def test_row_28_a_dump_with_the_sent_log_there(
    bot: RunningBot, postgres_server: PostgresServer, tally: Counts, age: str, is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    backup = bring_back(bot, postgres_server, age)
    if is_told:
        assert declare(bot, monkeypatch, backup) == 0

    counted = live_on(bot)

    told = "told" if is_told else "not told"
    tally(28, f"pg_restore, {age} old, {told}; the sent log is there", counted, injected=1)
    assert counted == {"deliveries": 8, "once": 8, "duplicate": 0, "lost": 0, "held": {}}


@pytest.mark.parametrize("age", ["1 minute", pytest.param("1 day", marks=pytest.mark.slow)])
def test_row_28_a_dump_and_a_replica_that_sent_nothing_since(
    bot: RunningBot, postgres_server: PostgresServer, tally: Counts, age: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    backup = bring_back(bot, postgres_server, age)
    # Where the sender's own directory is named, its sent log is read at once.
    sender, bot.data = bot.data, bot.folder / "other" / "data"
    assert declare(bot, monkeypatch, backup) == 0

    counted = live_on(bot)

    tally(28, f"pg_restore, {age} old, another replica goes on", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert set(counted["held"]) == {"cannot tell whether it is out"}
    bot.stop()
    bot.data = sender
    assert live_on(bot)["held"] == {}, "the one that sent knows what its log holds"
