"""Passkeys (WebAuthn): what a browser is asked, and whether its answer is right.

Every answer needs the user's own gesture (finger, face or PIN), not only the device.
"""

import hmac
import ipaddress
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from bot.authority.user_table import Passkey
from bot.authority.users import SignInError

#: How long a person may take.
_PATIENCE = timedelta(minutes=5)
_NONCE, _TIME = 16, 8
#: What reading JSON of anybody's raises.
_NO_ANSWER = (ValueError, KeyError, TypeError, RecursionError)
_REFUSED = "the passkey was refused; try again, or use your password"


@dataclass(frozen=True, slots=True)
class Site:
    """The desk as browsers name it; a passkey works at just one."""

    origin: str

    @property
    def name(self) -> str:
        """What passkeys are bound to; empty for an address that is a number: none work there."""
        host = urlsplit(self.origin).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host
        return ""


@dataclass(slots=True)
class Challenges:
    """Makes random challenges and takes each once; nothing is kept of those that never come back.

    They hold within one process: its restart voids them.
    """

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _used: dict[bytes, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def new(self, purpose: str, now: datetime) -> bytes:
        """Return a challenge for one purpose, such as a sign-in of one browser."""
        expires = int((now + _PATIENCE).timestamp()).to_bytes(_TIME, "big")
        start = secrets.token_bytes(_NONCE) + expires
        return start + self._tag(start, purpose)

    def take(self, purpose: str, challenge: bytes, now: datetime) -> None:
        """Use a challenge up; SignInError where it is not ours, too old, or was used."""
        start, tag = challenge[: _NONCE + _TIME], challenge[_NONCE + _TIME :]
        expires = int.from_bytes(start[_NONCE:], "big")
        with self._lock:
            self._used = {old: until for old, until in self._used.items() if until > now}
            is_ours = hmac.compare_digest(tag, self._tag(start, purpose))
            if not is_ours or challenge in self._used or expires < now.timestamp():
                raise SignInError("that took too long; try again")
            self._used[challenge] = now + _PATIENCE

    def _tag(self, start: bytes, purpose: str) -> bytes:
        return hmac.new(self._key, start + purpose.encode(), sha256).digest()


def creation_options(site: Site, name: str, challenge: bytes, known: Iterable[Passkey]) -> str:
    """Return what the browser is asked to make a passkey with, as JSON."""
    import webauthn  # 10 MB, which an idle service need not hold
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name="Verbatim",
        user_name=name,
        user_id=sha256(f"verbatim user {name}".encode()).digest(),
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return webauthn.options_to_json(options)


def request_options(site: Site, challenge: bytes, known: Iterable[Passkey] = ()) -> str:
    """Return what the browser is asked to sign, as JSON; with any passkey where none is named."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def _descriptors(known: Iterable[Passkey]) -> list[Any]:
    from webauthn.helpers import base64url_to_bytes, structs

    return [structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in known]


def challenge_in(answer: str) -> bytes:
    """Return the challenge that an answer says it is to; SignInError where it is no answer."""
    import webauthn

    try:
        client = webauthn.base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
        return webauthn.base64url_to_bytes(json.loads(client)["challenge"])
    except _NO_ANSWER as error:
        raise SignInError(_REFUSED) from error


def key_id_in(answer: str) -> str:
    """Return the id of the passkey that an answer says it is of; empty where it says none."""
    try:
        found = str(json.loads(answer)["id"])
    except _NO_ANSWER:
        return ""
    return found if found.isascii() else ""


def new_passkey(
    answer: str, site: Site, challenge: bytes, *, user: str, label: str, now: datetime
) -> Passkey:
    """Return the passkey that the browser made; SignInError where the answer is not right."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.name,
            expected_origin=site.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise SignInError(_REFUSED) from error
    return Passkey(
        id=webauthn.helpers.bytes_to_base64url(made.credential_id),
        user=user,
        label=label,
        origin=site.origin,
        public_key=webauthn.helpers.bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        created_at=now,
    )


def verified(
    answer: str, challenge: bytes, *, origin: str, public_key: str, sign_count: int = 0
) -> int:
    """Return the sign count of a key's answer to a challenge; SignInError where it is not so."""
    import webauthn

    try:
        return webauthn.verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=Site(origin).name,
            expected_origin=origin, require_user_verification=True,
            credential_public_key=webauthn.base64url_to_bytes(public_key),
            credential_current_sign_count=sign_count,
        ).new_sign_count  # fmt: skip
    # What a database holds may be anything: the library raises whatever its parts raise.
    except Exception as error:
        raise SignInError(_REFUSED) from error
