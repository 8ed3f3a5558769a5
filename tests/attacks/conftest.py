"""Attacks run against the real program; `make threat-model` writes what came of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attacks.attack import page_with


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page that `THREAT_MODEL` names, if every attack came to what its line says."""
    wanted = os.environ.get("THREAT_MODEL")
    if not wanted or exitstatus != 0:
        return
    marks = (item.get_closest_marker("attack") for item in session.items)
    # A test with parameters has one line.
    attacks = dict.fromkeys(mark.args[0] for mark in marks if mark)
    page = Path(wanted)
    page.write_text(page_with(page.read_text(encoding="utf-8"), attacks), encoding="utf-8")
