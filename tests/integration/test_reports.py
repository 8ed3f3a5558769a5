"""Reports over a campaign of weeks: one presented report, laid out by every medium alike."""

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
from sqlalchemy import update

from bot.clock import FastClock
from bot.content.model import Account
from bot.db.columns import metadata
from bot.delivery.model import State
from bot.engagement import presenter
from bot.engagement.ages import AGES
from bot.engagement.charts import Chart, follower_chart, interval, lines, nice, sparkline
from bot.engagement.export import TABLES, csv_of, dictionary, export
from bot.engagement.judged import JUDGED_BY
from bot.engagement.presenter import Presented, page
from bot.engagement.report import Report, Reporter
from bot.engagement.report_text import ratio
from bot.engagement.snapshots import SnapshotState
from bot.engagement.tables import snapshot
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics, Status
from tests.conftest import ROOT
from tests.fakes.engaged import START, Engaged, engaged_campaign, sent, troubled
from tests.fakes.written import campaign
from tests.integration.store_rows import new_publication

END = START + timedelta(days=62)
SPECS = {name: kind.spec for name, kind in PLATFORMS.items()}


def reporter_of(store: Store) -> Reporter:
    return Reporter(store, FastClock(END), engaged_campaign(), SPECS)


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


@pytest.fixture(scope="module")
def presented(report: Report) -> Presented:
    return Presented(report)


# -- the report


def test_every_grouping_has_its_lines_best_first(report: Report) -> None:
    for by in JUDGED_BY:
        ratios = [line.ratio for line in report.lines[by] if line.ratio is not None]
        assert ratios, by
        assert ratios == sorted(ratios, reverse=True)
        assert all(line.low <= line.ratio <= line.high for line in report.lines[by]
                   if line.ratio and line.low and line.high)  # fmt: skip


def test_the_best_planted_posts_and_theme_are_ahead(report: Report) -> None:
    first = {line.name for line in report.lines["post"][:5]}

    assert report.lines["theme"][0].name == "families"
    assert {"post-07", "post-10", "post-22"} & first


def test_a_post_is_judged_the_same_in_any_choice_of_posts(filled: Store, report: Report) -> None:
    since = START + timedelta(days=30)
    every = {line.name: line for line in report.lines["post"]}

    later = reporter_of(filled).report(since=since)
    alone = reporter_of(filled).report(post="post-07")

    ids = [reading.id for reading in later.readings]
    assert min(reading.sent_at for reading in later.readings) >= since
    assert later.own(ids)
    assert later.own(ids) == report.own(ids)
    assert all(every[one.name] == one for one in (*later.lines["post"], *alone.lines["post"]))


def test_what_was_judged_is_kept_until_a_number_is_another_one(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    sent(store, new_publication(Status("one"), ids=("p0",), due_at=START), START)
    seen = [store.readings.state()]

    def is_new() -> bool:
        for _ in range(2):
            store.snapshots.catch_up()
        seen.append(store.readings.state())
        return seen[-1] not in seen[:-1]

    assert is_new(), "it went out"
    assert not is_new(), "nothing was written but the same"
    store.snapshots.schedule("p0", {"1h": START, "6h": START})
    assert not is_new(), "numbers are to come"
    store.snapshots.put("p0", "1h", taken_at=START, metrics=Metrics(2, 1, 0))
    assert is_new(), "numbers came"
    for count, is_changed in ((40, True), (40, False), (41, True)):
        store.followers.put("acc", count, START)
        assert is_new() == is_changed, count


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


def test_what_goes_out_while_a_report_is_read_has_a_line_without_words(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    report = reporter_of(store).report()
    assert report.lines["theme"] == ()
    sent(store, new_publication(Status("Later."), due_at=START), START)
    store.snapshots.schedule("d1", {"1h": START})

    (line,) = report.lines["post"]

    assert (line.words, line.n) == ("", 1)


# -- as it is presented


def test_a_post_without_enough_numbers_stays_unjudged(report: Report, presented: Presented) -> None:
    row = next(one for one in presented.ratios["post"].rows if one.name == "post-99")

    assert (row.ratio, row.verdict, row.plot) == ("–", "not enough yet", None)
    assert row.growth == "3 · – · – · – · – · –"
    assert row not in presented.ratios["post"].judged


def test_failed_missed_and_gone_reads_are_told_with_their_reasons(presented: Presented) -> None:
    assert {row[3:] for row in presented.missing.rows} == {
        ("the read failed", "x: answered 503"),
        ("not read in time", "given up for the posts to come: $0.03 are left this month"),
        ("the post is gone", "the platform says that it is gone"),
    }


def test_what_was_judged_is_kept_until_a_number_changes(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'live.db'}", create=True)
    Engaged(store).fill()
    reporter = reporter_of(store)
    before = reporter.report()
    lines, kept = before.lines["post"], before._judged
    assert reporter.report(since=END - timedelta(days=9))._judged is kept
    assert reporter.report().lines["post"] is lines
    id_ = next(store.outbox.each(states={State.SENT})).id
    with store._db.write() as connection:
        due = {"state": SnapshotState.DUE, "due_at": END}
        own = snapshot.c.delivery_id == id_, snapshot.c.age_label == "7d"
        connection.execute(update(snapshot).where(*own).values(due))

    store.snapshots.put(id_, "7d", taken_at=END, metrics=Metrics(likes=999, reposts=1, replies=1))

    after = reporter.report()
    assert after.lines["post"] == reporter_of(store).report().lines["post"] != lines
    store.close()


def test_the_best_of_many_posts_are_shown_and_all_are_counted(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Presented(report)
    rows, headlines = whole.ratios["post"].rows, whole.headlines
    monkeypatch.setattr(presenter, "MOST_ROWS", 2)

    cut = Presented(report)

    assert cut.ratios["post"].rows == rows[:2]
    assert "has all" in cut.ratios["post"].caption
    assert cut.headlines == headlines


def test_tables_keep_the_newest_and_say_so_only_where_they_are_cut(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Presented(report)
    tables = {"numbers": whole.numbers, "missing": whole.missing, "every_age": whole.every_age}
    for name, table in tables.items():
        count = len(table.rows) // (len(AGES) if name == "every_age" else 1)
        monkeypatch.setattr(presenter, "MOST_ROWS", count)
        assert "newest" not in getattr(Presented(report), name).caption
        monkeypatch.setattr(presenter, "MOST_ROWS", count - 1)

        cut = getattr(Presented(report), name)

        assert "newest" in cut.caption
        assert cut.rows == table.rows[len(table.rows) - len(cut.rows) :]
        assert 0 < len(cut.rows) < len(table.rows)


def test_what_is_only_due_yet_takes_no_place_among_missing_reads(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    for number, outcome in enumerate((SnapshotState.FAILED, SnapshotState.DUE)):
        at = START + timedelta(hours=number)
        sent(store, new_publication(id=f"d{number}", post_id=f"p{number}", due_at=at), at)
        store.snapshots.schedule(f"d{number}", {"1h": at})
        if outcome is not SnapshotState.DUE:
            store.snapshots.put(f"d{number}", "1h", taken_at=at, outcome=outcome, reason="503")

    (reading,) = reporter_of(store).report().newest(1, only_blank=True)

    assert reading.post_id == "p0"


@pytest.mark.parametrize(
    ("plot", "text"),
    [
        ((2.4, 1.6, 3.3), "2.4× (1.6–3.3)"),
        ((1.5, 1.04, 1.9), "1.5× (1.04–1.9)"),
        ((0.7, 0.4, 0.996), "0.7× (0.4–1.00)"),
        (None, "–"),
    ],
)
def test_a_ratio_is_written_so_that_its_side_of_1_is_seen(
    plot: tuple[float, float, float] | None, text: str
) -> None:
    assert ratio(plot) == text


def test_the_numbers_of_one_account_are_told_alone(report: Report) -> None:
    one = Presented(report, account="coalition-x")

    assert {row[1] for row in one.numbers.rows} == {"coalition-x"}
    assert one.growth_chart is not None
    assert list(one.growth_chart.series) == ["coalition-x"]


def test_the_time_of_day_shows_no_difference_by_default(presented: Presented) -> None:
    assert presented.day_verdict == "No difference shown."
    assert 1 < len(presented.day_parts.rows) <= 8


def test_an_empty_campaign_needs_eight_posts_on_each_platform(store: Store) -> None:
    empty = reporter_of(store).report()

    told = Presented(empty)

    assert told.lacking == tuple(
        f"{name}: not enough yet, 8 more needed" for name in ("bluesky", "mastodon", "x")
    )
    assert told.headlines == ("There is not enough yet to judge any post.",)
    assert (told.growth_chart, told.follower_chart) == (None, None)
    assert "No post can be judged yet." in page(empty)


def test_before_any_number_was_read_there_are_no_engagements_not_0(store: Store) -> None:
    sent(store, new_publication(due_at=START), START)

    told = dict(Presented(reporter_of(store).report()).tiles)

    assert (told["posts"], told["engagements"]) == ("1", "–")


def test_the_followers_of_a_platform_are_those_of_all_its_accounts(store: Store) -> None:
    # One is called as its platform, and the other has posted last.
    names = "mastodon", "second"
    both = campaign(accounts=[Account(name, "mastodon") for name in names])
    for number, name in enumerate(names):
        at = START + timedelta(hours=number)
        new = new_publication(id=name, account=name, platform="mastodon", due_at=at)
        sent(store, new, at)
        for day in range(2):
            store.followers.put(name, 1_000 * (number + 1) + day, at + timedelta(days=day))

    report = Reporter(store, FastClock(END), both, SPECS).report()

    assert Presented(report).usual["platform"].rows[0][-2:] == ("3,002", "2")
    assert report.usual["platform"][0].followers == 3_000


# -- the file


class PageTables(HTMLParser):
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


def test_the_file_has_all_that_is_presented_and_runs_and_loads_nothing(
    report: Report, presented: Presented
) -> None:
    read = PageTables(page(report))

    text = " ".join(" ".join(read.words).split())
    tables = [table for by, table in presented.ratios.items()]
    cells = {cell for table in tables for row in table.judged
             for cell in (row.name, row.detail, row.ratio, row.verdict, row.growth)}  # fmt: skip
    grids = (presented.usual["account"], presented.growth["account"], presented.numbers,
             presented.missing, *presented.cost_items.values())  # fmt: skip
    cells |= {cell for grid in grids for row in grid.rows for cell in row}
    wanted = {*presented.headlines, *presented.costs.values(), *cells}
    assert {name for name in wanted if " ".join(name.split()) not in text} == set()
    assert not {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "form"}
    for tag, attributes in read.tags:
        assert not {"style", "src", "onclick", "onload"} & attributes.keys(), (tag, attributes)
    targets = [attributes["href"] for tag, attributes in read.tags if tag == "a"]
    assert all(str(target).startswith(("#", "https://")) for target in targets)


def test_an_account_looks_the_same_in_both_charts(presented: Presented) -> None:
    drawn = page(presented.report)

    for name in ("coalition-bluesky", "coalition-mastodon", "coalition-x"):
        looks = re.findall(rf'<text class="name (s\d)"[^>]*>{name}<', drawn)
        assert len(looks) == 2
        assert len(set(looks)) == 1


def test_a_new_account_without_followers_yet_is_left_out_of_their_chart() -> None:
    chart = follower_chart({"new": {}, "old": {"2026-12-01": 5, "2026-12-03": 7}})

    assert chart is not None
    assert list(chart.series) == ["old"]
    assert chart.text == "new: –; old: 2"


def test_what_editors_and_servers_write_cannot_become_markup_or_a_link(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    evil = '<script>alert(1)</script>" onload="x'
    made = new_publication(Status(evil), id="d", post_id=evil, due_at=START, theme=evil,
                           platform="javascript:alert(1)//")  # fmt: skip
    sent(store, made, START)
    store.snapshots.schedule("d", {"1h": START})
    store.snapshots.put("d", "1h", taken_at=START, outcome=SnapshotState.FAILED, reason=evil)

    text = page(reporter_of(store).report())

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert store.outbox.find()[0].url.startswith("https://javascript")
    assert 'href="javascript' not in text


def test_charts_draw_gaps_ends_and_clipped_intervals() -> None:
    assert str(sparkline([1, None, 3, 4, None, None])).count("<path") == 1
    assert str(interval((9, 0.1, 20), "even")).count('d="M') == 4, "both arrows, rule and span"
    empty = str(lines("id", Chart("Title", "text", {}, {})))
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
        assert all(list(row) == [column.name for column in table.columns] for row in rows)
    assert counts["deliveries"] == 75
    assert counts["snapshots"] == 75 * 6


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


def test_the_csv_of_a_report_runs_no_words_as_a_formula(store: Store) -> None:
    store.accounts.sync(engaged_campaign().schedule.accounts.values(), START)
    sent(store, new_publication(Status("=1+1"), due_at=START), START)

    _header, row = csv_of(reporter_of(store).report(), "post")

    assert row[1] == "'=1+1"


def test_the_data_dictionary_stands_in_the_docs_and_beside_the_files(
    filled: Store, tmp_path: Path
) -> None:
    export(filled, tmp_path)

    assert (tmp_path / "data-dictionary.md").read_text(encoding="utf-8") == dictionary()
    assert dictionary().strip() in (ROOT / "docs" / "engagement.md").read_text(encoding="utf-8")


def test_the_store_has_no_place_for_readers() -> None:
    columns = {column.name for table in metadata.tables.values() for column in table.columns}

    assert columns > {"account", "count"}
    assert not columns & {"reader", "follower_id", "replier", "liker", "ip", "user_agent"}
