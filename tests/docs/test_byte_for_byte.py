"""A checkout has the same bytes on every system: a quotation is proved against a file's hash."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from bot.app.new_campaign import example_files
from bot.cli.composing import write_files
from bot.cli.main import run
from tests.conftest import ROOT, require_tool
from tests.docs.tree import files, read
from tests.fakes.bare import copy_of_tree

SOURCES = Path("posts/sources")
DESCRIBED = {
    path: yaml.safe_load(read(path))
    for path in files(".yaml")
    if path.parent == SOURCES and path.name != "investigations.yaml"
}
#: As git is set up on Windows by its installer.
WINDOWS = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
EXACT = [
    *(str(SOURCES / described["file"]) for described in DESCRIBED.values()),
    *(str(path) for path in files() if path.is_relative_to("tests/fixtures")),
    *(str(path) for path in files(".png", ".otf", ".ttf", ".db")),
]


def git(folder: Path, *words: str) -> str:
    """Run git without the settings of whoever works on this machine."""
    nobody = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    environment = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        [require_tool("git"), *nobody, *words],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


def checked_out(folder: Path, *, attributes: bool) -> Path:
    """Return a checkout of this tree as on Windows."""
    origin = copy_of_tree(folder / "origin")
    (origin / ".gitattributes").write_text(read(".gitattributes") if attributes else "")
    return cloned(origin)


def cloned(origin: Path) -> Path:
    git(origin, "init", "--quiet")
    git(origin, *WINDOWS, "add", "--all")
    git(origin, "commit", "--quiet", "--message=all")
    git(origin.parent, *WINDOWS, "clone", "--quiet", str(origin), "clone")
    return origin.parent / "clone"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checked_out(tmp_path_factory.mktemp("windows"), attributes=True)


def changed(clone: Path) -> set[str]:
    kept = {path: (clone / path).read_bytes() for path in files()}
    return {str(path) for path, content in kept.items() if content != (ROOT / path).read_bytes()}


def test_git_leaves_alone_what_is_quoted_hashed_or_compared(clone: Path) -> None:
    told = git(clone, "check-attr", "-z", "text", "--", *EXACT).split("\0")

    assert dict(zip(told[0::3], told[2::3], strict=False)) == dict.fromkeys(EXACT, "unset")


def test_a_checkout_on_windows_has_every_byte(clone: Path) -> None:
    assert changed(clone) == set()


def test_every_source_there_has_the_hash_that_its_description_says(clone: Path) -> None:
    hashes = {
        path.stem: sha256((clone / SOURCES / described["file"]).read_bytes()).hexdigest()
        for path, described in DESCRIBED.items()
    }

    assert "letter" in hashes
    assert hashes == {path.stem: described["sha256"] for path, described in DESCRIBED.items()}


def check(campaign: Path) -> int:
    places = {"config": "schedule.yaml", "posts": "posts", "data": "data"}
    return run(["check", *(f"--{name}={campaign / path}" for name, path in places.items())])


def test_check_is_green_there(clone: Path) -> None:
    assert check(clone) == 0


def test_a_campaign_that_init_writes_is_kept_so_too(tmp_path: Path) -> None:
    write_files(tmp_path / "new", example_files(["mastodon"]))

    assert check(cloned(tmp_path / "new")) == 0


def test_without_the_attributes_the_letter_would_change(tmp_path: Path) -> None:
    clone = checked_out(tmp_path, attributes=False)

    assert "posts/sources/2022-12-09-open-letter.txt" in changed(clone)
