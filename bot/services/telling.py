"""The words in which numbers are told; the same in the terminal, on the page and in the digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.judging import ENOUGH
from bot.services.costs import Forecast
from bot.services.reporter import DayParts, Line, Report
from bot.store import Outcome

#: What came of a read without numbers.
BLANKS: Mapping[Outcome, str] = {
    Outcome.DUE: "not yet; tried again",
    Outcome.FAILED: "the read failed",
    Outcome.MISSED: "not read in time",
    Outcome.GONE: "the post is gone",
}

WHY_NO_BEST_TIME = (
    "Content and time are mixed up: editors put their strong posts into the slots they believe in. "
    "And luck looks like a best hour: with no effect at all, the best of 24 hourly slots comes out "
    "three times the average."
)

TERMS: Sequence[tuple[str, str]] = (
    ("Engagements", "Likes + reposts + quotes + replies. Bookmarks and clicks stand apart."),
    (
        "Ratio",
        "Engagements against the median of the same account at the same age. Where a platform "
        "tells impressions (X), against what is usual there for as many impressions. It is pulled "
        "towards the platform's other posts as far as chance could explain it (gamma-Poisson "
        "shrinkage), so a lucky post with few looks does not come out on top.",
    ),
    (
        "80 % interval",
        "Where the true ratio lies, four times in five. Where it crosses 1×, the post may well be "
        "an ordinary one.",
    ),
    (
        "Age",
        "Numbers are read 1 h, 6 h, 24 h, 72 h, 7 d and 30 d after a post went out, within a tenth "
        "of that time. Only the same ages are compared, up to 7 days.",
    ),
    (
        "Not enough yet",
        f"A platform with fewer than {ENOUGH} posts that have numbers is not judged.",
    ),
    ("–", "The platform does not tell it, or it could not be read. It is never 0."),
    (
        "per 1,000 followers",
        "Of the account's followers on the day the post went out. It compares no accounts fairly, "
        "and misleads more than raw counts do.",
    ),
    (
        "per 1,000 impressions",
        "Times shown, as X tells its own authors. Mastodon and Bluesky tell no such number, and "
        "none is guessed.",
    ),
)


def number(value: float | None, digits: int = 0) -> str:
    """Write a count; – where it is untold."""
    return "–" if value is None else f"{value:,.{digits}f}"


def money(value: float) -> str:
    return f"{value:,.2f}"


def ratio(line: Line) -> str:
    """Write a ratio with its interval."""
    if line.ratio is None or line.low is None or line.high is None:
        return "–"
    return f"{line.ratio:.1f}× ({_bound(line.low)}–{_bound(line.high)})"


def _bound(value: float) -> str:
    """Write one digit, or two where one would hide on which side of 1 it lies."""
    return f"{value:.2f}" if f"{value:.1f}" == "1.0" else f"{value:.1f}"


def standing_told(line: Line) -> str:
    if line.low is None or line.high is None:
        return "not enough yet"
    return "above usual" if line.low > 1 else "below usual" if line.high < 1 else "cannot tell"


def lacking_told(lacking: Mapping[str, int]) -> list[str]:
    """Say what each platform lacks before it can be judged."""
    return [f"{name}: not enough yet, {missing} more needed" for name, missing in lacking.items()]


def day_verdict(parts: DayParts) -> str:
    if parts.differs:
        return "Some hours differ by more than chance. That need not be the hour."
    return "No difference shown."


def headlines(report: Report) -> list[str]:
    """Say in a few sentences what the numbers carry, and what they do not."""
    judged = [one for one in report.lines["post"] if one.ratio is not None]
    if not judged:
        return ["There is not enough yet to judge any post."]
    ups = [one for one in judged if one.low is not None and one.low > 1]
    downs = [one for one in judged if one.high is not None and one.high < 1]
    rest = len(judged) - len(ups) - len(downs)
    told = [
        f"Of {len(judged)} posts, {len(ups)} did better than usual and {len(downs)} worse; "
        f"for the other {rest} the numbers cannot tell."
    ]
    if ups:
        told.append(f"Furthest ahead: {_named(ups[0])}, {ratio(ups[0])} the usual.")
    for by, what in (("theme", "Theme"), ("excerpt", "Passage"), ("form", "Form")):
        clear = [one for one in report.lines[by] if one.low is not None and one.low > 1]
        if clear:
            name = clear[0].words or clear[0].name
            told.append(f"{what} ahead of the average: {name}, {ratio(clear[0])}.")
    return told


def _named(line: Line) -> str:
    return f"{line.name} ({line.words})" if line.words else line.name


def excerpt_told(name: str) -> str:
    """Write where a passage stands: ``letter:60-89`` is the letter's characters 60 to 89."""
    source, _, stretch = name.rpartition(":")
    return f"{source}, characters {stretch.replace('-', '–')}"


def cost_told(one: Forecast) -> str:
    """Say how an account's month stands."""
    told = f"${one.spent:.3f} spent, ${one.expected:.3f} expected by the end of the month"
    if one.budget is None:
        return f"{told}; there is no budget."
    return f"{told}, of a budget of ${one.budget:.2f}."
