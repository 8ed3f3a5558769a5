"""A repository that names a program to run wherever git lets it."""

from __future__ import annotations

from pathlib import Path


def write_script(folder: Path, *then: str) -> tuple[Path, Path]:
    """Return a file that is there once the program ran, and the program."""
    ran, script = folder / "ran", folder / "script"
    script.write_text("\n".join(["#!/bin/sh", f"touch {ran}", *then, ""]))
    script.chmod(0o755)
    return ran, script


def set_hooks(campaign: Path, script: Path, *names: str, filters: str) -> None:
    """Let these hooks and filters of a campaign's repository run a program."""
    hooks, own = campaign / ".git" / "hooks", campaign / ".git" / "info"
    for folder in (hooks, own):
        folder.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", *names):
        (hooks / name).symlink_to(script)
    (own / "attributes").write_text(f"* {filters}\n")
