"""The page of faults has the columns that the run writes, and no bad row."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.faults.reporting import BEGIN, COLUMNS, END

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def table() -> list[list[str]]:
    written = PAGE.partition(BEGIN)[2].partition(END)[0]
    assert BEGIN in PAGE
    assert END in PAGE.partition(BEGIN)[2]
    lines = [line for line in written.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_the_columns_of_the_run() -> None:
    assert tuple(table()[0]) == COLUMNS


def test_no_row_has_a_duplicate_or_a_loss() -> None:
    rows = table()[2:]

    assert rows
    assert [row for row in rows if (row[5], row[6]) != ("0", "0")] == []


def test_what_is_held_is_held_for_a_reason_that_is_allowed() -> None:
    allowed = {
        "late", "account stopped", "unapproved", "attempts used up",
        "cannot tell whether it is out",
    }  # fmt: skip

    told = {reason for row in table()[2:] for reason in re.findall(r"\d+ ([^;]+)", row[7])}

    assert told <= allowed


def test_each_row_of_the_matrix_was_run() -> None:
    assert {int(row[0]) for row in table()[2:]} == set(range(33))


def test_no_test_of_that_run_failed() -> None:
    assert "Failed" not in PAGE.partition(BEGIN)[2].partition(END)[0]
