"""Where sentences begin and end, in any language that a campaign writes in."""

from __future__ import annotations

from functools import cache

import regex
import sentencex


@cache
def _missed() -> regex.Pattern[str]:
    """Ends of sentences that sentencex does not see: after an ellipsis."""
    return regex.compile(r"…+[\"”’»)]*\s+(?=\p{Lu})|……(?=\p{Han})")


def find_sentences(text: str, lang: str = "en") -> tuple[tuple[int, int], ...]:
    """List the sentences as code points, end exclusive, without the white space around them.

    Nothing but white space is outside them. ``lang`` is a BCP 47 tag; an unknown one is taken
    for English.
    """
    ends = {int(one["end_index"]) for one in sentencex.get_sentence_boundaries(_code(lang), text)}
    ends |= {found.end() for found in _missed().finditer(text)} | {len(text)}
    sentences: list[tuple[int, int]] = []
    start = 0
    for end in sorted(ends):
        whole = text[start:end]
        first = start + len(whole) - len(whole.lstrip())
        if last := len(whole.rstrip()):
            sentences.append((first, start + last))
        start = end
    return tuple(sentences)


def _code(lang: str) -> str:
    return lang.partition("-")[0].lower()
