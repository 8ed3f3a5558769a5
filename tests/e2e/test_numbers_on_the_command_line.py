"""The verbs of numbers, as people call them, over a campaign that has run for weeks."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bot.app.content import SPECS, Paths
from bot.app.workspace import open_readonly
from bot.cli.main import root
from bot.engagement.judged import NOT_JUDGED_BY
from bot.engagement.presenter import Presented
from bot.engagement.report import Reporter
from bot.operations.opening import open_store
from tests.conftest import ROOT
from tests.fakes.engaged import Engaged, troubled

PLACES = ("--config", "schedule.yaml", "--posts", "posts", "--data", "data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Furnish the shipped campaign without most of its posts, in rehearsal, with numbers."""
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "schedule.yaml").write_bytes((ROOT / "schedule.yaml").read_bytes())
    shutil.copytree(ROOT / "posts" / "sources", folder / "posts" / "sources")
    shutil.copy(ROOT / "posts" / "calendar.yaml", folder / "posts")
    (folder / "data").mkdir(mode=0o700)
    store = open_store(f"sqlite:///{folder / 'data' / 'rehearsal.db'}", create=True)
    Engaged(store, posts=12).fill()
    list(troubled(store))
    store.close()
    return folder


@pytest.fixture
def say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "140")
    return Say()


@pytest.fixture
def shown(folder: Path) -> Iterator[Presented]:
    with open_readonly(
        Paths(*(folder / name for name in ("schedule.yaml", "posts", "data")))
    ) as place:
        yield Presented(Reporter(place.store, place.clock, place.campaign, SPECS).report())


class Say:
    def __call__(self, *words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(root, [*words, *PLACES], standalone_mode=False)
        if code == 0 and done.exception:
            raise done.exception
        return done


def test_the_terminal_lays_out_what_is_presented(say: Say, shown: Presented) -> None:
    text = say("engagement").stdout

    for row in shown.ratios["post"].rows:
        line = next(one for one in text.splitlines() if one.startswith(row.name))
        assert all(cell in line for cell in (row.ratio, row.verdict, row.as_of)), line
    assert "█" in text
    assert shown.ratios["post"].caption in " ".join(text.split())
    assert "coalition-x: $0.000 spent" in text


#: `test_reports` has the lines of all that is judged.
@pytest.mark.parametrize("by", ["post", "slot", *NOT_JUDGED_BY])
def test_every_grouping_prints_as_text_json_and_csv(say: Say, by: str) -> None:
    text = say("engagement", "--by", by).stdout
    told = json.loads(say("engagement", "--by", by, "--json").stdout)
    rows = list(csv.reader(io.StringIO(say("engagement", "--by", by, "--csv").stdout)))

    assert told["by"] == by
    assert {"campaign", "as_of", "since", "lines", "ages", "time_of_day", "lacking", "enough",
            "statuses", "without_numbers", "costs"} < told.keys()  # fmt: skip
    assert [row[0] for row in rows[1:]] == [line["name"] for line in told["lines"]] != []
    assert ("No difference shown." in " ".join(text.split())) is (by == "slot")


def test_one_post_shows_every_number_and_every_failed_read(say: Say) -> None:
    told = say("engagement", "--post", "post-99").stdout

    assert "the read failed: x: answered 503" in told
    assert "the post is gone" in told
    assert "All numbers that were read." in told


def test_a_post_that_did_not_go_out_is_a_persons_mistake(say: Say) -> None:
    done = say("engagement", "--post", "no-such", code=1)

    assert "nothing of 'no-such' has gone out" in str(done.exception)


def test_since_takes_a_day(say: Say) -> None:
    told = json.loads(say("engagement", "--since", "2026-12-20", "--json").stdout)

    assert min(status["sent_at"] for status in told["statuses"]) >= "2026-12-20"
    assert "is no day" in str(say("engagement", "--since", "soon", code=2).exception)


def test_html_is_one_file(say: Say, tmp_path: Path) -> None:
    say("engagement", "--html", str(tmp_path / "report.html"))

    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_month_is_reported_signed_and_written_in_every_form(say: Say, tmp_path: Path) -> None:
    files = [str(tmp_path / f"report.{kind}") for kind in ("html", "pdf", "xlsx")]
    options = [word for pair in zip(("--html", "--pdf", "--xlsx"), files, strict=True)
               for word in pair]  # fmt: skip

    say("report", "--month", "2026-12", *options)
    told = json.loads(say("report", "--month", "2026-12", "--json").stdout)
    days = json.loads(say("report", "--from", "2026-12-01", "--to", "2026-12-31", "--json").stdout)

    begins = [Path(name).read_bytes()[:4] for name in files]
    assert begins == [b"<!do", b"%PDF", b"PK\x03\x04"]
    assert told["now"]["posts"] == days["now"]["posts"] == 12
    assert len(told["posts"]) == 5
    assert "The posts that did best" in say("report", "--month", "2026-12").stdout
    hidden = say("report", "--month", "2026-12", "--as", "an\u202ena", code=2)
    assert "characters that nobody sees" in str(hidden.exception)


@pytest.mark.parametrize("words", [
    ["--month", "2026-13"], ["--month", "9999-12"], ["--from", "2026-12-05"],
    ["--month", "2026-12", "--to", "2026-12-05"], ["--from", "2026-12-05", "--to", "2026-12-04"],
])  # fmt: skip
def test_days_that_are_none_are_wrong_use(say: Say, words: list[str]) -> None:
    assert isinstance(say("report", *words, code=2).exception, click.UsageError)


def test_the_digest_can_be_read_before_it_is_sent(say: Say) -> None:
    assert "WHAT WORKED" in say("digest", "--print").stdout
    assert set(json.loads(say("digest", "--json").stdout)) == {"title", "text", "html"}
    assert "set VERBATIM_ALERTS" in str(say("digest", code=1).exception)


def test_export_writes_everything(say: Say, tmp_path: Path) -> None:
    told = json.loads(say("export", str(tmp_path / "out"), "--json").stdout)

    assert told["deliveries"] == 39
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"deliveries.csv", "snapshots.jsonl", "data-dictionary.md"} <= names
    assert "rows" in say("export", str(tmp_path / "out")).stdout


def test_collect_reads_what_is_due(say: Say) -> None:
    told = json.loads(say("collect", "--json").stdout)

    assert set(told) == {"taken", "failed", "missed", "gone", "put_off", "followers"}
    assert "read" in say("collect").stdout
