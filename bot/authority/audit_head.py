"""The audit log for people outside: its head, signed on this machine, and its rows as a file."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.canonical import canonical_json
from bot.errors import DecisionError, StoreError
from bot.settings.private import write_private

#: Columns of the log that are texts; details are one as they are stored.
_TEXTS = ("who", "verb", "subject", "why", "detail", "previous", "sha256")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """How long the audit log was and how it ended, signed by a machine's Ed25519 key."""

    rows: int
    sha256: str
    at: str
    #: Public key, hexadecimal.
    key: str

    def __str__(self) -> str:
        return f"audit-head:{self.rows}:{self.sha256}:{self.at}:{self.key}"


def audit_key(path: Path) -> Ed25519PrivateKey:
    """Return the machine's private key, made at first; StoreError where others may read it."""
    if not path.exists():
        write_private(path, Ed25519PrivateKey.generate().private_bytes_raw())
    if path.stat().st_mode & 0o077:
        raise StoreError(f"others may read {path}, which signs the audit log; make a new one")
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def sign_head(path: Path, head: tuple[int, str], now: datetime) -> str:
    """Return a head as one word, which `read_head` proves without this machine."""
    key = audit_key(path)
    at, public = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}", key.public_key().public_bytes_raw().hex()
    text = str(SignedHead(*head, at, public))
    return f"{text}:{urlsafe_b64encode(key.sign(text.encode())).decode()}"


def is_signed(text: str, key: str, signature: str) -> bool:
    """Return whether a public key signed a text; both as `Audit.sign` returns them."""
    try:
        public, signed = bytes.fromhex(key), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(public).verify(signed, text.encode())
    except (ValueError, TypeError, InvalidSignature):
        return False
    return (public.hex(), signed.hex()) == (key, signature)  # written in one way only


def read_head(word: str, key: str = "") -> SignedHead:
    """Read a signed head; DecisionError where it is none, or not signed by that key."""
    text, _, signature = word.strip().rpartition(":")
    try:
        _, rows, *rest = text.split(":")
        head = SignedHead(int(rows), *rest)
        verifier = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key or head.key))
        verifier.verify(urlsafe_b64decode(signature), text.encode())
    except (ValueError, TypeError, InvalidSignature):
        head = None
    if head is None or str(head) != text or head.key != (key or head.key):
        raise DecisionError(f"this head is not signed by the key {key or 'that it names'}")
    return head


def row_line(row: Mapping[str, Any]) -> str:
    """Return a row of the log as a line of a file, which is also what its hash is of."""
    return canonical_json({**row, "at": row["at"].astimezone(UTC).isoformat()})


def rows_in(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a file, if there is one; a line that a crash tore is passed over.

    A whole line that is no row of the log comes as one that follows none, as row 0.
    """
    if not path.exists():
        return
    # Not splitlines(): people's reasons may have line breaks that JSON leaves as they are.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            written = json.loads(line)
        except RecursionError:
            written = None
        except ValueError:
            continue
        yield _row(written) or {"seq": 0, "previous": "", "sha256": ""}


def _row(written: Any) -> dict[str, Any] | None:
    """Return a row as it was stored; None where somebody wrote something else."""
    try:
        row = {name: written[name] for name in ("seq", *_TEXTS)}
        row["at"] = datetime.fromisoformat(written["at"]).astimezone(UTC)
        detail = json.loads(row["detail"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    is_row = isinstance(row["seq"], int) and isinstance(detail, dict)
    return row if is_row and all(isinstance(row[name], str) for name in _TEXTS) else None
