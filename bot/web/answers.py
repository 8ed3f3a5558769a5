"""What a view answers: a page, another address, or bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """A template with its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """See another page of ours (303)."""

    to: str
    #: A new session, or the end of one (empty); None leaves the cookie.
    session_token: str | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are."""

    content: bytes
    media_type: str
    #: Seconds that a browser may keep it; 0 is not at all.
    keep: int = 0
    #: Name for saving it; empty shows it.
    filename: str = ""


Answer = Page | Redirect | Raw
