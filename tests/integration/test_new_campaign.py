"""From a letter, in whatever format people have it, to a campaign that passes and a month of it."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path

import pytest

from bot.app.content import Paths, prove_files
from bot.app.new_campaign import CampaignChoices, letter_files
from bot.app.rehearsal import rehearse
from bot.cli.composing import write_files
from bot.cli.main import run
from bot.clock import FastClock
from bot.content.documents import read_document
from tests.fakes.campaign_tree import NOW
from tests.fakes.documents import LINKED, TEXT, write_letters

ENDINGS = ("docx", "odt", "md", "txt")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_letter_of_any_format_becomes_a_campaign_that_passes(tmp_path: Path, ending: str) -> None:
    letter = write_letters(tmp_path)[ending]

    files, _notes = letter_files(
        letter, CampaignChoices(timezone="Europe/Paris"), clock=FastClock(NOW)
    )

    write_files(tmp_path / "new", files)
    proved = prove_files(
        tmp_path / "new/schedule.yaml", tmp_path / "new/posts", clock=FastClock(NOW)
    )
    campaign = proved.rendered.campaign
    source = campaign.sources["letter"]
    assert proved.errors == ()
    assert (source.text, source.title) == (TEXT, "Open letter on the lake of Arden")
    assert source.date == date(2025, 3, 3)
    assert source.signatories == ("Neighbors of the Lake", "Union of Mill Workers")
    assert source.graphic == (
        ("Eleven workers of the mill were beaten when they spoke of it.", ""),
    )
    assert {first.strip() for first, _ in source.never} >= {
        "3 March 2025", "Dear members of the council,", "In solidarity,", "Further reading:",
        "What happened to our people",
    }  # fmt: skip
    lead, radio = campaign.investigations.values()
    assert (lead.outlet, lead.title) == ("Arden Post", LINKED[0])
    assert lead.address == ("" if ending == "txt" else LINKED[1])
    assert (radio.outlet, radio.title) == ("Public Radio", "The mill that nobody closes")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a campaign that `init` wrote of a letter."""
    folder = tmp_path_factory.mktemp("letter")
    letter = write_letters(folder)["docx"]
    asked = ["--timezone", "America/New_York", "--author", "edna", "--account", "bluesky=a.example"]
    more = ["--account", "x", "--account", "mastodon=https://social.example"]
    assert run(["init", str(folder / "new"), "--letter", str(letter), *asked, *more]) == 0
    return folder / "new"


def test_thirty_drafts_of_whole_sentences_fit_every_account(made: Path) -> None:
    whole = prove_files(made / "schedule.yaml", made / "posts", clock=FastClock(NOW)).rendered

    posts = whole.campaign.posts
    assert len(posts) == 30
    assert {(post.status, post.author) for post in posts} == {("draft", "edna")}
    assert {text.max_length for text in whole.texts.values()} == {280, 300, 500}
    for text in whole.texts.values():
        assert len(text.statuses) == 1
        assert "…" not in text.statuses[0].text
    assert {bool(post.warning) for post in posts if post.quote and "beaten" in post.quote.text} == {
        True
    }


def test_a_month_of_it_is_rehearsed(made: Path, tmp_path: Path) -> None:
    drafts = made / "posts" / "excerpts.yaml"
    text = drafts.read_text(encoding="utf-8")

    drafts.write_text(text.replace("status: draft", "status: ready"), encoding="utf-8")
    report = rehearse(Paths(made / "schedule.yaml", made / "posts", tmp_path / "data"), days=30,
                      progress=lambda _now: None)  # fmt: skip

    drafts.write_text(text, encoding="utf-8")
    assert report.counts["SENT"] >= 30
    assert report.left_out == ()


def test_it_keeps_secrets_out_of_git_and_the_letter_as_it_is(made: Path) -> None:
    secret = ["data/live.db", "data/secrets/x", ".env", "our.pem", "VERBATIM_OUR_X_ACCESS_TOKEN"]
    subprocess.run(["git", "init", "--quiet"], cwd=made, check=True)
    ignored = ["git", "check-ignore", *secret, "posts/excerpts.yaml"]
    found = subprocess.run(ignored, cwd=made, check=True, capture_output=True, text=True)
    assert found.stdout.splitlines() == secret
    assert "-text" in (made / ".gitattributes").read_text(encoding="utf-8")
    assert "check --format github" in (made / ".github/workflows/check-posts.yml").read_text()
    for path in made.rglob("*.yaml"):
        schema = path.read_text(encoding="utf-8").partition("\n")[0].rpartition("$schema=")[2]
        assert (path.parent / schema).is_file(), path
    assert (made / "README.md").is_file()


def test_wrapped_lines_are_joined_and_meant_ones_stay(tmp_path: Path) -> None:
    wrapped = "\n\n".join(
        textwrap.fill(part, 72) if part[0] not in "-#" else part for part in TEXT.split("\n\n")
    )
    plain, marked = tmp_path / "a.txt", tmp_path / "b.md"
    plain.write_text(wrapped, encoding="utf-8", newline="\r\n")
    marked.write_text("Neighbors  \nof the\nLake\\\nUnion", encoding="utf-8")

    assert read_document(plain).text == TEXT
    listed = "Dear all,\n\n" + "Words of it. " * 9 + "\n\nOne Post – A title\nRadio – Another\n"
    plain.write_text(listed, encoding="utf-8")
    assert read_document(plain).text == listed
    assert read_document(marked).text == "Neighbors\nof the Lake\nUnion\n"


def test_a_letter_of_a_few_words_has_no_drafts_and_passes(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("Stop it.\n", encoding="utf-8")
    words = ["init", str(tmp_path / "new"), "--letter", str(tmp_path / "short.txt")]

    assert run(words) == 0

    assert (tmp_path / "new/posts/excerpts.yaml").read_text().endswith("posts: []\n")
    assert run(words) == 1, "the folder is not empty any more"


def test_on_a_terminal_it_asks_for_the_zone_and_the_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = write_letters(tmp_path)["txt"]
    answers = io.StringIO("Asia/Almaty\n-\nlater\nhttps://social.example\n-\n-\n")
    answers.isatty = lambda: True  # type: ignore[method-assign] # a terminal
    monkeypatch.setattr(sys, "stdin", answers)

    assert run(["init", str(tmp_path / "new"), "--letter", str(letter)]) == 0

    schedule = (tmp_path / "new/schedule.yaml").read_text(encoding="utf-8")
    assert 'timezone: "Asia/Almaty"' in schedule


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--timezone", "Europe/Pari"], "did you mean 'Europe/Paris'?"),
        (["--account", "mastodn"], "did you mean 'mastodon'?"),
        (["--lang", "english"], "en"),
    ],
)
def test_a_wrong_answer_is_told_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], answer: str
) -> None:
    letter = write_letters(tmp_path)["txt"]

    assert run(["init", str(tmp_path / "new"), "--letter", str(letter), *asked]) == 1

    assert answer in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
