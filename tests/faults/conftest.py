"""Fixtures of the fault tests; what they count is collected into one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require_shared
from tests.faults.judged_bot import JudgedBot
from tests.faults.ledgers import Networks, networks
from tests.faults.prepared import SECRETS
from tests.faults.reporting import PROPERTY, CountedTest, Counts, FaultLine, keep, write_report


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Counts:
    """Count what a fault did; it stands in the summary of the run, and in docs/reliability.md."""
    return Counts(request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted.

    FAULTS_KEPT names a file that keeps it from one run to the next, FAULTS_REPORT the page that
    is written of it.
    """
    reports = [one for kind in terminalreporter.stats.values() for one in kind]
    tests = counted(report for report in reports if isinstance(report, pytest.TestReport))
    lines = sorted(
        (line for test in tests for line in test.lines), key=lambda line: (line.row, line.fault)
    )
    if lines:
        terminalreporter.section("faults")
    for line in lines:
        terminalreporter.write_line(str(line))
    if kept := os.environ.get("FAULTS_KEPT"):
        tests = keep(Path(kept), tests)
    if path := os.environ.get("FAULTS_REPORT"):
        write_report(Path(path), tests)


def counted(reports: Iterable[pytest.TestReport]) -> list[CountedTest]:
    """Gather what each test counted, and whether all of it went well."""
    found: dict[str, CountedTest] = {}
    for report in reports:
        before = found.get(report.nodeid, CountedTest(report.nodeid))
        told: Sequence[tuple[str, Any]] = report.user_properties if report.when == "call" else ()
        lines = [FaultLine(**value) for name, value in told if name == PROPERTY]
        passed = before.passed and not report.failed
        found[report.nodeid] = CountedTest(report.nodeid, passed, (*before.lines, *lines))
    return list(found.values())


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Networks]:
    """Start the three networks, in a process of their own."""
    require_shared("conformance/x-api-openapi.json")
    with networks(tmp_path_factory.mktemp("networks")) as started:
        yield started


@pytest.fixture
def make_bot(
    tmp_path: Path, world: Networks, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., JudgedBot]]:
    """Return a maker of bots; each forgets what the one before left on the networks."""
    made: list[JudgedBot] = []
    for name in SECRETS:
        monkeypatch.setenv(name, "-")  # so that what a campaign sets is taken away again

    def make(accounts: str = "xmb", *, long: bool = False) -> JudgedBot:
        made.append(JudgedBot(tmp_path / str(len(made)), world, accounts, long=long))
        return made[-1]

    yield make
    for bot in made:
        bot.close()
