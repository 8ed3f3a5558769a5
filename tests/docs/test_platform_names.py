"""A platform's name stands in its own package and in the registry, and nowhere else in the bot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import PlatformSpec
from tests.conftest import ROOT
from tests.docs.tree import read

SUFFIXES = {".py", ".html", ".j2", ".css", ".js", ".svg", ".mako"}
FILES = [
    path.relative_to(ROOT) for path in sorted((ROOT / "bot").rglob("*")) if path.suffix in SUFFIXES
]
SPECS = [kind.spec for kind in PLATFORMS.values()]


def mentions(spec: PlatformSpec) -> re.Pattern[str]:
    """Find a platform's name: in quotes, in other names, and in what people read."""
    name, label = re.escape(spec.name), re.escape(spec.label)
    if len(name) > 1:
        return re.compile(name, re.IGNORECASE)
    return re.compile(
        rf"""["']{name}["']|\b{name}_[a-z]|_of_{name}\b|_is_{name}\b|(?:net|status|cell|kind|-)-{name}\b"""
        rf"""|(?<![\\\w]){label}(?![-\w])"""
    )


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.name))
def test_the_name_is_found_where_it_belongs(spec: PlatformSpec) -> None:
    own = Path("bot/platforms") / spec.name

    assert mentions(spec).search(read(str(own / "__init__.py")))
    assert mentions(spec).search(read("bot/platforms/registry.py"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.name))
def test_the_name_is_nowhere_else(spec: PlatformSpec) -> None:
    own = Path("bot/platforms") / spec.name
    elsewhere = [
        path
        for path in FILES
        if own not in path.parents and path != Path("bot/platforms/registry.py")
    ]

    found = [
        f"{path}:{number}: {line.strip()}"
        for path in elsewhere
        for number, line in enumerate(read(str(path)).splitlines(), 1)
        if mentions(spec).search(line)
    ]

    assert found == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.name))
def test_the_registry_has_one_line_for_it(spec: PlatformSpec) -> None:
    registry = read("bot/platforms/registry.py")

    assert registry.count(f'"{spec.name}": RegisteredPlatform(') == 1
