"""Values that are read from the database once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_Read = TypeVar("_Read")


class ReadOnce(Generic[_Read]):
    """A property that keeps what it read first; two threads at once may both read.

    Python 3.11's `cached_property` has one lock for all objects of a class: with it each account's
    worker waited for every other one's read.
    """

    def __init__(self, read: Callable[[Any], _Read]) -> None:
        self._read = read

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, _type: type | None = None) -> _Read:
        found: _Read = owner.__dict__.setdefault(self._name, self._read(owner))
        return found
