"""Record keys of Bluesky, made from what is delivered so that a repeat lands on the same record."""

from __future__ import annotations

import hashlib
from datetime import datetime

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_DAY = 86_400
_DAY_MICROS = _DAY * 1_000_000


def tid(at: datetime, key: str) -> str:
    """Make the timestamp identifier of one delivery: 13 characters, always the same.

    Only the UTC day of ``at`` counts, so that a delivery prepared twice on one day (a restored
    backup, a crash before the draft was saved) meets its own record instead of making a second.
    The moment within the day, and the ten bits of the clock identifier, come from ``key``. It is
    a moment of the day before: servers may refuse identifiers from the future.

    Args:
        at: Aware; any zone.
        key: What identifies the delivery for ever.
    """
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    yesterday = int(at.timestamp()) // _DAY - 1
    micros = yesterday * _DAY_MICROS + (digest >> 10) % _DAY_MICROS
    number = micros << 10 | digest & 0x3FF
    # 64 bits, the first of them zero, five to a character (atproto.com/specs/tid).
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))
