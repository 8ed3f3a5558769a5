"""What people write for what is called otherwise here: languages, zones, months, choices, keys."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


@cache
def other_names(table: str) -> Mapping[str, Sequence[str]]:
    """Return by what people write, in small letters, what it may be called here."""
    text = (files("bot.content") / "other_names.json").read_text(encoding="utf-8")
    names = defaultdict[str, list[str]](list)
    for right, others in json.loads(text).get(table, {}).items():
        for other in others:
            names[other].append(right)
    return dict(names)


def called(table: str, name: str) -> str:
    """Return what it is called here; empty text where nobody knows."""
    return next(iter(other_names(table).get(name.casefold(), ())), "")
