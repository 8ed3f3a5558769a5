"""How much the program is willing to read before it looks at a single character."""

from __future__ import annotations

from dataclasses import dataclass

_KB = 1000
_MB = 1000 * _KB


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes, and counts; what is more is a problem, not a reason to work harder."""

    yaml_bytes: int = 256 * _KB
    #: Nested lists and mappings of one document.
    yaml_depth: int = 16
    yaml_events: int = 20_000
    #: A quoted source, such as a letter.
    text_bytes: int = 1 * _MB
    picture_bytes: int = 20 * _MB
    #: Files and folders below ``posts``.
    entries: int = 5_000
    #: Folders within folders.
    folders_deep: int = 8
    #: All text together, and all pictures that posts use.
    all_text_bytes: int = 32 * _MB
    all_picture_bytes: int = 200 * _MB
    #: Problems told for one file; the rest is counted.
    problems: int = 50
