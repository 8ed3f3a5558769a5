"""The page of benchmarks says what it has no figures for, and so does the check against it."""

from __future__ import annotations

from benchmarks.flat import PAGE, failures, ratios_in, unmeasured


def test_the_page_names_each_row_that_it_lacks() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert all(line in page.splitlines() for line in unmeasured(ratios_in(page)))


def test_a_row_that_got_worse_or_has_nothing_before_it_fails() -> None:
    before = {"plan": 1.0, "status": 2.0}

    assert failures(before, {"plan": 1.1, "status": 2.3}) == []
    assert [told.partition(":")[0] for told in failures(before, {"plan": 1.3, "held": 0.5})] == [
        "plan", "held",
    ]  # fmt: skip
