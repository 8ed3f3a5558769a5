"""Tables of verbs: 80 columns, nothing cut, names of any script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.app.storage import DataOwner, remember_owner
from bot.cli.main import root, run
from bot.cli.output import Output, _print
from bot.cli.terminal import WIDTH, fitting, table, wrapped
from bot.clock import FastClock
from bot.content.model import Mode
from bot.content.zones import brief
from bot.delivery.answers import Answers
from tests.fakes.campaign_tree import sha256_of
from tests.fakes.running_bot import MINUTE, OWNED, RunningBot, enlist, post

LONG = "coalition-of-families-and-friends-of-the-disappeared-mastodon-01"
POST = LONG.replace("mastodon", "the-post")[:64]
RIGHT_TO_LEFT = "گۈلنار-ئابدۇۋېلى"
_CELL = st.text(st.characters(categories=["L", "N"]), max_size=90)
DESCRIBED = """\
file: خەت.txt
sha256: {sha256}
title: ئوچۇق خەت
attribution: "ئوچۇق خەت، 2022-12-09"
date: 2022-12-09
signatories: [ئۇيغۇرلار]
lang: ug
"""
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

#: Twice as wide as it has letters.
CHINESE, SOURCE, LINK = "父" * 53, "ئوچۇق-خەت", "母" * 53
WIDE_WORDS = "我们的父母在哪里" * 9


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    bot = RunningBot(folder, clock=FastClock(datetime.now(UTC).replace(second=0, microsecond=0)))
    now, day = bot.clock.now(), timedelta(days=1)
    own = f'{{platform: mastodon, server: "https://m.example", {OWNED}}}'
    bot.use(**{LONG: own})
    words = "ئانىلىرىمىز ۋە دادىلىرىمىز قەيەردە؟ بىز جاۋاب كۈتىمىز " * 2
    text = "ئۇلار بىزنىڭ ئانىلىرىمىز. " * 4
    bot.tree.put("posts/sources/خەت.txt", text)
    bot.tree.put(f"posts/sources/{SOURCE}.yaml", DESCRIBED.format(sha256=sha256_of(text)))
    listed = f"  - {{id: {LINK}, outlet: 报, title: 标题}}\n"
    bot.tree.put("posts/sources/investigations.yaml", f"investigations:\n{listed}")
    bot.start_approved(
        post(POST, "lang: ug", at=now + MINUTE, words=words),
        post("held", at=now + day),
        post(CHINESE, "lang: zh", at=now + 2 * day, words=WIDE_WORDS),
        post(
            "unapproved", "lang: ru", f"at: {now + day:%Y-%m-%d %H:%M:%S+00:00}", words="слово " * 9
        ),
    )
    enlist(bot.store, RIGHT_TO_LEFT)
    bot.wait(now + 2 * MINUTE)
    Answers(bot.store, bot.clock).comment(CHINESE, WIDE_WORDS, by=RIGHT_TO_LEFT)
    bot.desk.pause(" ".join(["because the server of our partners is slow"] * 6), by=RIGHT_TO_LEFT)
    bot.wait(now + day + MINUTE)
    bot.stop()
    remember_owner(bot.data, DataOwner("test", Mode.LIVE))
    return folder


#: What people paste stays on one line.
COMMANDS = ("  do: ", "decide: ", "or:     ")
#: Verbs that print a table or a list, as they are called; and what must be in it, whole.
TABLES = {
    "archive show": "not looked at",
    "audit show": RIGHT_TO_LEFT,
    "audit verify": "",
    f"comments {CHINESE}": RIGHT_TO_LEFT,
    "corrections": "",
    "deliveries": LONG,
    "digest --print": "",
    "doctor --no-ask": LONG,
    "engagement": "",
    "engagement --by account": "",
    "held": "held",
    "plan --days 9": LONG,
    "preview --all": LONG,
    "quote ئۇلار": SOURCE,
    "rehearse --days 1": "Approvals were simulated",
    "report": "",
    "status": LONG,
    "user list": RIGHT_TO_LEFT,
}
#: Verbs that say a sentence or a few; `_print` breaks them between words, as the next test sees.
SENTENCES = """
accept-config approve ask-change backup cancel collect comment correct export hide-reply
init kit login move pause probe publish-source refuse republish resolve restore resume
retract retry revoke-quote run site verify withdraw
"""
SENTENCES_OF = """
archive: export link-copy links pages posts
audit: export
contact: address away back
sheet: export import
user: add password pin remove reset roles sign-out token unpin
"""
#: What other programs read, or people paste into a file, has whole lines.
WHOLE = {"check", "excerpt", "schema"}


def leaves(group: click.Group, *before: str) -> Iterator[str]:
    """Yield every verb of the command line."""
    context = click.Context(group)
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if isinstance(verb, click.Group):
            yield from leaves(verb, *before, name)
        else:
            yield " ".join((*before, name))


def test_every_verb_is_tried_or_says_why_not() -> None:
    every = set(leaves(root))
    tried = {verb for verb in every for called in TABLES if f"{called} ".startswith(f"{verb} ")}

    others = (
        WHOLE
        | set(SENTENCES.split())
        | {
            f"{group} {verb}"
            for group, _, verbs in (
                line.partition(": ") for line in SENTENCES_OF.strip().splitlines()
            )
            for verb in verbs.split()
        }
    )
    assert tried | others == every
    assert not tried & others


def too_wide(shown: str) -> list[str]:
    """Return the lines that do not fit, but for what must stay whole."""
    return [
        line
        for line in shown.splitlines()
        if cell_len(line) > WIDTH
        and not line.startswith(COMMANDS)
        and not any("/" in word and cell_len(word) > WIDTH // 2 for word in line.split())
    ]


def test_what_a_verb_says_is_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = [f"{CHINESE}: approved by {RIGHT_TO_LEFT}, {LONG}", f"  {LONG}: {WIDE_WORDS}", "Fine."]

    assert _print(Output({}, said), as_json=None) == 0
    broken = capsys.readouterr().out
    assert _print(Output({}, said, whole=True), as_json=None) == 0
    whole = capsys.readouterr().out

    assert too_wide(broken) == []
    assert whole.splitlines() == said
    assert "".join(broken.split()) == "".join(whole.split())


@pytest.mark.parametrize("called", TABLES)
def test_a_table_fits_a_terminal_and_cuts_no_name(
    campaign: Path, called: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Only words that the campaign's own texts are cut to may end with an ellipsis.
    places = ["--config", "schedule.yaml", "--posts", "posts", "--data"]
    with contextlib.chdir(campaign / "campaign"):
        code = run([*called.split(), *places, str(campaign / "data")])

    shown = capsys.readouterr().out
    assert code == 0 or called.startswith(("doctor", "status", "audit"))
    assert too_wide(shown) == []
    assert [word for word in shown.split() if word.endswith("…") and 1 < len(word) < 7] == []
    assert TABLES[called] in shown


@settings(max_examples=30)
@given(st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), min_size=1, max_size=4))
def test_a_table_of_any_script_fits_and_loses_nothing(rows: list[tuple[str, ...]]) -> None:
    shown = list(table(("post", "ratio", "n", "as of"), rows))

    assert all(cell_len(line) <= WIDTH for line in shown)
    plain = "".join("".join(shown).split())
    for cell in (cell for row in rows for cell in row):
        assert all(piece in plain for piece in cell.split())


def test_a_delivery_is_called_by_its_first_words(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = campaign / "campaign"
    places = ["--config", str(files / "schedule.yaml"), "--posts", str(files / "posts")]

    run(["deliveries", "--state", "SENT", *places, "--data", str(campaign / "data")])

    zone, first, account, words, name, *_ = capsys.readouterr().out.splitlines()
    assert zone == "times are in UTC"
    assert " SENT  " in first
    assert (account.strip(), name.strip()) == (LONG, POST)
    assert words.strip().startswith("ئانىلىرىمىز ۋە دادىلىرىمىز")


def test_a_further_line_of_foreign_words_stands_the_same_whether_it_fits_or_not() -> None:
    long = " ".join(["word"] * 30)

    told = [*fitting(f"a\nshort\n{long}")]

    assert told[1] == "  | short"
    assert told[2].startswith("  | word word")
    assert max(map(len, told)) <= WIDTH
