"""A campaign is loaded as a whole or not at all, and the same from disk and from the database."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.content.files import FolderTree, StoredTree
from bot.content.loading import Loaded, load
from bot.errors import Severity
from tests.conftest import ROOT
from tests.fakes.campaign_tree import NOW, CampaignTree, inspect, line_of, picture, spec


@pytest.fixture
def tree(tree: CampaignTree) -> CampaignTree:
    tree.put("posts/media/card.png", picture())
    tree.put_post("text: x", "queue: main", "media: [{file: media/card.png, alt: A}]")
    return tree


def reloaded(loaded: Loaded) -> Loaded:
    return load(StoredTree(loaded.files), specs=spec(), inspect=inspect, now=NOW)


def test_all_that_was_read_is_given_back_by_its_name_in_the_campaign(tree: CampaignTree) -> None:
    files = tree.load().files

    assert list(files) == [
        "posts/main.yaml",
        "posts/media/card.png",
        "posts/p.yaml",
        "posts/sources/investigations.yaml",
        "posts/sources/letter.txt",
        "posts/sources/letter.yaml",
        "schedule.yaml",
    ]
    assert files["posts/media/card.png"] == picture()
    assert files["schedule.yaml"] == tree.schedule.read_bytes()


def test_what_was_read_loads_again_without_the_disk(tree: CampaignTree) -> None:
    loaded = tree.load()

    again = reloaded(loaded)

    assert again.campaign
    assert loaded.campaign
    assert again.tree_sha256 == loaded.tree_sha256 == loaded.campaign.tree_sha256
    assert [post.id for post in again.campaign.posts] == ["first", "p"]
    assert again.campaign.posts[1].media[0].sha256 == loaded.campaign.posts[1].media[0].sha256
    assert again.campaign.posts[0].place.file == "posts/main.yaml"


def test_bytes_come_back_exactly_even_with_a_byte_order_mark(tree: CampaignTree) -> None:
    raw = b"\xef\xbb\xbf" + (tree.posts / "main.yaml").read_bytes().replace(b"\n", b"\r\n")
    tree.put("posts/main.yaml", raw)
    loaded = tree.load()

    # As text in the database.
    assert loaded.files["posts/main.yaml"].decode().encode() == raw
    assert reloaded(loaded).tree_sha256 == loaded.tree_sha256


def test_the_hash_is_of_content_not_of_where_it_lies(tree: CampaignTree, tmp_path: Path) -> None:
    before = tree.load().tree_sha256
    other = tmp_path / "other"
    other.mkdir()
    tree.schedule.rename(other / "plan.yaml")
    tree.posts.rename(other / "texts")

    moved = FolderTree(other / "plan.yaml", other / "texts")

    loaded = load(moved, specs=spec(), inspect=inspect, now=NOW)

    assert loaded.tree_sha256 == before
    assert loaded.campaign
    assert loaded.campaign.posts[0].place.file == str(other / "texts" / "main.yaml")


@pytest.mark.parametrize(
    ("name", "content", "is_changed"),
    [
        ("posts/main.yaml", "# changed\nposts: []", True),
        ("posts/media/card.png", picture(9, 9), True),
        ("posts/more.yaml", "posts: []", True),
        ("posts/stray.txt", "x", True),
        ("posts/media/unused.png", picture(), False),
    ],
)
def test_any_change_of_what_is_read_changes_the_hash_and_so_does_an_error(
    tree: CampaignTree, name: str, content: str | bytes, is_changed: bool
) -> None:
    before = tree.load().tree_sha256

    tree.put(name, content)

    assert (tree.load().tree_sha256 != before) is is_changed


def test_one_error_anywhere_keeps_the_whole_campaign_back(tree: CampaignTree) -> None:
    tree.put("posts/bad.yaml", "posts: [{id: bad, queue: main}]")

    loaded = tree.load()

    assert loaded.campaign is None
    assert [one.severity for one in loaded.problems] == [Severity.ERROR]


def test_what_can_be_read_in_spite_of_errors_is_there_to_find_more(tree: CampaignTree) -> None:
    tree.put("posts/bad.yaml", "posts: [{id: bad, queue: main}, {id: fine, text: x, queue: main}]")
    tree.put("posts/link.yaml", "posts: [{id: link, text: x, queue: main, link: known}]")
    tree.change("posts/sources/investigations.yaml", "outlet: Paper, title: A title, ", "")
    tree.change("posts/sources/letter.yaml", "title: Open letter", "titel: Open letter")

    loaded = tree.load()

    assert loaded.campaign is None
    assert loaded.readable
    assert [post.id for post in loaded.readable.posts] == ["fine", "p"]


def test_problems_are_sorted_by_file_line_and_column(tree: CampaignTree) -> None:
    for name in ("z", "a", "m"):
        tree.put(f"posts/{name}.yaml", "posts:\n  - {id: X, queue: no}\n  - {text: 1}\n")

    problems = tree.load().problems

    assert list(problems) == sorted(problems)
    assert len({one.file for one in problems}) == 3


def test_an_empty_tree_from_the_database_is_a_list_of_problems() -> None:
    loaded = load(StoredTree({}), specs=spec(), inspect=inspect, now=NOW)

    assert loaded.campaign is None
    assert [line_of(one) for one in loaded.problems] == ["schedule.yaml:0:0: there is no such file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read as somebody else")
def test_an_unreadable_file_is_a_problem() -> None:
    """Run as somebody else, as root may read everything."""
    program = (
        "import os, sys; os.umask(0o022); "
        "from pathlib import Path; from tests.fakes.campaign_tree import "
        "CampaignTree; root = Path(sys.argv[1]); tree = CampaignTree(root); root.chmod(0o755); "
        "tree.load(); "  # imports what somebody else may not be able to
        "(tree.posts / 'main.yaml').chmod(0); (tree.posts / 'closed').mkdir(0); "
        "os.setuid(65534); print(*tree.problems(), sep='\\n')"
    )
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.splitlines() == [
        "posts/closed:0:0: cannot be read (permission denied)",
        "posts/main.yaml:0:0: cannot be read (permission denied)",
    ]
