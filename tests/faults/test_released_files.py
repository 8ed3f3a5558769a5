"""Row 28, with an older program's database: today's goes on with it, and sends nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.authority.audit import first_break
from bot.clock import FastClock
from bot.delivery.model import State
from tests.fakes.running_bot import DAY, RunningBot
from tests.fakes.scripted import Published
from tests.faults.reporting import Counts, judged_by_account
from tests.fixtures import past
from tests.fixtures.released import (
    MACHINE,
    become_later,
    bring,
    brought_to,
    deliveries_in,
    revisions,
    rows_at,
    rows_of,
)
from tests.servers.postgres import PostgresServer

every_revision = pytest.mark.parametrize("revision", revisions())
#: When today's program is started for the first time.
BACK = past.DEATH + timedelta(hours=5)
#: Out, or out once: of these nothing may change.
_OVER = (State.SENT, State.RETRACTED, State.GONE)
Before = Sequence[dict[str, Any]]


@contextmanager
def later_bot(folder: Path, url: str, before: Before) -> Iterator[RunningBot]:
    """Let today's program stand before an older one's database, on the platforms as they were."""
    bot = RunningBot(folder, url, machine=MACHINE, clock=FastClock(BACK))
    past.build_context(bot)
    for row in before:
        # Of the two calls at the moment of death Mastodon took its one.
        if row["state"] == State.SENT or (row["post_id"], row["account"]) == ("cut", "m"):
            text, name = json.loads(row["status_json"])["text"], row["remote_id"] or "77"
            bot.servers[row["account"]].live.append(Published(name, row["id"], text, None, ""))
    yield bot
    bot.stop()


def go_on(bot: RunningBot) -> dict[str, list[str]]:
    """Live until after the last post; what was published by account. Nobody approves anything."""
    known = {name: len(server.live) for name, server in bot.servers.items()}
    bot.start()
    bot.services.beat()
    bot.wait(past.LATER + DAY)
    return {name: bot.servers[name].texts[count:] for name, count in known.items()}


def judge(bot: RunningBot, before: Before) -> dict[str, Any]:
    """Hold the outbox against the platforms' ledgers; what waited already waits as it did."""
    waited = {old["id"] for old in before if old["state"] == State.HELD}
    rows = bot.rows("", State.SENT, State.HELD, State.PLANNED, State.READY, State.UNKNOWN)
    live = {account: bot.servers[account].texts for account in past.ACCOUNTS}
    return judged_by_account([row for row in rows if row.id not in waited], live)


def check(bot: RunningBot, before: Before) -> dict[str, Any]:
    new = go_on(bot)

    words = {name: [text.split()[0] for text in texts] for name, texts in new.items()}
    assert words == {"m": ["thirda", "latera"], "b": ["thirda", "latera"], "x": []}
    states = bot.states()
    assert states["cut/m/0"] == "SENT", "what the platform took is recognised"
    for name in ("cut/b/0", "missed/m/0", "missed/b/0", "waiting/m/0", "waiting/b/0"):
        assert states[name].startswith(("HELD late", "HELD cannot tell")), states[name]
    rows = {row.id: row for row in bot.store.outbox.find()}
    for old in before:
        if old["state"] in _OVER:
            now = rows[old["id"]]
            assert (now.state, now.remote_id) == (old["state"], old["remote_id"])
    assert first_break(bot.store.audit.raw()) is None
    return judge(bot, before)


@every_revision
@pytest.mark.parametrize("moved", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_row_28_a_database_of_an_older_program(
    tmp_path: Path, tally: Counts, revision: str, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    become_later(monkeypatch, tmp_path)
    path = bring(revision, tmp_path / "data", moved=moved)
    before = deliveries_in(rows_of(path))
    with later_bot(tmp_path, f"sqlite:///{path}", before) as bot:
        counted = check(bot, before)

    way = "moved to another directory" if moved else "in its place"
    tally(28, f"database of revision {revision} upgraded, {way}", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)


@pytest.mark.server
@every_revision
def test_row_28_a_postgresql_dump_of_an_older_program(
    tmp_path: Path,
    tally: Counts,
    revision: str,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    become_later(monkeypatch, tmp_path)
    with brought_to(postgres_server, revision, tmp_path / "data", moved=True) as url:
        before = deliveries_in(rows_at(url))
        with later_bot(tmp_path, url, before) as bot:
            counted = check(bot, before)

    tally(28, f"PostgreSQL dump of revision {revision} upgraded", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
