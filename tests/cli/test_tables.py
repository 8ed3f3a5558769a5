"""Tables of verbs: 80 columns, nothing cut, names of any script."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.app.storage import DataOwner, remember_owner
from bot.cli.main import run
from bot.cli.terminal import WIDTH, wrapped
from bot.content.model import Mode
from bot.content.zones import brief
from tests.fakes.running_bot import DAY, NINE, OWNED, RunningBot, enlist, post

LONG = "coalition-of-families-and-friends-of-the-disappeared-mastodon-01"
POST = LONG.replace("mastodon", "the-post")[:64]
RIGHT_TO_LEFT = "گۈلنار-ئابدۇۋېلى"
ADDRESS = f"https://a-server-with-a-long-name.example/@{LONG}/112233445566778899"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("one", "two"), ["one  two"]),
        (("one", "", "two"), ["one  two"]),
        (("a" * 50, "b" * 40), ["a" * 50, f"    {'b' * 40}"]),
        (("one", "word " * 17), ["one", f"    {'word ' * 14}word", "    word word"]),
        ((f"see {ADDRESS}",), ["see", f"    {ADDRESS}"]),
        (("字" * 50,), ["字" * 38, f"    {'字' * 12}"]),
    ],
)  # fmt: skip
def test_cells_are_laid_out_and_never_cut(cells: tuple[str, ...], expected: list[str]) -> None:
    assert list(wrapped(*cells, indent=4)) == expected


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "Zs"])), max_size=6))
def test_every_sign_is_there_in_its_order_and_every_line_fits(cells: list[str]) -> None:
    found = list(wrapped(*cells))

    plain = "".join("".join(cells).split())
    assert "".join("".join(found).split()) == plain
    assert all(cell_len(line) <= WIDTH or "://" in line for line in found)


def test_one_order_of_dates() -> None:
    assert brief(datetime(2026, 12, 9, 14, 5, tzinfo=UTC), ZoneInfo("America/New_York")) == (
        "9 Dec 2026 09:05"
    )


# -- every table, with the longest names that there can be


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    bot = RunningBot(folder)
    own = f'{{platform: mastodon, server: "https://m.example", {OWNED}}}'
    bot.use(**{LONG: own})
    words = "ئانىلىرىمىز ۋە دادىلىرىمىز قەيەردە؟ بىز جاۋاب كۈتىمىز " * 2
    bot.start_approved(
        post(POST, "lang: ug", at=NINE, words=words),
        post("held", at=NINE + DAY),
    )
    enlist(bot.store, RIGHT_TO_LEFT)
    bot.wait(NINE)
    bot.desk.pause(" ".join(["because the server of our partners is slow"] * 6), by=RIGHT_TO_LEFT)
    bot.wait(NINE + 2 * DAY)
    bot.stop()
    remember_owner(bot.data, DataOwner("test", Mode.LIVE))
    return folder


VERBS = ("deliveries", "held", "status", "corrections", "user list", "audit show")
#: What people paste stays on one line.
COMMANDS = ("  do: ", "decide: ", "or:     ")


@pytest.mark.parametrize("verb", VERBS)
def test_a_table_fits_a_terminal_and_cuts_no_name(
    campaign: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = campaign / "campaign"
    places = ["--config", str(files / "schedule.yaml"), "--posts", str(files / "posts")]

    assert run([*verb.split(), *places, "--data", str(campaign / "data")]) == 0

    shown = capsys.readouterr().out
    wide = [line for line in shown.splitlines() if cell_len(line) > WIDTH]
    assert [line for line in wide if "://" not in line and not line.startswith(COMMANDS)] == []
    assert [word for word in shown.split() if word.endswith("…") and word != "…"] == []
    named = {"deliveries": LONG, "held": "held", "user list": RIGHT_TO_LEFT}
    assert named.get(verb, "") in shown


def test_a_delivery_is_called_by_its_first_words(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = campaign / "campaign"
    places = ["--config", str(files / "schedule.yaml"), "--posts", str(files / "posts")]

    run(["deliveries", "--state", "SENT", *places, "--data", str(campaign / "data")])

    zone, first, account, words, name, *_ = capsys.readouterr().out.splitlines()
    assert zone == "times are in UTC"
    assert first.endswith("SENT       7 Dec 2026 09:00")
    assert (account.strip(), name.strip()) == (LONG, POST)
    assert words.strip().startswith("ئانىلىرىمىز ۋە دادىلىرىمىز")
