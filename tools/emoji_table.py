"""Writes bot/platforms/x/emoji.py: the emoji sequences that X counts as one.

Run by a person when the table should change; never at run time. The source is the list in
PyPI's ``emoji`` package, which is Unicode's emoji-test.txt with the version that each sequence
came with::

    pip install emoji==2.16.0 && python tools/emoji_table.py

X publishes no list. Its last published library (twitter-text 3.1.0) knows the fully qualified
sequences up to Emoji 11, with the exceptions below, which were found by asking that library
about each of the 5,244 sequences; tests/conformance/test_x_oracle.py asks again.
"""

from __future__ import annotations

import textwrap
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

HEADER = '''"""Emoji sequences that X counts as one; written by tools/emoji_table.py, not by hand.

Only what has more than one code point is here: a single emoji weighs 2 by its range anyway.
Source: Unicode's emoji-test.txt up to Emoji 11, by way of PyPI's emoji {version}.
"""
'''


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


def grouped(sequences: Iterable[str]) -> list[str]:
    """Group what has the same endings: ``first first: ending ending;``."""
    endings: dict[str, set[str]] = defaultdict(set)
    for text in sequences:
        endings[text[0]].add(hexadecimal(text[1:]))
    firsts: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for first, known in sorted(endings.items()):
        firsts[tuple(sorted(known))].append(hexadecimal(first))
    return [f"{' '.join(some)}: {' '.join(known)};" for known, some in firsts.items()]


def constant(name: str, comment: str, words: Iterable[str]) -> str:
    lines = textwrap.wrap(" ".join(words), 96, break_on_hyphens=False)
    body = textwrap.indent("\n".join(lines), "    ")
    return f'#: {comment}\n{name} = """\n{body}\n"""\n'


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
    parts = [
        HEADER.format(version=package.__version__),
        constant("STYLED", "Followed by U+FE0F they are one.", sorted(map(hexadecimal, styled))),
        constant("TONED", "Followed by a skin tone they are one.", sorted(map(hexadecimal, toned))),
        constant("FLAGS", "Pairs of regional indicators.", sorted(letters)),
        constant(
            "LONGER",
            "Joined and tagged sequences, each first sign with each of the endings after it;\n"
            "#: 1f3fb stands for each of the five skin tones.",
            grouped(longer),
        ),
    ]
    Path("bot/platforms/x/emoji.py").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
