"""Secrets replaced by stars wherever they stand in a text; needs the standard library alone."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote, quote_plus

STARS = "***"
#: Shorter values are not masked: they would turn unrelated words into stars.
SHORTEST_SECRET = 4

# What looks like a credential whoever issued it: sessions are made after the secrets were read.
_TOKENS = re.compile(
    r"(?i)\b(?P<scheme>bearer|dpop)(?P<gap>(?:\s+|%20)[\"']?)[^\s\"',;}]+"
    r"|(?<![\w-])eyJ[\w-]{6,}+\.[\w-]++\.[\w-]*+"
)


class Masker:
    """Replaces registered secrets wherever they stand, by value; safe to use from any thread."""

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, secret: str) -> None:
        """Mask this value from now on, also percent-encoded, escaped or inside base64."""
        if len(secret) < SHORTEST_SECRET:
            return
        with self._lock:
            self._forms |= _forms(secret)
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """Replace every registered secret, and whatever looks like a bearer token, by stars."""
        if self._pattern is not None:
            text = self._pattern.sub(STARS, text)
        return _TOKENS.sub(
            lambda token: f"{token['scheme'] or ''}{token['gap'] or ''}{STARS}", text
        )


def _forms(secret: str) -> frozenset[str]:
    encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in encoded}
    escaped = {repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    return frozenset({secret, *encoded, *lower, *escaped, *_base64_forms(secret.encode())})


def _base64_forms(secret: bytes) -> set[str]:
    """Return what base64 of any text around the secret must contain, by its alignment."""
    forms = set()
    for offset, unsure in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * offset + secret).decode()
        core = whole[unsure : (offset + len(secret)) * 8 // 6]
        if len(core) >= 2 * SHORTEST_SECRET:
            forms |= {core, core.replace("+", "-").replace("/", "_")}
    return forms


#: Every line that the program writes goes through this one.
masked = Masker()
#: Keeps a secret out of every later log line.
mask = masked.add
