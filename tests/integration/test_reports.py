"""Reports over a campaign of weeks: the same numbers in the terminal, on the page and in files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bot.clock import FastClock
from bot.core.model import Charge, Metrics, Status
from bot.platforms.registry import KINDS
from bot.services.charts import interval, lines, nice, sparkline
from bot.services.exporter import TABLES, cell, dictionary, export
from bot.services.page import page
from bot.services.reporter import JUDGED_BY, Report, Reporter
from bot.services.telling import headlines, ratio
from bot.store import Outcome, Store, open_store
from tests.conftest import ROOT
from tests.fakes.engaged import START, Engaged, engaged_campaign, sent, troubled
from tests.integration.store_rows import new_publication

END = START + timedelta(days=62)
TRAITS = {name: kind.traits for name, kind in KINDS.items()}


def reporter_of(store: Store) -> Reporter:
    return Reporter(store, FastClock(END), engaged_campaign(), TRAITS)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("engaged")
    store = open_store(f"sqlite:///{folder / 'live.db'}", create=True)
    Engaged(store).fill()
    list(troubled(store))
    store.ledger.reserve("coalition-x", Charge("post"), 0.015, now=END)
    yield store
    store.close()


@pytest.fixture(scope="module")
def report(filled: Store) -> Report:
    return reporter_of(filled).report()


def test_every_grouping_has_its_lines_best_first(report: Report) -> None:
    for by in JUDGED_BY:
        ratios = [one.ratio for one in report.lines[by] if one.ratio is not None]
        assert ratios, by
        assert ratios == sorted(ratios, reverse=True)
        assert all(one.low <= one.ratio <= one.high for one in report.lines[by]
                   if one.ratio and one.low and one.high)  # fmt: skip


def test_the_best_planted_posts_are_ahead(filled: Store, report: Report) -> None:
    first = [one.name for one in report.lines["post"][:5]]

    assert report.lines["theme"][0].name == "families"
    assert {"post-07", "post-10", "post-22"} & set(first)


def test_a_post_without_enough_numbers_stays_unjudged(report: Report) -> None:
    late = next(one for one in report.lines["post"] if one.name == "post-99")

    assert (late.ratio, late.low, ratio(late)) == (None, None, "–")
    assert late.growth[0] == 3
    assert late.growth[1:] == (None,) * 5


def test_failed_missed_and_gone_reads_are_told_with_their_reasons(report: Report) -> None:
    told = {(one.outcome, one.reason) for one in report.blanks}

    assert (Outcome.FAILED, "x: answered 503") in told
    assert {outcome for outcome, _ in told} == {Outcome.FAILED, Outcome.MISSED, Outcome.GONE}


def test_since_leaves_older_posts_out_and_judges_the_rest_the_same(
    filled: Store, report: Report
) -> None:
    since = START + timedelta(days=30)

    later = reporter_of(filled).report(since=since)

    assert later.readings
    assert min(one.sent_at for one in later.readings) >= since
    assert all(later.own[id_] == report.own[id_] for id_ in later.own)


def test_the_time_of_day_shows_no_difference_by_default(report: Report) -> None:
    assert not report.day_parts.differs
    assert len(report.day_parts.lines) <= 8


def test_an_empty_campaign_needs_eight_posts_on_each_platform(store: Store) -> None:
    empty = reporter_of(store).report()

    assert empty.lacking == {"bluesky": 8, "mastodon": 8, "x": 8}
    assert headlines(empty) == ["There is not enough yet to judge any post."]
    text = page(empty)
    assert "mastodon: not enough yet, 8 more needed" in text
    assert "No post can be judged yet." in text


def test_a_thread_is_one_post_and_lacks_what_a_part_lacks(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    ids = ("p0", "p1")
    made = new_publication(Status("part 0"), Status("part 1"), ids=ids, due_at=START)
    sent(store, made, START)
    for id_ in ids:
        store.snapshots.schedule(id_, {"1h": START, "6h": START})
        store.snapshots.put(id_, "1h", taken_at=START, metrics=Metrics(2, 1, 0))
    store.snapshots.put("p0", "6h", taken_at=START, metrics=Metrics(5, 1, 0))

    (thread,) = reporter_of(store).report().readings

    assert (thread.parts, thread.text) == (2, "part 0")
    assert thread.numbers == {"1h": Metrics(4, 2, 0)}
    assert thread.age == "1h"


# -- the page


class Tables(HTMLParser):
    """Collects what a page has, past any library of ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_loads_nothing_and_runs_nothing(report: Report) -> None:
    read = Tables(page(report))

    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form"}
    for tag, attributes in read.tags:
        assert not {"style", "src", "onclick", "onload"} & attributes.keys(), (tag, attributes)
    targets = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert all(str(one).startswith(("#", "https://")) for one in targets)


def test_every_number_of_the_charts_stands_in_a_table(report: Report) -> None:
    text = page(report)

    for by in JUDGED_BY:
        for line in report.lines[by]:
            if line.ratio is not None:
                assert ratio(line) in text, (by, line.name)


def test_what_editors_write_cannot_become_markup(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    evil = '<script>alert(1)</script>" onload="x'
    made = new_publication(Status(evil), id="d", post_id=evil, due_at=START, theme=evil)
    sent(store, made, START)
    store.snapshots.schedule("d", {"1h": START})
    store.snapshots.put("d", "1h", taken_at=START, outcome=Outcome.FAILED, reason=evil)

    text = page(reporter_of(store).report())

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_an_address_that_is_no_web_address_is_no_link(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    sent(store, new_publication(due_at=START, platform="javascript:alert(1)//"), START)
    row = store.outbox.find()[0]
    assert row.url.startswith("https://javascript")

    assert 'href="javascript' not in page(reporter_of(store).report())


def test_charts_draw_gaps_ends_and_clipped_intervals() -> None:
    assert str(sparkline([1, None, 3, 4, None, None])).count("<path") == 1
    assert str(interval(9, 0.1, 20)).count('d="M') == 4, "both arrows, the rule and the span"
    empty = str(lines("id", "Title", "told", [], {}))
    assert "<title" in empty
    assert "nan" not in empty


@pytest.mark.parametrize(("value", "top"), [(0, 4), (3, 3.2), (17, 20), (101, 120), (7, 8)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    assert nice(value) == pytest.approx(top)


# -- the export


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_export_has_a_row_for_everything_in_both_forms(filled: Store, tmp_path: Path) -> None:
    counts = export(filled, tmp_path)

    for table in TABLES:
        with (tmp_path / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        jsons = json_lines(tmp_path / f"{table.name}.jsonl")
        assert len(rows) == len(jsons) == counts[table.name]
        assert all(list(row) == [one.name for one in table.columns] for row in rows)
    assert counts["deliveries"] == 75
    assert counts["snapshots"] == 75 * 6
    assert (tmp_path / "data-dictionary.md").read_text(encoding="utf-8") == dictionary()


def test_an_untold_number_is_null_in_the_export_and_never_0(filled: Store, tmp_path: Path) -> None:
    export(filled, tmp_path)

    rows = json_lines(tmp_path / "snapshots.jsonl")
    taken = [row for row in rows if row["outcome"] == "TAKEN" and row["delivery"].endswith("ky")]
    assert taken
    assert {row["impressions"] for row in taken} == {None}
    failed = next(row for row in rows if row["outcome"] == "FAILED")
    assert (failed["likes"], failed["reason"]) == (None, "x: answered 503")


def test_no_person_is_in_any_table() -> None:
    names = {column.name for table in TABLES for column in table.columns}

    assert not names & {"author", "approver", "by", "who", "owner", "follower", "replier", "reader"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_runs_no_text_as_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell("plain = text") == "plain = text"
    assert cell(-3) == -3


def test_the_data_dictionary_stands_in_the_docs() -> None:
    told = (ROOT / "docs" / "engagement.md").read_text(encoding="utf-8")

    assert dictionary().strip() in told


def test_the_store_has_no_place_for_readers() -> None:
    schema = (ROOT / "bot" / "store" / "schema.py").read_text(encoding="utf-8")

    columns = set(re.findall(r'Column\(\s*"(\w+)"', schema))
    assert not columns & {"reader", "follower_id", "replier", "liker", "ip", "user_agent"}
