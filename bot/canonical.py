"""Canonical JSON and SHA-256: what is the same has the same text and the same hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: A JSON object as the standard library reads it.
JsonObject = Mapping[str, Any]


def canonical_json(value: object) -> str:
    """Write JSON that is the same for the same value: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sha256_hex(value: str | bytes) -> str:
    """Hash text (as UTF-8) or bytes; lower-case hexadecimal."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
