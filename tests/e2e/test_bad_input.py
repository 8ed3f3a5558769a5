"""Broken and hostile files through `check`: clear lines, exit code 1, in bounded time.

The rows are those of the bad-input matrix (reliability notes, section 7).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bot.cli.main import run
from bot.content.files import Bounds
from tests.fakes.campaign_tree import CampaignTree

#: A file tells this many problems, and how many more there are.
MOST = Bounds().problems + 1
POST = 'posts:\n  - id: bad\n    text: "Hello."\n    queue: excerpts\n    author: me\n'


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    CampaignTree(tmp_path, shipped=True)
    return tmp_path


def places(campaign: Path) -> list[str]:
    files = ["--config", str(campaign / "schedule.yaml"), "--posts", str(campaign / "posts")]
    return [*files, "--data", str(campaign / "data")]


def checked(campaign: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Run `check`; its exit code, and the lines of errors with paths as people see them."""
    code = run(["check", *places(campaign)])
    out = capsys.readouterr().out.replace(f"{campaign}/", "")
    lines = [line for line in out.splitlines() if not re.search(r": (notice|warning): ", line)]
    return code, lines[:-1]


MERGE_BOMB = "a: &a {x: 1}\n" + "".join(
    f"{b}: &{b} {{<<: [{', '.join(['*' + a] * 9)}]}}\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

ROWS = {
    "1 empty": (b"", r":1:1: .*posts"),
    "1 scalar": (b"hello", r":1:1: "),
    "2 utf-16": ("posts: []".encode("utf-16"), r"UTF-8"),
    "2 nul": (b'posts:\n  - id: "a\x00b"\n', r":2:\d+: "),
    "2 control": (b'posts:\n  - id: "a\x1bb"\n', r":2:\d+: "),
    "3 duplicate key": (POST.encode() + b"    text: again\n", r":6:5: .*line 3"),
    "4 misspelt key": (POST.replace("text:", "txet:").encode(), r":3:5: .*did you mean 'text'"),
    "5 anchor": (b"posts: &all []\n", r":1:8: .*anchor"),
    "5 alias": (b"posts: [*all]\n", r":1:9: .*alias"),
    "6 merge-key bomb": (MERGE_BOMB.encode(), r":1:\d+: "),
    "7 deep flow": (b"[" * 100_000, r":1:\d+: "),
    "7 deep maps": (b"{" * 9_000, r":1:\d+: "),
    "7 deep blocks": (b"- " * 50_000, r":1:\d+: "),
    "8 python tag": (b'posts: !!python/object/apply:os.system ["true"]\n', r":1:8: .*tag"),
    "8 binary tag": (b"posts: !!binary aGk=\n", r":1:8: .*tag"),
    "10 two documents": (POST.encode() + b"---\n" + POST.encode(), r":6:1: "),
    "12 impossible date": (
        POST.replace("queue: excerpts", "at: 2026-13-45 09:00").encode(), r":4:9: .*at"),
    "12 leap second": (
        POST.replace("queue: excerpts", "at: 2027-06-01 09:00:60").encode(), r":4:9: .*at"),
    "13 skipped hour": (
        POST.replace("queue: excerpts", "at: 2027-03-14 02:30").encode(), r":4:9: .*03:30"),
    "14 far ahead": (
        POST.replace("queue: excerpts", "at: 2031-01-01 09:00").encode(), r":4:9: .*confirm"),
    "18 lone surrogate": (b'posts:\n  - id: "\\ud800"\n', r":2:\d+: "),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_bad_file_is_told_in_clear_lines(
    row: str, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, wanted = ROWS[row]
    (campaign / "posts" / "bad.yaml").write_bytes(content)

    code, lines = checked(campaign, capsys)

    assert code == 1
    assert all(line.startswith("posts/bad.yaml:") for line in lines)
    assert any(re.search(wanted, line) for line in lines), lines
    assert len(lines) <= MOST


@pytest.mark.parametrize("text", ["no", "on", "12:30", "017", "1_000", "1e3", ".inf", "~", "null"])
def test_what_looks_like_a_number_or_a_truth_stays_the_text_that_was_typed(
    text: str, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = POST.replace('text: "Hello."', f"text: {text}")
    (campaign / "posts" / "bad.yaml").write_text(plain, encoding="utf-8")

    assert run(["preview", "bad", *places(campaign)]) == 0

    assert f"  │ {text}\n" in capsys.readouterr().out


def test_a_file_that_is_no_file_does_not_hang_or_stop_the_rest(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(campaign / "posts" / "pipe.yaml")
    (campaign / "posts" / "link.yaml").symlink_to("/etc/passwd")
    (campaign / "posts" / "bad.yaml").write_text("posts: 3\n", encoding="utf-8")

    code, lines = checked(campaign, capsys)

    assert code == 1
    assert {line.split(":")[0] for line in lines} == {
        "posts/pipe.yaml", "posts/link.yaml", "posts/bad.yaml",
    }  # fmt: skip


def bytes_read() -> int:
    """Return how much this process has read so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


def test_a_huge_file_is_refused_unread(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (campaign / "posts" / "bad.yaml").open("wb") as file:
        file.truncate(1_000_000_000)
    before = bytes_read()

    code, lines = checked(campaign, capsys)

    assert code == 1
    assert len(lines) == 1
    assert bytes_read() - before < 100_000_000


def test_all_problems_of_all_files_are_told_at_once(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = POST.replace("queue: excerpts", "queue: nowhere").replace("author", "auhtor")
    (campaign / "posts" / "one.yaml").write_text(two, encoding="utf-8")
    (campaign / "posts" / "two.yaml").write_text("posts: &x []\n", encoding="utf-8")
    with (campaign / "schedule.yaml").open("a", encoding="utf-8") as file:
        file.write("mood: bright\n")

    _code, lines = checked(campaign, capsys)

    assert {line.split(":")[0] for line in lines} == {
        "posts/one.yaml", "posts/two.yaml", "schedule.yaml",
    }  # fmt: skip
    assert len(lines) >= 4
