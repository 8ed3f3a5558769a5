"""Runs one of our fault programs in a clean interpreter, which may fork as it likes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.conftest import require_shared
from tests.faults.ledgers import ROOT


def run_program(module: str, *words: str) -> Any:
    """Return what ``python -m tests.faults.MODULE WORDS`` prints."""
    require_shared("conformance/x-api-openapi.json")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{module}", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
