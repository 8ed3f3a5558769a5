"""The words and the numbers in which engagement is reported; the same in every medium."""

import json
from collections.abc import Mapping
from pathlib import Path

from bot.content.report_words import english
from bot.engagement.costs import Forecast
from bot.engagement.estimate import ENOUGH
from bot.engagement.snapshots import SnapshotState

UNTOLD = "–"
_TERMS = Path(__file__).parent / "reporting" / "terms.json"
#: Grouping -> heading, heading of its first column, and what it groups.
GROUPS: Mapping[str, tuple[str, str, str]] = {
    "post": ("Posts", "Post", ""),
    "theme": ("Theme", "Theme", "Posts by the theme that their editors gave them."),
    "excerpt": ("Excerpt", "Passage", "Quotations by the passage that they quote."),
    "form": ("Form", "Form", "Quotation, card, link or thread."),
    "lang": ("Language", "Language", "By the language of the text."),
    "slot": ("Slot", "Slot", "By the named slot; see also the time of day."),
    "time": ("Time of day", "Local time", "Posts by the hour at which they went out."),
}
_NO_RANKING = (
    "A range that crosses 1× may be chance, and the order is no ranking where ranges overlap."
)
BETWEEN_POSTS = f"1× is the median of its own account at the same age. {_NO_RANKING}"
BETWEEN_GROUPS = f"1× is the average of all judged posts. {_NO_RANKING}"
OWN_AUDIENCE = "An account is compared with itself only: audiences differ."
#: What came of a read without numbers.
BLANKS: Mapping[SnapshotState, str] = {
    state: english()(f"blank-{state.lower()}")
    for state in SnapshotState if state is not SnapshotState.TAKEN
}  # fmt: skip
VERDICTS = {"up": "above usual", "down": "below usual", "even": "cannot tell",
            "unknown": "not enough yet"}  # fmt: skip
WHY_NO_BEST_TIME = (
    "Content and time are mixed up: editors put their strong posts into the slots they believe in. "
    "And luck looks like a best hour: with no effect at all, the best of 24 hourly slots comes out "
    "three times the average."
)
#: What the words of a report mean, in the order in which they are explained.
TERMS = {
    term: meaning.format(enough=ENOUGH)
    for term, meaning in json.loads(_TERMS.read_text(encoding="utf-8")).items()
}


def number(value: float | None, digits: int = 0) -> str:
    """Return a count as people read it; – where it is unknown."""
    return UNTOLD if value is None else f"{value:,.{digits}f}"


def ratio(plot: tuple[float, float, float] | None) -> str:
    """Return a ratio with its interval; a second digit where one would hide its side of 1."""
    if plot is None:
        return UNTOLD
    mean, *ends = plot
    low, high = (f"{end:.2f}" if f"{end:.1f}" == "1.0" else f"{end:.1f}" for end in ends)
    return f"{mean:.1f}× ({low}–{high})"


def gained(days: Mapping[str, int]) -> int | None:
    """Return how many followers came from the first known day to the last."""
    return days[max(days)] - days[min(days)] if len(days) > 1 else None


def cost_text(month: Forecast) -> str:
    """Return in a sentence what an account has spent and will spend this month."""
    text = f"${month.spent:.3f} spent, ${month.expected:.3f} expected by the end of the month"
    if month.budget is None:
        return f"{text}; there is no budget."
    return f"{text}, of a budget of ${month.budget:.2f}."
