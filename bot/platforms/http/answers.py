"""Reading the JSON of servers, which may be anything: what is not there, or is odd, is left out."""

from collections.abc import Mapping
from typing import Any


def object_in(value: object, *path: str) -> dict[str, Any]:
    """Return the object at a path of keys; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects_in(value: object, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at a path of keys; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def count_in(value: Mapping[str, Any], *names: str) -> int | None:
    """Return the first number under these names that counts something; None where none does."""
    for name in names:
        found = value.get(name)
        if type(found) is int and found >= 0:
            return found
    return None
