"""The page of faults is written from what the run counted."""

from __future__ import annotations

from pathlib import Path

from tests.faults.reporting import BEGIN, END, CountedTest, FaultLine, keep, merged, write_report

LINES = (
    FaultLine(2, "two kills", injected=3, deliveries=2, once=2),
    FaultLine(1, "a kill", injected=1, deliveries=1, once=1, lateness=2.0, also={"points": 9}),
    FaultLine(1, "a kill", injected=2, deliveries=2, once=1, held={"late": 1}, lateness=0.5),
)


def written(tmp_path: Path, *, passed: bool = True) -> str:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_report(page, [CountedTest("one", lines=LINES[:1]), CountedTest("two", passed, LINES[1:])])
    return page.read_text()


def test_lines_of_one_fault_are_added_up_in_the_order_of_the_matrix() -> None:
    one, two = merged(LINES)

    assert (one.injected, one.deliveries, one.once, one.lateness) == (3, 3, 2, 2.0)
    assert one.held == {"late": 1}
    assert two == LINES[0]


def test_the_table_stands_between_the_marks(tmp_path: Path) -> None:
    page = written(tmp_path)

    assert page.startswith(f"before\n{BEGIN}\n")
    assert page.endswith(f"{END}\nafter\n")
    assert "| 1 | a kill | 3 | 3 | 2 | 0 | 0 | 1 late | 2.0 s |" in page
    assert "Crash points enumerated: 9;" in page
    assert "old" not in page
    assert "Failed" not in page


def test_of_a_test_that_ran_again_the_last_run_counts(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    other = CountedTest("other", lines=LINES[1:])
    keep(path, [CountedTest("one", passed=False), other])

    tests = keep(path, [CountedTest("one", lines=LINES[:1])])

    assert tests == [CountedTest("one", lines=LINES[:1]), other]


def test_a_page_of_a_run_with_failures_names_them(tmp_path: Path) -> None:
    assert "**Failed: `two`.**" in written(tmp_path, passed=False)
