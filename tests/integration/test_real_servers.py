"""A whole bot on servers with Mastodon's API that are unlike it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.cli.main import run
from bot.delivery.model import State
from bot.delivery.store import DIFFERS
from bot.errors import DecisionError
from bot.operations.model import EVENT, ServiceStatus
from bot.operations.status import status_of
from bot.settings.environment import Settings
from tests.fakes.people import token_of
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post
from tests.faults.quirk_storm import QuirkStorm, Weather

Make = Callable[..., QuirkStorm]


@pytest.fixture
def on_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Return a maker of bots on servers with these behaviours, in calm weather."""
    monkeypatch.setenv("VERBATIM_M_ACCESS_TOKEN", "token-of-the-mastodon-account")
    made: list[QuirkStorm] = []

    def make(*behaviours: str, visibility: str = "public") -> QuirkStorm:
        made.append(QuirkStorm(tmp_path / "one", Weather(0, behaviours, visibility, 0)))
        return made[-1]

    yield make
    for one in made:
        one.bot.stop()
        one.server.close()


def status(bot: RunningBot) -> ServiceStatus:
    return status_of(bot.store, bot.services.contents.campaign().schedule, bot.clock)


def differing(bot: RunningBot) -> list[str]:
    texts = (matter.text for matter in status(bot).matters if matter.key.startswith(EVENT))
    return [text for text in texts if text.startswith(DIFFERS)]


# 6: what was taken otherwise than it was sent


def test_people_are_told_once_what_a_server_made_of_a_post_and_the_log_keeps_it(
    on_server: Make,
) -> None:
    one = on_server("drops languages", "makes everything public", visibility="unlisted")
    one.bot.start_approved(post("one", at=NINE))

    one.bot.wait(NINE + MINUTE)

    told = "its language is not kept, not en; it is public, not unlisted"
    why = f"{told}; {one.bot.row().url}"
    assert differing(one.bot) == [f"{DIFFERS}: one on m (receipt): {why}"]
    assert [row.why for row in one.bot.store.audit.rows() if row.verb == DIFFERS] == [why]


def test_a_lost_post_that_is_found_is_compared_too(on_server: Make) -> None:
    one = on_server("drops languages")
    one.server.quirks.loses_answers = 1
    one.bot.start_approved(post("one", at=NINE))

    one.bot.wait(NINE + 10 * MINUTE)

    assert one.bot.row().state is State.SENT
    assert "its language is not kept" in differing(one.bot)[0]


# 10: an address, and the id behind it


def test_an_address_is_kept_as_the_id_that_the_server_uses(on_server: Make) -> None:
    one = on_server()
    one.bot.start_with(post("one", at=NINE))
    one.bot.wait(NINE + MINUTE)
    mine = one.server.post("words", url="https://social.example/notes/of-us")
    theirs = one.server.post("words", account={"id": "8"})

    with pytest.raises(DecisionError, match="m shows no status of its own there"):
        one.bot.desk.resolve(one.bot.row().id, "https://social.example/notes/another", by="Ann")
    with pytest.raises(DecisionError, match="m shows no status of its own there"):
        one.bot.desk.resolve(one.bot.row().id, theirs["url"] + "0", by="Ann")
    one.server.quirks.page_in_front = 403
    with pytest.raises(DecisionError, match="could not be read, so try again"):
        one.bot.desk.resolve(one.bot.row().id, mine["url"], by="Ann")
    one.server.quirks.page_in_front = 0
    one.bot.desk.resolve(one.bot.row().id, mine["url"], by="Ann")

    assert (one.bot.row().remote_id, one.bot.row().url) == (mine["id"], mine["url"])


# 3: a request that outlives the wait


@pytest.mark.parametrize("seconds", [1, 95, 290])
def test_a_request_that_waits_for_a_lock_is_not_sent_again(on_server: Make, seconds: int) -> None:
    one = on_server("forgets keys")
    one.server.quirks.insert_waits = seconds
    one.bot.start_approved(post("one", at=NINE))

    one.bot.wait(NINE + 20 * MINUTE)

    assert one.bot.row().state is State.SENT
    assert len(one.server.taken) == 1


# 10: an outage


def test_an_outage_ends_in_order_of_due_time_and_status_shows_what_is_overdue(
    on_server: Make,
) -> None:
    one = on_server()
    names = ("one", "two", "three")
    one.bot.start_approved(*(post(each, at=NINE + n * MINUTE) for n, each in enumerate(names)))
    one.bot.wait(NINE - MINUTE)
    one.server.quirks.page_in_front = 503
    one.bot.wait(NINE + 7 * MINUTE)
    assert [account.overdue_seconds for account in status(one.bot).accounts] == [420]

    one.server.quirks.page_in_front = 0
    one.bot.wait(NINE + 14 * MINUTE)

    assert [text.split("a")[0] for text, _ in one.server.taken] == ["one", "two", "three"]


# A probe


def test_a_probe_s_answers_are_kept_and_used(
    on_server: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = on_server("drops languages", "strips alternative texts", "forgets keys", "has no batches")
    one.server.quirks.instance_v2 = {"title": "Social", "version": "4.5.0"}
    one.bot.machine = Settings().machine_id()
    one.bot.write(post("one", 'media: [{file: media/a.png, alt: "A <b>square</b>"}]', "lang: de"))
    one.bot.start()
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(one.bot.store, one.bot.clock, "Op"))

    assert run(["probe", "m", "--as", "Op", *one.bot.places]) == 0
    assert "lists public statuses: yes" in capsys.readouterr().out
    assert one.server.taken == []
    assert run(["probe", "m", "--post", "--as", "Op", *one.bot.places]) == 0

    told = capsys.readouterr().out
    assert "CANNOT language: its language is not kept, not en" in told
    assert "CANNOT keys" in told
    assert "can    finds" in told
    assert len(one.server.taken) == 3
    assert [status["text"] for status in one.server.statuses] == ["An older status."]
    # From the next start on the adapter knows, and with the next look `check` does too.
    one.bot.restart()
    one.bot.work()
    state = one.bot.store.accounts.get("m")
    assert state is not None
    assert state.limits is not None
    assert not state.limits.keeps_language
    assert not state.abilities_at(
        one.bot.services.contents.campaign().schedule.accounts["m"].destination
    )["numbers in batches"]
    assert run(["doctor", *one.bot.places]) in {0, 1}
    told = capsys.readouterr().out
    assert "lists public statuses: yes" in told
    assert "probe:" not in told
    one.server.quirks.instance_v2 = {"title": "Social", "version": "4.6.0"}
    assert run(["doctor", *one.bot.places]) in {0, 1}
    told = capsys.readouterr().out
    assert "probe: it was Social 4.5.0 then; do `probe m --post` again" in " ".join(told.split())
