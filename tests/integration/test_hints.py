"""Each command that an alert, `status` or the dashboard names is run, and settles its matter."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.authority.tables import StopReason
from bot.cli.main import run
from bot.clock import FastClock
from bot.delivery.sent_log import mark_restored
from bot.errors import RejectedError, UnconfirmedError
from bot.operations.model import Matter
from bot.settings.environment import Settings
from tests.fakes.people import token_of
from tests.fakes.running_bot import MINUTE, RunningBot, post
from tests.integration.store_rows import due


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have a post whose time is near, on the clock that the commands will see."""
    new_bot.clock = FastClock(datetime.now(UTC))
    new_bot.machine = Settings().machine_id()
    new_bot.start_with(post("one", "not_after: 1d"))
    return new_bot


def come_due(bot: RunningBot) -> None:
    bot.wait(due(bot.row()) + MINUTE)


def fail(bot: RunningBot) -> None:
    bot.approve("one")
    bot.servers["m"].fails(RejectedError("mastodon", "too long"))
    come_due(bot)


def doubt(bot: RunningBot) -> None:
    bot.approve("one")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    come_due(bot)


def lapse(bot: RunningBot) -> None:
    bot.approve("one")
    bot.desk.pause("mourning", by="Ann")
    come_due(bot)
    bot.desk.resume(by="Ann")


def stop_for(reason: StopReason) -> Callable[[RunningBot], None]:
    def stop(bot: RunningBot) -> None:
        bot.store.accounts.stop("m", reason, "why", bot.clock.now())

    return stop


#: How a matter comes about, its key, and whether its command settles it at once.
MATTERS: list[tuple[Callable[[RunningBot], object], str]] = [
    (lambda bot: bot.desk.pause("mourning", by="Ann"), "paused"),
    (lambda _bot: None, "unapproved"),
    (fail, "FAILED/"),
    (lapse, "HELD/paused"),
    (stop_for(StopReason.UNFIT), "stopped/m/unfit"),
    (stop_for(StopReason.CONFIGURATION), "stopped/m/configuration changed"),
]


def matter_of(bot: RunningBot, key: str) -> Matter | None:
    return next((each for each in bot.services.status().matters if each.key == key), None)


@pytest.mark.parametrize(("come_about", "key"), MATTERS)
def test_a_command_settles_what_it_is_told_for(
    bot: RunningBot,
    come_about: Callable[[RunningBot], object],
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    come_about(bot)
    matter = matter_of(bot, key)
    assert matter is not None

    for name in ("Ann", "Ben"):  # two approvers; for all else one is enough
        monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, bot.clock, name))
        words = matter.command.replace("NAME", name)
        code = run([*shlex.split(words), *bot.places])
        if key != "unapproved":
            break

    assert code == 0
    assert matter_of(bot, key) is None


#: Commands that only look, and what may come of them.
LOOKS: list[tuple[Callable[[RunningBot], object], str]] = [
    (doubt, "HELD/cannot tell whether it is out"),  # asks a server about ADDRESS
    (lambda bot: mark_restored(bot.store._db, "a backup"), "settling"),
    (lambda bot: bot.services.verifier.failing.update(m="no token"), "unchecked/m"),
    (lambda bot: bot.services.inspector.__setattr__("damage", "torn"), "damage@{machine}"),
]


@pytest.mark.parametrize(("come_about", "key"), LOOKS)
def test_a_command_that_only_helps_is_one_that_exists(
    bot: RunningBot,
    come_about: Callable[[RunningBot], object],
    key: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    come_about(bot)
    matter = matter_of(bot, key.format(machine=bot.services.machine))
    assert matter is not None

    code = run([*shlex.split(matter.command), "--help"])

    assert code == 0
    assert matter.command.split()[0] in capsys.readouterr().out
