"""What the service forgets in the course of years, and what it never does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.db.columns import metadata
from bot.delivery.lifecycle import Event
from bot.engine.clock_guard import ClockGuard
from bot.errors import StoreError
from bot.platforms.spec import Charge
from bot.platforms.status import Draft, Picture, PostRef, Status
from bot.settings.environment import Settings
from tests.docs.tree import read, table
from tests.fakes.running_bot import DAY, NINE, RunningBot
from tests.integration.store_rows import claimed, copied_database, new_publication, ready, sent

MONTHS, MONTH = 120, timedelta(days=30)
#: Of it the service forgets what is old, as `docs/operating.md` says.
PRUNED = {"charge", "medium", "worker"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def bot(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RunningBot]:  # fmt: skip
    """Return a bot that has begun, with no posts, on each database; it keeps 100 days."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        (tmp_path / "data").mkdir(mode=0o700)
    else:
        url = copied_database(migrated_file, tmp_path / "data")
    monkeypatch.setenv("VERBATIM_KEEP_DAYS", "100")
    made = RunningBot(tmp_path, url, settings=Settings())
    made.start()
    yield made
    made.stop()


def counts(bot: RunningBot) -> dict[str, int]:
    with bot.store._db.read() as connection:
        return {
            each.name: connection.execute(select(func.count()).select_from(each)).scalar_one()
            for each in metadata.sorted_tables
        }


def with_picture(bot: RunningBot, number: int, now: datetime) -> Status:
    name = bot.store.media.put(f"picture {number}".encode(), now)
    return Status(f"number {number}", pictures=(Picture(name, "image/png", "a camera", 1, 1, 9),))


def live_a_month(bot: RunningBot, number: int, now: datetime) -> None:
    """Leave what a month leaves: a post with a picture that is out, paid calls, a restart."""
    store, status = bot.store, with_picture(bot, number, now)
    ready(store, new_publication(status, id=f"d{number}", account="m", due_at=now), now=now)
    claim = claimed(store, account="m", now=now)
    store.outbox.begin(claim, Draft(f"k{number}", {"text": status.text}), now=now)
    store.outbox.commit(claim, sent(PostRef(f"id{number}")), now=now)
    for _call in range(3):
        store.ledger.reserve("m", Charge("post"), 0.01, now=now)
    store.workers.beat(f"host/{number}", {}, now)
    store.audit.write("op", "look", f"month {number}", now=now)


@pytest.mark.deep
def test_ten_years_are_flat_where_they_should_be_and_prove_all_they_did(bot: RunningBot) -> None:
    begun = bot.clock.now()
    history = []
    for number in range(MONTHS):
        now = begun + MONTH * number
        bot.clock.wait(bot.stopping, now)
        live_a_month(bot, number, now)
        bot.services.prune()
        history.append(counts(bot))

    after_a_year, after_ten = history[11], history[-1]
    for name in PRUNED:
        assert 0 < after_ten[name] <= after_a_year[name], name
    for name in ("publication", "delivery", "attempt"):
        assert after_ten[name] == MONTHS
    assert after_ten["audit"] == after_a_year["audit"] + MONTHS - 12
    assert bot.store.audit_problems() == []
    assert len(bot.store.restore_guard._log.known()) == MONTHS, "the sent log is whole"
    assert bot.store.ledger.spent("m", month_of=bot.clock.now()) == pytest.approx(0.03)
    grown = {name for name in after_ten if after_ten[name] > after_a_year[name]}
    assert grown == {"publication", "delivery", "attempt", "move", "snapshot", "audit"} & grown


def test_a_picture_that_may_yet_be_sent_is_kept(bot: RunningBot) -> None:
    now = bot.clock.now()
    for number, event in enumerate((None, Event.HOLD, Event.CANCEL)):
        new = new_publication(with_picture(bot, number, now), id=f"d{number}", account="m")
        bot.store.outbox.add(new, now=now)
        if event:
            bot.store.outbox.move(f"d{number}", event, now=now, actor="x")
    names = [bot.store.media.put(f"picture {number}".encode(), now) for number in range(3)]

    bot.clock.wait(bot.stopping, now + 101 * DAY)
    bot.services.prune()

    for name in names[:2]:
        assert bot.store.media.get(name)
    with pytest.raises(StoreError):
        bot.store.media.get(names[2])


def test_a_picture_of_the_content_in_force_is_kept(bot: RunningBot) -> None:
    now = bot.clock.now()
    name = bot.store.media.put(b"logo", now)
    bot.store.contents.apply("t" * 64, {"logo.png": f"picture sha256:{name}"}, now)

    bot.clock.wait(bot.stopping, now + 101 * DAY)
    bot.services.prune()

    assert bot.store.media.get(name) == b"logo"


def test_a_picture_that_is_used_again_is_kept(bot: RunningBot) -> None:
    now = bot.clock.now()
    name = bot.store.media.put(b"again", now)
    bot.store.media.put(b"again", now + 50 * DAY)

    bot.clock.wait(bot.stopping, now + 101 * DAY)
    bot.services.prune()

    assert bot.store.media.get(name) == b"again"


@pytest.mark.parametrize("doubt", ["clock", "restore"])
def test_nothing_is_forgotten_in_doubt(
    bot: RunningBot, doubt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bot.store.media.put(b"old", NINE - 1000 * DAY)
    if doubt == "clock":
        monkeypatch.setattr(ClockGuard, "is_sure", lambda _self: False)
    else:
        monkeypatch.setattr(bot.store.restore_guard, "reason", lambda: "restored")

    bot.services.prune()

    assert bot.store.media.get(name) == b"old"


def test_the_last_three_copies_from_before_an_upgrade_are_kept(bot: RunningBot) -> None:
    folder = bot.data / "backups"
    folder.mkdir()
    for number in range(5):
        path = folder / f"live-before-000{number}-20261201T000000.db"
        path.touch()
        os.utime(path, (number, number))
    (folder / "mine.db").touch()

    bot.services.prune()

    kept = sorted(path.name for path in folder.iterdir())
    assert [name[:16] for name in kept] == [
        "live-before-0002", "live-before-0003", "live-before-0004", "mine.db",
    ]  # fmt: skip


def test_the_service_does_it_daily(bot: RunningBot) -> None:
    (job,) = (job for job in bot.services.jobs(timedelta(5)) if job.name == "prune")

    assert job.every == DAY


def test_the_docs_say_of_every_table_how_long_it_is_kept() -> None:
    rows = table(read("docs/operating.md"), "## What is kept")
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}

    assert set(metadata.tables) - told == set()
