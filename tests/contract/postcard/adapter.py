"""Publishes postcards: a card is named by its delivery's key, so a repeat is the same card."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

import requests

from bot.errors import PlatformError, RejectedError
from bot.platforms.base import Connection, PictureReader, Platform, Profile
from bot.platforms.http.credentials import require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, translated_errors
from bot.platforms.http.session import BoundedSession
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status
from tests.contract.postcard import SPEC

_REFUSED = frozenset({400, 413, 422})


def connect(connection: Connection) -> Platform:
    """Make the adapter of one account; asks nothing of the server.

    Raises:
        SettingsError: the server is not safe to send a key to, or the key is missing.
    """
    return Postcards(connection)


class Postcards:
    """One account; see `bot.platforms.base.Platform` for the promises."""

    def __init__(self, connection: Connection) -> None:
        self._account, self._meter = connection.account, connection.meter
        self._origin = safe_origin(self._account.server, self._account.name)
        key = require_secret(connection.secrets, "MAILBOX_KEY", self._account.name)
        self._exchange = Exchange()
        self._session = BoundedSession(connection, self._exchange, self._origin)
        self._session.headers["Authorization"] = f"Key {key}"

    @property
    def spec(self) -> PlatformSpec:
        return SPEC

    def profile(self) -> Profile:
        with self._calls():
            me = self._ask("GET", "/me")
            return Profile(id=str(me["id"]), handle=str(me["handle"]), is_labelled_bot=None)

    def limits(self) -> Limits:
        known = self._account.max_length
        return replace(SPEC.limits, max_length=known) if known else SPEC.limits

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        for one in status.pictures:
            body = base64.b64encode(pictures(one)).decode()
            with self._calls(refusals=_REFUSED):
                if self._ask("PUT", f"/pictures/{one.sha256}", body)["sha256"] != one.sha256:
                    raise TypeError("another picture")
        card = {
            "text": status.text,
            "lang": status.lang,
            "warning": status.warning,
            "parent": reply_to.parent.id if reply_to else None,
            "pictures": [{"sha256": one.sha256, "alt": one.alt} for one in status.pictures],
            "paper": SPEC.value(self._account, "paper"),
        }
        return Draft(key, card)

    def publish(self, draft: Draft) -> PostRef:
        booking = self._meter.reserve(SPEC.charges(Status(""))[0])
        with self._calls(writing=True, refusals=_REFUSED):
            card = self._ask("PUT", f"/cards/{draft.key}", draft.body)
            ref = self._ref(card, draft.key)
        self._meter.settle(booking, 1)
        return ref.compared(
            {
                name: f"its {name} is not what was sent"
                for name, sent in draft.body.items()
                if card.get(name, sent) != sent
            }
        )

    def find(self, draft: Draft) -> PostRef | None:
        return self._look(draft.key)

    def delete(self, ref: PostRef) -> bool:
        try:
            with self._calls():
                return bool(self._ask("DELETE", f"/cards/{ref.id}")["id"] == ref.id)
        except PlatformError:
            if self._is_gone():
                return False
            raise

    def exists(self, ref: PostRef) -> bool:
        return self._look(ref.id) is not None

    def locate(self, address: str) -> PostRef | None:
        return self._look(address.rpartition("/")[2])

    def abilities(self) -> Mapping[str, str]:
        return {}

    def hide_reply(self, ref: PostRef, address: str) -> None:
        raise RejectedError(SPEC.name, f"{ref.id} has no replies such as {address}")

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        raise RejectedError(SPEC.name, f"{ref.id} has no quotes such as {address}")

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        return {ref: Metrics(likes=0) for ref in refs if self.exists(ref)}

    def recent(self) -> Sequence[PostRef]:
        return ()

    def close(self) -> None:
        self._session.close()

    def _look(self, key: str) -> PostRef | None:
        try:
            with self._calls():
                return self._ref(self._ask("GET", f"/cards/{key}"), key)
        except PlatformError:
            if self._is_gone():
                return None
            raise

    def _is_gone(self) -> bool:
        return self._exchange.status == 404 and self._exchange.error == "no such card"

    def _ref(self, card: Mapping[str, Any], key: str) -> PostRef:
        if card["id"] != key:
            raise TypeError("another card")
        return PostRef(key, f"{self._origin}/cards/{key}")

    def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        response = self._session.request(method, self._origin + path, json=body)
        response.raise_for_status()
        value = self._exchange.value()
        if not isinstance(value, dict):
            raise requests.RequestException("no JSON object")
        return value

    def _calls(
        self, *, writing: bool = False, refusals: frozenset[int] = frozenset()
    ) -> AbstractContextManager[None]:
        return translated_errors(SPEC.name, self._exchange, writing=writing, refusals=refusals)
