"""No file names a package index by host, or a path of whoever wrote it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.tree import files

# Put together from halves, so that this file does not name them either.
HOSTS = [
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "security.debian" + ".org",
]
PLACES = [
    "/ro" + "ot/", "/wo" + "rk/", "/ho" + r"me/\w", "/Us" + r"ers/\w", r"[A-Z]:\\Us" + r"ers\\",
    "/tm" + r"p/(?:pytest|tmp)", "/var/fol" + "ders/", re.escape(str(ROOT)),
]  # fmt: skip
FORBIDDEN = re.compile("|".join([*map(re.escape, HOSTS), *(rf"(?<![\w.]){p}" for p in PLACES)]))
# Bytes that others wrote and that must not change.
LEFT = {Path("posts/sources")}


def found_in(text: str) -> list[str]:
    return [line.strip()[:120] for line in text.splitlines() if FORBIDDEN.search(line)]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_would_be_found(host: str) -> None:
    assert found_in(f"a\nsee https://{host}/simple\n") == [f"see https://{host}/simple"]


@pytest.mark.parametrize(
    "path",
    [
        "x /ro" + "ot/.cache", "/ho" + "me/ann/x", "file:///Us" + "ers/ann", "C:\\Us" + "ers\\ann",
        "at /tm" + "p/pytest-of-ann/pytest-1/x", "'/tm" + "p/tmpab12'", f"cd {ROOT}",
    ],
)  # fmt: skip
def test_a_path_would_be_found(path: str) -> None:
    assert found_in(f"a\n{path}\n") == [path]


def test_no_file_names_a_package_index_or_this_machine() -> None:
    found = {}
    for path in files():
        if not any(path.is_relative_to(left) for left in LEFT):
            lines = found_in((ROOT / path).read_bytes().decode(errors="replace"))
            found.update({str(path): lines} if lines else {})

    assert found == {}
