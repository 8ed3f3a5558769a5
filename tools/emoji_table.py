"""Writes bot/platforms/x/emoji.json: the emoji sequences that X counts as one.

Run by a person when the table should change; never at run time. The source is the list in
PyPI's ``emoji`` package, which is Unicode's emoji-test.txt with the version that each sequence
came with::

    pip install emoji==2.16.0 && python tools/emoji_table.py

X publishes no list. Its last published library (twitter-text 3.1.0) knows the fully qualified
sequences up to Emoji 11, with the exceptions below, which were found by asking that library
about each of the 5,244 sequences; tests/conformance/test_x_oracle.py asks again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

LAST_VERSION = 11
FULLY_QUALIFIED = 2
TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
STYLE = "\ufe0f"
JOINER = "\u200d"
KEYCAP = "\u20e3"

#: Emoji 11 has them; the library does not: infinity, and the qualified eye in a speech bubble.
UNKNOWN = {"\u267e\ufe0f", "\U0001f441\ufe0f\u200d\U0001f5e8\ufe0f"}
#: The library has them though Emoji 11 does not: the unqualified eye, people in tuxedos, and a
#: toned skier.
KNOWN = {"\U0001f441\u200d\U0001f5e8"} | {
    f"\U0001f935{tone}\u200d{sign}\ufe0f" for tone in ("", *TONES) for sign in "\u2640\u2642"
}
KNOWN |= {f"\u26f7{tone}" for tone in TONES}
#: Emoji by default; the library takes the style selector after them as part of them all the same,
#: as Unicode's emoji-variation-sequences.txt lists it.
KNOWN |= {
    char + STYLE
    for char in "⌚⌛◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛔⛪⛲⛳⛵⛺⛽"
    "⬛⬜⭐⭕❗🀄🈚🈯"
}

ABOUT = (
    "Emoji sequences that X counts as one; written by tools/emoji_table.py, not by hand. Only what"
    " has more than one code point is here: a single emoji weighs 2 by its range anyway. Source:"
    " Unicode's emoji-test.txt up to Emoji 11, by way of PyPI's emoji {version}. `styled` are one"
    " when U+FE0F follows, `toned` when a skin tone does; `flags` are pairs of regional indicators;"
    " `longer` is each first sign with each of the endings after it, 1f3fb for all five skin tones."
)


def sequences(table: Mapping[str, Mapping[str, object]]) -> set[str]:
    """Choose what the library knows; flags and keycaps follow rules of their own."""
    listed = {
        text
        for text, about in table.items()
        if len(text) > 1
        and about["status"] == FULLY_QUALIFIED
        and float(str(about["E"])) <= LAST_VERSION
    }
    return (listed - UNKNOWN) | KNOWN


def hexadecimal(text: str) -> str:
    return "-".join(f"{ord(char):x}" for char in text)


def grouped(sequences: Iterable[str]) -> list[tuple[list[str], tuple[str, ...]]]:
    """Group the first signs that have the same endings."""
    endings: dict[str, set[str]] = defaultdict(set)
    for text in sequences:
        endings[text[0]].add(hexadecimal(text[1:]))
    firsts: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for first, known in sorted(endings.items()):
        firsts[tuple(sorted(known))].append(hexadecimal(first))
    return [(some, known) for known, some in firsts.items()]


def main() -> None:
    package = import_module("emoji")
    known = sequences(package.EMOJI_DATA)
    # Both emoji and text by default: the style selector is part of the emoji after any of them.
    styled = {text[0] for text in known if len(text) == 2 and text[1] == STYLE}
    toned = {text[0] for text in known if len(text) == 2 and text[1] == TONES[0]}
    flags = {text for text in known if len(text) == 2 and "\U0001f1e6" <= text[0] <= "\U0001f1ff"}
    short = {text for text in known if len(text) == 2 or text.endswith(KEYCAP)}
    # One tone stands for all five.
    longer = {text for text in known - short if not set(text) & set(TONES[1:])}
    letters = {"".join(chr(ord(half) - 0x1F1E6 + ord("a")) for half in flag) for flag in flags}
    table = {
        "about": ABOUT.format(version=package.__version__),
        "styled": sorted(map(hexadecimal, styled)),
        "toned": sorted(map(hexadecimal, toned)),
        "flags": sorted(letters),
        "longer": grouped(longer),
    }
    Path("bot/platforms/x/emoji.json").write_text(json.dumps(table) + "\n")


if __name__ == "__main__":
    main()
