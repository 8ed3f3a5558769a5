"""What the docs tests read: the files that are, or could be, committed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

#: Never committed (.gitignore); for a checkout without git.
_MADE = {".venv", ".build", "node_modules", "__pycache__", ".git", ".hypothesis", "htmlcov"}


def files(*suffixes: str) -> Iterator[Path]:
    """Find the project's own files, relative to its root; all of them where no suffix is given."""
    for name in sorted(_names()):
        path = Path(name)
        if (ROOT / path).is_file() and (not suffixes or path.suffix in suffixes):
            yield path


def _names() -> list[str]:
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        return [name for name in listed.stdout.split("\0") if name]
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return [
        str(path)
        for path in found
        if path.parts[0] not in {"data", "out"}
        and not any(part in _MADE or part.endswith("_cache") for part in path.parts)
    ]


def read(path: Path | str) -> str:
    """Read a file of the project, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(markdown: str) -> list[tuple[str, str]]:
    """Read the language and the text of each fenced block."""
    found = re.finditer(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", markdown, flags=re.MULTILINE)
    return [(block[2].strip(), block[3]) for block in found]


def table(markdown: str, heading: str) -> list[list[str]]:
    """Read the rows of the first table below a heading, without its head; ticks stay."""
    body = f"\n{markdown}".split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.strip().strip("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]
