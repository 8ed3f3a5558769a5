"""`check` of a pull request, over a real git repository: what is new, and a page that shows it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.content import prove_files
from bot.cli.main import run
from bot.cli.pull_request import ChangedPosts, annotation, write_summary
from bot.errors import Problem, Severity
from bot.platforms.status import LinkCard, Status
from tests.conftest import ROOT, require_tool
from tests.fakes.campaign_tree import CampaignTree

#: Brings a notice: leap years only.
PLAIN = """\
posts:
  - id: plain
    text: The walls of Hotan are high.
    every_year: {on: 02-29, at: "09:00"}
"""


class PullRequest:
    """A campaign's repository, whose last commit is the base."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.tree = CampaignTree(folder / "campaign")
        self.tree.put("posts/plain.yaml", PLAIN)
        self.page, self.data, self._capsys = folder / "summary.md", folder / "data", capsys
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *words: str) -> None:
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")}  # fmt: skip
        known = {"PATH": os.environ["PATH"], "HOME": str(self.tree.schedule.parent), **who}
        where = self.tree.schedule.parent
        subprocess.run([require_tool("git"), *words], cwd=where, env=known, check=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "x")

    def check(self, *words: str) -> tuple[int, list[str]]:
        self._capsys.readouterr()
        code = run(["check", *words, *self.tree.places(self.data)])
        out, err = self._capsys.readouterr()
        return code, (out + err).splitlines()

    def summary(self, base: str = "HEAD") -> str:
        code, lines = self.check("--base", base, "--summary", str(self.page))
        assert code == 0, lines
        return self.page.read_text(encoding="utf-8")


@pytest.fixture
def change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> PullRequest:
    return PullRequest(tmp_path, capsys)


def test_only_what_the_base_does_not_have_is_told(change: PullRequest) -> None:
    _, before = change.check("--format", "github")
    assert before
    change.tree.put("posts/plain.yaml", "# One line more.\n" + PLAIN)
    change.tree.put_post(
        "text: The gates of Kashgar are shut.", 'every_year: {on: 02-29, at: "10:00"}'
    )

    _, new = change.check("--format", "github", "--base", "HEAD")
    _, all_of_it = change.check("--format", "github")

    assert set(new) < set(all_of_it)
    assert new == [line for line in all_of_it if "posts/p.yaml" in line]
    assert new


def test_an_error_is_told_though_the_base_has_it_too(change: PullRequest) -> None:
    change.tree.put("posts/plain.yaml", PLAIN.replace("text:", "txt:"))
    change.commit()

    code, lines = change.check("--format", "github", "--base", "HEAD")

    assert code == 1
    assert any(line.startswith("::error file=") and "title=unknown-key" in line for line in lines)


def test_the_page_shows_the_posts_that_are_new_changed_or_taken_out(change: PullRequest) -> None:
    change.tree.change("posts/main.yaml", "mothers and fathers", "mothers and fathers, and")
    change.tree.put_post("text: The gates of Kashgar are shut.", "link: known", "queue: main")
    (change.tree.posts / "plain.yaml").unlink()

    page = change.summary()

    assert "<h3>New: <code>p</code></h3>" in page
    assert "<h3>Changed: <code>first</code></h3>" in page
    assert "<h3>Taken out: <code>plain</code></h3>" in page
    assert "<b><code>masto</code></b>: " in page
    assert " of 500" in page
    assert "<blockquote><code>A title</code>" in page
    assert "The gates of Kashgar are shut." in page


def test_a_change_of_the_schedule_shows_the_posts_that_look_otherwise_now(
    change: PullRequest,
) -> None:
    change.tree.change("schedule.yaml", "  blue: {platform: bluesky}\n", "")

    assert "<h3>Changed: <code>plain</code></h3>" in change.summary()


def test_moved_lines_change_no_post(change: PullRequest) -> None:
    change.tree.put("posts/plain.yaml", f"# One line more.\n{PLAIN}")

    page = change.summary()

    assert "No post is added, changed or taken out." in page


def test_a_base_without_a_campaign_makes_all_posts_new(change: PullRequest) -> None:
    change.git("checkout", "--quiet", "--orphan", "empty")
    change.git("rm", "--quiet", "-r", "--cached", ".")
    change.git("commit", "--quiet", "--allow-empty", "-m", "empty")

    assert "<h3>New: <code>first</code></h3>" in change.summary()


@pytest.mark.parametrize("name", ["nowhere", "--upload-pack=touch x", "HEAD:posts"])
def test_a_base_that_is_no_commit_is_told(change: PullRequest, name: str) -> None:
    code, lines = change.check(f"--base={name}")

    assert code == 1
    assert "no commit is called" in lines[0]


def test_json_has_the_problems_that_are_new(change: PullRequest) -> None:
    code, lines = change.check("--base", "HEAD", "--json")

    assert code == 0
    assert json.loads("\n".join(lines))["problems"] == []


def unescaped(value: str) -> str:
    """Return a property as the job's runner reads it."""
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        value = value.replace(code, char)
    return value


@given(st.text(), st.text(), st.text())
def test_no_text_ends_an_annotation_or_begins_another(file: str, where: str, text: str) -> None:
    line = annotation(Problem(file, 3, 7, where, text, Severity.WARNING, "rule"))

    assert "\n" not in line
    assert "\r" not in line
    properties, _, message = line.removeprefix("::warning ").partition("::")
    values = dict(each.split("=", 1) for each in properties.split(","))
    assert unescaped(values.get("file", "")) == file
    assert values["line"] == "3"
    expected = f"{where}: {text}" if where else text
    assert message == expected.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


HOSTILE = "</pre>\n\n# Approved by all\n\n<img src=x onerror=alert(1)> **bold** ```\n| a | b |"


def test_no_text_becomes_markup_of_the_page(change: PullRequest) -> None:
    # `check` refuses most of it; the page does not count on that.
    posts = ChangedPosts.between(None, prove_files(change.tree.schedule, change.tree.posts))
    assert posts
    shown = Status(HOSTILE, warning=HOSTILE, card=LinkCard(HOSTILE, HOSTILE, HOSTILE))
    texts = {key: replace(text, statuses=(shown,), lengths=(1,))
             for key, text in posts.whole.texts.items()}  # fmt: skip
    hostile = replace(posts, whole=replace(posts.whole, texts=texts), removed=(HOSTILE,))
    write_summary(change.page, [Problem("f`\n# x", 1, 1, HOSTILE, HOSTILE)], hostile)
    page = change.page.read_text(encoding="utf-8")
    assert page.count("# Approved by all") > 5

    known = {"h2", "h3", "p", "table", "tr", "th", "td", "code", "b", "pre", "blockquote", "br"}
    assert Tags(page).tags <= known
    # Outside <pre> no line is foreign: Markdown begins on a line of its own.
    outside = "".join(part.rpartition("</pre>")[2] for part in page.split("<pre"))
    assert [line for line in outside.splitlines() if line and not line.startswith("<")] == []


@pytest.mark.parametrize("folder", [ROOT, ROOT / "bot" / "cli" / "starter"])
def test_the_job_compares_with_what_it_would_be_merged_into(folder: Path) -> None:
    job = (folder / ".github" / "workflows" / "check-posts.yml").read_text(encoding="utf-8")

    assert 'check --format github --base HEAD^1 --summary "$GITHUB_STEP_SUMMARY"' in job
    assert "--depth 2" in job
