from datetime import date

import pytest

from bot.content.proposals import propose_description

TODAY = date(2026, 12, 1)


@pytest.mark.parametrize("month", ["APRİL", "Aprıl", "ſeptember", "04"])
def test_a_month_in_letters_that_pass_for_ours_stops_no_proposal(month: str) -> None:
    letter = f"Open letter\n\n9 {month} 2022\n\nWe write to ask you to stop selling doors here.\n"

    proposal = propose_description(letter, {}, TODAY)

    assert proposal.title == "Open letter"
