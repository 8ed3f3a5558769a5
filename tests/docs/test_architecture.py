"""The architecture page and its picture, the decisions and the Makefile say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.delivery.lifecycle import MOVES
from bot.delivery.model import State
from tests.conftest import ROOT
from tests.docs.tree import blocks, files, read

MARKDOWN = [path for path in files(".md") if path.parts[0] not in {"posts", "tests"}]


def test_the_layers_of_the_architecture_page_are_those_that_are_enforced() -> None:
    page = blocks(read("docs/architecture.md"))
    [written] = [text for language, text in page if language == "layers"]

    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]

    assert written.splitlines() == layers


def drawn() -> set[tuple[str, str, str]]:
    page = blocks(read("docs/architecture.md"))
    [picture] = [text for _language, text in page if text.startswith("stateDiagram-v2\n")]
    return set(re.findall(r"^ +(\w+) --> (\w+): (.+)$", picture, flags=re.MULTILINE))


def test_every_move_is_drawn_and_every_arrow_is_a_move() -> None:
    moves = {(before.value, after.value, event.value) for (before, event), after in MOVES.items()}

    assert drawn() == moves


def test_every_state_can_be_reached_and_only_final_ones_have_no_way_on() -> None:
    reached = {State.PLANNED, *MOVES.values()}
    left = {before for before, _event in MOVES}

    assert reached == set(State)
    assert set(State) - left == {State.CANCELLED, State.RETRACTED, State.GONE}


DECISIONS = [path for path in files(".md") if path.parent == Path("docs/decisions")]


def test_no_two_decisions_have_one_number() -> None:
    numbers = [page.name[:4] for page in DECISIONS]

    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("page", DECISIONS, ids=str)
def test_a_decision_says_its_number_why_what_and_at_what_cost(page: Path) -> None:
    text = read(page)

    title = re.match(r"# (\d+)[.:]? ", text)
    parts = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)

    assert title, f"begin {page} with its number, such as: # 4. What was decided"
    assert f"{int(title[1]):04}-" == page.name[:5]
    assert [part for part in parts if part in {"Situation", "Choice", "Cost"}] == [
        "Situation",
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


#: What a tool is told to pass over, and the reason behind it.
_PASSED_OVER = re.compile(
    r"# (?:noqa(?:: (?:[A-Z]+\d+(?:, )?)+)?|type: ignore(?:\[[a-z, -]+\])?)(.*)$"
)


def test_whatever_a_tool_passes_over_has_its_reason() -> None:
    lines = {f"{path}:{number}": line for path in files(".py")
             for number, line in enumerate(read(path).splitlines(), start=1)}  # fmt: skip
    found = {where: match[1] for where, line in lines.items()
             if (match := _PASSED_OVER.search(line)) and '"' not in match[0]}  # fmt: skip

    assert len(found) > 100, "the tools have other words by now"
    assert [where for where, rest in found.items() if not re.match(r" *[-#] *\w+", rest)] == []
