"""What `--version` prints."""

from contextlib import suppress
from pathlib import Path

from bot import VERSION
from bot.content.repository import RepositoryError, run_git

_ROOT = Path(__file__).resolve().parents[2]


def version_text(root: Path = _ROOT) -> str:
    """Return the version, with the commit where the image or a checkout knows it."""
    commit: bytes | None = None
    with suppress(OSError, RepositoryError):
        if (root / "COMMIT").exists():
            commit = (root / "COMMIT").read_bytes()  # the Dockerfile writes it
        elif (root / ".git").exists():  # a checkout further up is another project's
            commit = run_git({"GIT_DIR": str(root / ".git")}, "rev-parse", "--verify", "HEAD")
    name = (commit or b"").decode().strip()
    return f"verbatim {VERSION}" + (f" (commit {name})" if name else "")
