"""Only plain files inside the campaign's folder are read, and never more than the bounds allow."""

import os
import resource
import socket
from pathlib import Path

import pytest

from bot.content.files import SCHEDULE, Bounds, FileError, FolderTree, StoredTree
from tests.fakes.campaign_tree import CampaignTree


def refusal(tree: FolderTree | StoredTree, name: str, most: int = 1000) -> str:
    with pytest.raises(FileError) as caught:
        tree.read(name, most)
    return str(caught.value)


def test_files_are_listed_in_the_order_of_their_paths(tree: CampaignTree) -> None:
    tree.put("posts/b/z.yaml", "posts: []")
    tree.put("posts/a.yaml", "posts: []")

    names, problems = FolderTree(tree.schedule, tree.posts, Bounds()).list()

    assert not problems
    assert names == (
        "posts/a.yaml",
        "posts/b/z.yaml",
        "posts/main.yaml",
        "posts/sources/investigations.yaml",
        "posts/sources/letter.txt",
        "posts/sources/letter.yaml",
    )


def test_a_link_is_refused_wherever_it_points(tree: CampaignTree) -> None:
    (tree.posts / "copy.yaml").symlink_to(tree.posts / "main.yaml")
    (tree.posts / "outside.yaml").symlink_to("/etc/passwd")
    (tree.posts / "folder").symlink_to(tree.posts / "sources")
    (tree.posts / "nowhere.yaml").symlink_to("nowhere")

    assert tree.errors() == [
        f"posts/{name}:0:0: is a symbolic link; put the file itself here"
        for name in ("copy.yaml", "folder", "nowhere.yaml", "outside.yaml")
    ]


@pytest.fixture
def folder(tree: CampaignTree) -> FolderTree:
    return FolderTree(tree.schedule, tree.posts, Bounds())


def test_a_file_that_becomes_a_link_after_the_listing_is_not_followed(
    tree: CampaignTree, folder: FolderTree
) -> None:
    (tree.posts / "main.yaml").unlink()
    (tree.posts / "main.yaml").symlink_to("/etc/passwd")
    (tree.posts / "sources").rename(tree.posts / "other")
    (tree.posts / "sources").symlink_to(tree.posts / "other")

    assert "too many levels of symbolic links" in refusal(folder, "posts/main.yaml")
    assert refusal(folder, "posts/sources/letter.txt") == "cannot be read (not a directory)"


def test_a_pipe_a_socket_and_a_device_are_no_content(tree: CampaignTree) -> None:
    os.mkfifo(tree.posts / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree.posts / "s.yaml"))

        assert tree.errors() == [
            f"posts/{name}:0:0: is no plain file (a pipe, socket or device); take it away"
            for name in ("pipe.yaml", "s.yaml")
        ]


@pytest.mark.parametrize(
    ("path", "begin"),
    [
        *((path, "is no plain file") for path in ("/dev/null", "/dev/zero", "/", "pipe")),
        # The memory of this process at address 0: the file opens, and reading it fails.
        ("/proc/self/mem", "cannot be read (input/output error)"),
        # It has no size, and is read up to the bound only.
        ("/proc/self/smaps", "has 1,001 bytes"),
    ],
)
def test_a_schedule_that_is_no_plain_file_is_refused_and_holds_nobody_up(
    tmp_path: Path, path: str, begin: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    folder = FolderTree(tmp_path / path, tmp_path, Bounds())

    assert refusal(folder, SCHEDULE).startswith(begin)


def test_a_missing_schedule_and_a_missing_folder_are_two_problems(tmp_path: Path) -> None:
    tree = CampaignTree(tmp_path)
    tree.schedule.unlink()
    tree.posts.rename(tmp_path / "elsewhere")

    assert tree.errors() == [
        "posts:0:0: cannot be read (no such file or directory); a campaign needs a folder of posts",
        "schedule.yaml:0:0: cannot be read (no such file or directory); name it with --config, or"
        " begin a campaign with `init DIR`",
    ]


def test_a_file_that_vanishes_after_the_listing_is_a_problem(
    tree: CampaignTree, folder: FolderTree
) -> None:
    names, _ = folder.list()
    (tree.posts / "main.yaml").unlink()

    assert "posts/main.yaml" in names
    assert refusal(folder, "posts/main.yaml") == "cannot be read (no such file or directory)"


def test_a_gigabyte_is_refused_by_its_size_alone(tree: CampaignTree) -> None:
    with (tree.posts / "large.yaml").open("wb") as file:
        file.truncate(1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert tree.errors() == [
        "posts/large.yaml:0:0: has 1,073,741,824 bytes, and 256,000 are the most; "
        "split it, or make it smaller"
    ]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_too_many_files_are_one_problem(tree: CampaignTree) -> None:
    for number in range(60):
        tree.put(f"posts/many/{number}.yaml", "posts: []")

    assert tree.problems(bounds=Bounds(entries=50)) == [
        "posts/many:0:0: more than 50 files in all; take some away"
    ]


def test_folders_too_deep_are_one_problem(tree: CampaignTree) -> None:
    tree.put("posts/" + "d/" * 12 + "a.yaml", "posts: []")

    assert tree.errors() == ["posts/d/d/d/d/d/d/d/d:0:0: more than 8 folders deep; move it up"]


def test_all_files_together_are_bounded_too(tree: CampaignTree) -> None:
    (problem, *_) = tree.problems(bounds=Bounds(all_text_bytes=300))

    assert problem == (
        "posts/main.yaml:0:0: all files up to here have more than 300 bytes; take some away"
    )


def test_a_name_that_cannot_be_shown_is_refused(tree: CampaignTree) -> None:
    tree.put("posts/a\nb.yaml", "posts: []")
    (tree.posts / os.fsdecode(b"\xff.yaml")).write_bytes(b"posts: []")
    tree.put("posts/c\u202ed.yaml", "posts: []")

    assert tree.errors() == [
        f"posts/{shown}.yaml:0:0: has a name with unusual characters; rename it"
        for shown in (r"\udcff", r"a\nb", r"c\u202ed")
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("posts/a.yml", "rename it to a.yaml; only .yaml files are read"),
        ("posts/notes.txt", "is neither a .yaml file of posts nor a source nor a picture"),
        ("posts/card.PNG", "pictures belong in posts/media; move it there"),
        ("posts/launch/media/card.png", "pictures belong in posts/media; move it there"),
        ("posts/sources/old.txt", "no source names this file; write its .yaml, or take it away"),
        ("posts/readme.md", "is neither a .yaml file of posts nor a source nor a picture"),
    ],
)
def test_a_stray_file_is_an_error(tree: CampaignTree, name: str, what: str) -> None:
    tree.put(name, "x")

    (problem,) = tree.errors()

    assert problem.startswith(f"{name}:0:0: {what}")


@pytest.mark.parametrize(
    "name",
    [
        *(".vscode/settings.json", ".git/config", ".Trash-1000/x", "$RECYCLE.BIN/x", ".idea/a.xml"),
        *(".directory", ".fuse_hidden01", ".goutputstream-AB", "ehthumbs_vista.db", ".localized"),
        *("~syncthing~p.yaml.tmp", ".syncthing.p.yaml.tmp", ".stfolder/x", ".dropbox.attr"),
        *(".sync_ab.db-wal", ".owncloudsync.log", ".p.yaml.swn", ".gitignore", ".editorconfig"),
    ],
)
def test_what_programs_leave_behind_is_left_unread(tree: CampaignTree, name: str) -> None:
    tree.put(f"posts/{name}", "x")

    assert tree.problems() == []


def test_notes_for_editors_and_placeholders_of_git_are_no_strays(tree: CampaignTree) -> None:
    for name in ("README.md", "media/.gitkeep", "launch/README.md"):
        tree.put(f"posts/{name}", "x")

    assert tree.problems() == []


def test_a_stored_tree_reads_what_it_was_given() -> None:
    tree = StoredTree({SCHEDULE: b"a", "posts/a.yaml": b"bc"})

    assert tree.list() == (("posts/a.yaml",), ())
    assert tree.read("posts/a.yaml", 2) == b"bc"
    assert tree.shown("posts/a.yaml") == "posts/a.yaml"
    assert refusal(tree, "posts/b.yaml") == "there is no such file"
    assert "has 2 bytes" in refusal(tree, "posts/a.yaml", 1)
