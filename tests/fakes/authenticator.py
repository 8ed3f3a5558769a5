"""A passkey in software: answers what a browser is asked, as the key in somebody's device does."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

#: Somebody is there, and has shown who they are; it also holds the new key.
PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One key pair, at one desk."""

    origin: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    key_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    count: int = 0
    #: What it says of its user.
    flags: int = PRESENT | VERIFIED

    @property
    def public_key(self) -> str:
        """Return the public key as the desk keeps it."""
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return b64(cbor2.dumps({1: 2, 3: -7, -1: 1, **point}))

    def create(self, options: str) -> str:
        """Answer what a page asked to make a passkey with."""
        asked = json.loads(options)
        about = bytes(16) + len(self.key_id).to_bytes(2, "big") + self.key_id
        data = self._data(asked["rp"]["id"], HAS_KEY) + about + unb64(self.public_key)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def sign(self, options: str, **changed: Any) -> str:
        """Answer what a page asked to be signed."""
        asked = json.loads(options)
        return self.answer_to(unb64(asked["challenge"]), asked["rpId"], **changed)

    def answer_to(self, challenge: bytes, site: str, *, origin: str = "") -> str:
        """Answer a challenge of a desk of this name."""
        self.count += 1
        data = self._data(site)
        client = self._client("webauthn.get", b64(challenge), origin)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer({
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
        })  # fmt: skip

    def _client(self, kind: str, challenge: str, origin: str = "") -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": origin or self.origin}
        return json.dumps({**told, "crossOrigin": False}).encode()

    def _data(self, site: str, flags: int = 0) -> bytes:
        name = sha256(site.encode()).digest()
        return name + bytes([self.flags | flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, str]) -> str:
        key_id = b64(self.key_id)
        return json.dumps(
            {"id": key_id, "rawId": key_id, "type": "public-key", "response": response}
        )
