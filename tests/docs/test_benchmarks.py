"""The page of benchmarks says what it has no figures for, and so does the check against it."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.__main__ import SECTIONS
from benchmarks.flat import run
from benchmarks.following import rows_of as followed
from benchmarks.page import (
    PAGE,
    ROOT,
    Row,
    Section,
    compare,
    failures,
    merged,
    picture_of,
    ratios_in,
    text_of,
    unmeasured,
    update,
)
from benchmarks.promptness import SECTION as PROMPTNESS
from benchmarks.replicas import SECTION as REPLICAS
from benchmarks.replicas import rows_of as replicated
from benchmarks.sending import Load, Sent, all_once, jain
from benchmarks.standin import StandIn, taken
from bot.platforms.registry import PLATFORMS
from bot.platforms.status import Status
from tests.fakes.mastodon_voice import adapter

_AT = datetime(2026, 12, 1, tzinfo=UTC)


def test_the_page_names_each_row_that_it_lacks() -> None:
    page = PAGE.read_text(encoding="utf-8")
    lines, measured = page.splitlines(), ratios_in(page)

    assert [line for one in SECTIONS for line in (f"## {one.title}", *unmeasured(one, measured))
            if line not in lines] == []  # fmt: skip
    assert set(measured) <= {name for one in SECTIONS for name in one.names}


def test_no_two_rows_have_one_name() -> None:
    names = [name for one in SECTIONS for name in one.names]

    assert len(set(names)) == len(names)


def test_a_row_that_got_worse_or_has_nothing_before_it_fails() -> None:
    before = {"plan": 1.0, "status": 2.0}

    assert failures(before, {"plan": 1.1, "status": 2.3}) == []
    assert [told.partition(":")[0] for told in failures(before, {"plan": 1.3, "held": 0.5})] == [
        "plan", "held",
    ]  # fmt: skip


def test_a_section_measured_again_replaces_itself_and_leaves_the_others() -> None:
    section = Section("Two", "So.", ("a", "b"), lambda _small: [], (), "two.svg")
    page = "# Benchmarks\n\n## One\n\n| x | 1.00 |\n\n## Two\n\nold\n\n## Three\n\n| y | 2.00 |\n"

    again = merged(page, {"Two": text_of(section, [Row("a", ("b", "1 s", "2 s"), 0.5)])})

    assert ratios_in(again) == {"x": 1.0, "a": 0.5, "y": 2.0}
    assert "old" not in again
    assert "Not measured yet: `b`." in again
    assert merged(again, {}) == again


def _fails(_small: bool) -> list[Row]:
    raise SystemExit("nothing went out")


def test_a_section_that_fails_loses_only_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Section("One", "So.", ("a",), lambda _small: [Row("a", ("", "", ""), 3.0)], (), "a.svg")
    bad = Section("Two", "So.", ("b",), _fails, (), "b.svg")
    page = tmp_path / "benchmarks.md"
    monkeypatch.setattr("benchmarks.page.PAGE", page)
    page.write_text("# Benchmarks\n\n## Two\n\n| b | 2.00 |\n", encoding="utf-8")

    assert update([bad, good], small=False) == 1
    assert compare([bad, good]) == 1

    assert ratios_in(page.read_text(encoding="utf-8")) == {"a": 3.0, "b": 2.0}
    assert (tmp_path / "a.svg").exists()
    shown = capsys.readouterr()
    assert "Two: nothing went out" in shown.err
    assert shown.out.endswith("Two: could not be measured\n")


def test_a_picture_has_a_bar_and_a_name_for_each_row() -> None:
    rows = [Row("a < b", ("", "", ""), 4.0), Row("c", ("", "", ""), 1.0)]

    drawn = ET.fromstring(picture_of(REPLICAS, rows))  # noqa: S314 - our own

    bars = [float(bar.get("width", 0)) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert bars == [320, 80]
    assert texts == ["times", "1", "a < b", "4.00", "c", "1.00"]


@pytest.mark.parametrize(
    ("shares", "index"), [((3, 3, 3), 1.0), ((6, 0, 0), 1 / 3), ((0, 0), 1.0), ((1, 3), 0.8)]
)
def test_fairness_is_one_where_all_have_the_same(shares: tuple[float, ...], index: float) -> None:
    assert jain(shares) == pytest.approx(index)


def _sent(late: dict[str, list[float]], transactions: int = 0) -> Sent:
    taken = {name: [(_AT + timedelta(seconds=each), "words") for each in listed]
             for name, listed in late.items()}  # fmt: skip
    most = max(each for listed in late.values() for each in listed)
    return Sent(taken, late, most, sum(map(len, late.values())), transactions)


def test_what_was_sent_tells_lateness_rate_and_fairness() -> None:
    sent = _sent({"a0": [1.0, 2.0, 3.0], "a1": [4.0, 5.0, 10.0]})

    assert [sent.percentile(share) for share in (0.5, 0.99)] == [3.0, 10.0]
    assert sent.rate == pytest.approx(0.6)
    assert sent.fairness == pytest.approx(0.5)  # the first half was all of one account


def test_more_replicas_are_set_beside_one() -> None:
    slow, fast = _sent({"a0": [8.0], "a1": [8.0]}, 20), _sent({"a0": [2.0], "a1": [2.0]}, 30)

    rows = {row.name: row.times for row in replicated({1: slow, 2: fast, 4: fast})}

    assert rows.keys() == set(REPLICAS.names)
    assert rows["throughput, 2 replicas"] == pytest.approx(0.25)
    assert rows["lateness p50, 4 replicas"] == pytest.approx(0.25)
    assert (rows["database load, 1 replica"], rows["fairness, 1 replica"]) == (10.0, 1.0)


def test_a_post_that_went_out_twice_or_not_at_all_ends_the_benchmark() -> None:
    load = Load(2, 2, 1.0)
    twice, right = [[(_AT, words) for words in both] for both in (("a", "a"), ("a", "b"))]

    assert all_once(load, Sent({"a0": right}, {"a0": [1.0, 1.0]}, 1.0, 2)).sent == 2
    with pytest.raises(SystemExit, match="2 taken, 1 different"):
        all_once(load, Sent({"a0": twice}, {"a0": [1.0, 1.0]}, 1.0, 2))
    with pytest.raises(SystemExit, match="1 taken"):
        all_once(load, Sent({"a0": right[:1]}, {"a0": [1.0]}, 1.0, 1))


def test_moments_are_shared_by_accounts_or_spread_over_them() -> None:
    shared, spread = Load(2, 4, 8.0), Load(2, 4, 8.0, is_spread=True)

    places = [(account, number) for number in range(2) for account in range(2)]
    assert [shared.after(*place) for place in places] == [0.0, 0.0, 4.0, 4.0]
    assert [spread.after(*place) for place in places] == [0.0, 2.0, 4.0, 6.0]


def test_following_a_post_costs_what_the_ages_and_the_prices_say() -> None:
    rows = {row.name: row for row in followed(PLATFORMS["x"].spec)}

    # Six ages on five UTC days, against thirty: 200 posts at half a cent.
    assert rows["dollars, x, another's app"].cells[1:] == ("$5.00", "$30.00")
    assert rows["calls, x"].cells[2] == "6,000"


def test_a_command_is_measured_without_what_measures_it() -> None:
    cost = run(
        sys.executable, "-S", "-c", "import os; b = b'x' * 2**25; assert os.environ['A']", A="b"
    )

    # Three times as much is what these tests have.
    assert 32 < cost.megabytes < 64
    assert cost.elapsed > 0


def test_a_command_that_fails_ends_the_benchmark_with_its_words() -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        run(sys.executable, "-S", "-c", "raise SystemExit('no such thing')")


def test_the_stand_in_notes_each_status_once_and_lists_it_to_its_account() -> None:
    with StandIn() as server:
        platform = adapter(server.origin, "a1")
        for key, words in (("k1", "one"), ("k2", "two"), ("k2", "two")):
            draft = platform.prepare(
                Status(words), key=key, at=_AT, reply_to=None, pictures=lambda _picture: b""
            )
            platform.publish(draft)

        assert [(who, words) for who, _at, words in taken(server.origin)] == [
            ("a1", "one"), ("a1", "two"),
        ]  # fmt: skip
        assert [len(adapter(server.origin, name).recent()) for name in ("a1", "a2")] == [2, 0]


@pytest.mark.deep
def test_promptness_is_measured_on_both_databases_through_the_real_adapter() -> None:
    # It ends with a message unless each post was taken exactly once.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.promptness", "--small"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = ratios_in(done.stdout)
    assert found.keys() == set(PROMPTNESS.names)
    assert min(found.values()) > 0


def test_what_is_measured_beside_ours_is_locked_without_an_address() -> None:
    lock = json.loads((ROOT / "tests/crosspost/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}

    assert "node_modules/@humanwhocodes/crosspost" in packages
    assert [name for name, one in packages.items()
            if "resolved" in one or "integrity" not in one] == []  # fmt: skip
