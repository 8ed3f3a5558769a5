"""What `--version` prints."""

import subprocess
from contextlib import suppress
from pathlib import Path

from bot import VERSION

_ROOT = Path(__file__).resolve().parents[2]


def version_text(root: Path = _ROOT) -> str:
    """Return the version, with the commit where the image or a checkout knows it."""
    commit = _commit(root)
    return f"verbatim {VERSION}" + (f" (commit {commit})" if commit else "")


def _commit(root: Path) -> str:
    with suppress(OSError):
        return (root / "COMMIT").read_text(encoding="utf-8").strip()  # the Dockerfile writes it
    if not (root / ".git").exists():
        return ""  # a checkout further up is another project's
    where = ("-c", "safe.directory=*", f"--git-dir={root / '.git'}")
    try:
        return subprocess.run(  # noqa: S603 - words of ours
            ["git", *where, "rev-parse", "--verify", "HEAD"],  # noqa: S607 - the system's git
            capture_output=True, check=True, encoding="utf-8", timeout=10,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
