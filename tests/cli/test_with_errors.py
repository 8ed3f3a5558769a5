"""What verbs still do while one file has errors, and what `check` tells once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.app.content import Paths
from bot.app.new_campaign import example_files
from bot.cli import numbers
from bot.cli.content import checked_again
from bot.cli.main import run
from bot.db.lock import ProcessLock
from bot.engagement.presenter import Grid
from bot.settings.private import prepare_data
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import small_campaign

Said = tuple[int, str]


@pytest.fixture
def tree(tmp_path: Path) -> CampaignTree:
    """Return a campaign with one good post, a wrong one, and a file that is no YAML."""
    tree = CampaignTree(tmp_path)
    tree.put_post("text: They say “never”", "queue: main")
    tree.put("posts/broken.yaml", "posts: [\n")
    return tree


def say(tree: CampaignTree, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    code = run([*words, *tree.places()])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_quotation_is_found_though_the_schedule_is_broken(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.put("schedule.yaml", "campaign: [\n")

    code, said = say(tree, capsys, "quote", "They are our mothers")

    assert code == 0
    assert "⟦They are our mothers⟧" in said


def test_good_posts_are_shown_and_the_others_are_named(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = say(tree, capsys, "preview", "--all")

    assert code == 1
    assert "“They are our mothers and fathers”" in said
    said = " ".join(said.split())
    assert "left out: " in said
    assert "p.text: character 11: “never” stands in quotation marks" in said
    assert "broken.yaml:" in said


def test_a_wrong_post_says_what_is_wrong_with_it(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tree, capsys, "preview", "first")[0] == 0
    code, said = say(tree, capsys, "preview", "p")

    assert code == 1
    assert "stands in quotation marks" in said
    assert "broken.yaml" not in said


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("preview", "frist"), "no post is called 'frist'; did you mean 'first'?"),
        (("excerpt", "They", "--source", "lettr"), "did you mean 'letter'?"),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], shown: str
) -> None:
    code, said = say(CampaignTree(tmp_path), capsys, *words)

    assert code == 1
    assert shown in " ".join(said.split())


def test_a_campaign_begins_with_a_platform_by_its_other_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("We ask you to open every door of this house today.\n", encoding="utf-8")

    code = run(["init", str(tmp_path / "new"), "--letter", str(letter), "--account", "Twitter"])

    assert code == 1
    assert "no platform is called 'Twitter'; write x" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("account", "line"),
    [
        ("mastodon=social.example", 'platform: mastodon, server: "https://social.example"}'),
        ("mastodon=@us@social.example", 'server: "https://social.example", handle: "us"}'),
        (
            "mastodon=https://social.example",
            'platform: mastodon, server: "https://social.example"}',
        ),
        ("bluesky=us.example", 'platform: bluesky, handle: "us.example"}'),
        ("bluesky=https://pds.example", 'platform: bluesky, server: "https://pds.example"}'),
    ],
)
def test_a_new_account_has_the_place_that_is_meant(account: str, line: str) -> None:
    assert line in example_files([account])["schedule.yaml"].decode()


def test_one_rehearsal_at_a_time_has_a_folder(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = ProcessLock(prepare_data(tree.posts.parent / "data") / "rehearse.lock")
    assert lock.acquire()

    code, said = say(tree, capsys, "rehearse", "--days", "1")

    assert code == 1
    assert "another rehearsal is at work in " in said


def test_a_rehearsal_goes_on_with_the_good_posts(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = say(tree, capsys, "rehearse", "--days", "8", "--json")

    found = json.loads(said)
    assert code == 1
    assert {row["post_id"] for row in found["deliveries"]} == {"first"}
    files = {str(tree.posts / name) for name in ("p.yaml", "broken.yaml")}
    assert {each["file"] for each in found["left_out"]} == files


def test_a_rehearsal_passes_over_what_a_live_campaign_has_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = small_campaign(tmp_path)
    tree.put_post("text: Look", "at: 2020-12-09 09:00")

    code, said = say(tree, capsys, "rehearse", "--days", "1")

    assert "left out" not in said
    assert code == 0


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("schedule.yaml", "timezone: ", "quiet: [2026-13-01]\ntimezone: "),
        ("posts/sources/letter.yaml", 'letter, December 9, 2022"', 'letter"'),
        ("posts/sources/investigations.yaml", "https://", "http:/"),
    ],
)
@pytest.mark.parametrize("verb", [("preview", "--all"), ("preview", "first"), ("rehearse",)])
def test_nothing_is_shown_while_schedule_source_or_link_is_wrong(
    tree: CampaignTree,
    capsys: pytest.CaptureFixture[str],
    file: str,
    old: str,
    new: str,
    verb: tuple[str, ...],
) -> None:
    tree.change(file, old, new)

    code, said = say(tree, capsys, *verb)

    assert code == 1
    assert f"{Path(file).name}:" in said
    assert "mothers and fathers" not in said


def test_what_keeps_accounts_from_going_live_keeps_nobody_from_looking(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.change("schedule.yaml", "campaign: test", "campaign: test\nmode: live")

    code, said = say(tree, capsys, "preview", "first")

    assert code == 0
    assert "mothers and fathers" in said


def test_a_notice_that_repeats_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = CampaignTree(tmp_path)
    for name in "abcde":
        tree.put(
            f"posts/{name}.yaml",
            f"posts: [{{id: {name}, text: Look &amp; see {name}, queue: main}}]",
        )

    code, said = say(tree, capsys, "check")

    assert code == 0
    assert said.count("is markup") == 1
    assert "[markup] (4 more: " in said
    assert "5 warning(s)" in said


def test_a_time_that_is_long_past_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = CampaignTree(tmp_path)
    tree.put_post("text: Look", "at: 2020-12-09 09:00")

    code, said = say(tree, capsys, "check")

    assert code == 1
    assert "write a time to come [time-past]" in said


@pytest.mark.parametrize("columns", [3, 12])
def test_a_table_fits_eighty_columns_and_nothing_is_cut(
    columns: int,
) -> None:
    names = tuple(f"Number {number}" for number in range(columns))
    rows = (("coalition-mastodon-account", *map(str, range(columns))),)

    said = "\n".join(numbers._grid(Grid("", ("Account",), names, rows)))

    assert all(len(line) <= 80 for line in said.splitlines())
    assert "…" not in said
    assert "coalition-mastodon-account" in said
    assert all(name.lower() in " ".join(said.split()) for name in names)


def test_a_check_that_watches_tells_of_each_change(tree: CampaignTree) -> None:
    paths = Paths(tree.schedule, tree.posts, tree.posts.parent / "data")
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 2:  # nothing changed at the first look
            tree.put("posts/broken.yaml", "posts: []\n")
        return len(waits) == 4

    first, second = checked_again(paths, wait)

    assert "posts/broken.yaml" in str(first.errors)
    assert "posts/broken.yaml" not in str(second.errors)
    assert "quotation" in str(second.errors)
