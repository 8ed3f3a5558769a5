"""What people write for what is called otherwise: languages, zones, choices, keys, sites."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files


@cache
def names_of(table: str) -> Mapping[str, Sequence[str]]:
    """Return what people write by what it is called here."""
    text = (files("bot.content") / "other_names.json").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text).get(table, {})
    return found


@cache
def other_names(table: str) -> Mapping[str, Sequence[str]]:
    """Return by what people write, in small letters, what it may be called here."""
    names = defaultdict[str, list[str]](list)
    for right, others in names_of(table).items():
        for other in others:
            names[other].append(right)
    return dict(names)


def called(table: str, name: str) -> str:
    """Return what it is called here; empty text where nobody knows."""
    return next(iter(other_names(table).get(name.casefold(), ())), "")
