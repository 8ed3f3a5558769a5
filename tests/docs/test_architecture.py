"""The architecture page, the decisions and the Makefile say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.tree import files, read

MARKDOWN = [path for path in files(".md") if path.parts[0] not in {"posts", "tests"}]


def test_the_layers_of_the_architecture_page_are_those_that_are_enforced() -> None:
    page = read("docs/architecture.md")
    fenced = re.search(r"^```layers\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert fenced, "docs/architecture.md has no block that opens with ```layers"

    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]

    assert fenced[1].splitlines() == layers


def test_decisions_are_numbered_without_a_gap_and_have_one_shape() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [page.name[:5] for page in pages] == [f"{n:04}-" for n in range(1, len(pages) + 1)]
    for number, page in enumerate(pages, 1):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
            "Situation",
            "Options",
            "Choice",
            "Cost",
        ]


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", read(page))

    dead = [link for link in links if not _leads_somewhere(page, link)]

    assert dead == []


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (ROOT / page.parent / path) if path else ROOT / page
    if not heading or not target.is_file():
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return heading in {_anchor(one) for one in headings}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def targets() -> dict[str, str]:
    return dict(re.findall(r"^([a-z-]+):[^=\n]*?(?:## (.*))?$", read("Makefile"), re.MULTILINE))


def test_every_target_has_a_line_of_help() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)

    assert declared
    assert set(declared[1].split()) == set(targets())
    assert [name for name, line in targets().items() if not line] == []


@pytest.mark.parametrize("page", MARKDOWN, ids=str)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", read(page), re.MULTILINE)

    assert {one or other for one, other in named} <= set(targets())


def test_the_changelog_has_a_place_for_what_comes() -> None:
    assert "\n## [Unreleased]\n" in read("CHANGELOG.md")
