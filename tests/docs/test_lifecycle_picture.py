"""The picture of the states says what the code does."""

from __future__ import annotations

import re

from bot.delivery.lifecycle import MOVES
from bot.delivery.model import State
from tests.docs.tree import blocks, read


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
