"""How problems are worded: what was found, what is near, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from bot.content.nodes import EMPTY

#: Longer words are shown and compared by their beginning.
_LONG = 60
_FEW = 8


def quoted(text: str) -> str:
    """Show a value in a message, cut where it is long."""
    return f"'{text}'" if len(text) <= _LONG else f"'{text[:_LONG]}…'"


def kind(value: object) -> str:
    """Name what stands where something else should."""
    if value is EMPTY:
        return "has no value (what follows a # is a comment)"
    if isinstance(value, list):
        return "is a list"
    return "is a mapping of keys" if isinstance(value, dict) else "is a single value"


def suggestion(word: str, options: Iterable[str]) -> str:
    """Say which of the options was likely meant, or which there are."""
    options = tuple(options)
    folded = {option.casefold(): option for option in options}
    asked = word[:_LONG].strip().casefold()
    begun = [one for one in folded if len(asked) > 2 and asked.startswith(one)]
    near = get_close_matches(asked, folded, n=1, cutoff=0.6) or begun
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    if not options:
        return "there are none yet"
    shown = ", ".join(options[:_FEW])
    return f"there are: {shown}{', …' if len(options) > _FEW else ''}"
