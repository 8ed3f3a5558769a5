"""The server of the made-up platform, for one account."""

from __future__ import annotations

from threading import Semaphore
from typing import Any

from tests.contract.contract import Seen
from tests.contract.postcard import SPEC
from tests.fakes.loopback import Loopback, ReceivedRequest, Told

KEY = "canary-mailbox-key"
_NO_SUCH = Told(404, {"error": "no such card"})


class PostcardServer(Loopback):
    """Keeps cards by their keys; a card that is sent again is the one that is there."""

    def __init__(self) -> None:
        self.cards: dict[str, dict[str, Any]] = {}
        #: Released once for each new card.
        self.arrivals = Semaphore(0)
        super().__init__(self.answer)

    def live(self) -> list[Seen]:
        return [
            Seen(
                key,
                card["text"],
                card["parent"],
                card["lang"],
                card["warning"],
                tuple(one["alt"] for one in card["pictures"]),
            )
            for key, card in self.cards.items()
        ]

    def answer(self, asked: ReceivedRequest) -> Told:
        if asked.headers.get("Authorization") != f"Key {KEY}":
            return Told(401, {"error": "whose key is that?"})
        match asked.method, asked.path.strip("/").split("/"):
            case "GET", ["me"]:
                return Told(body={"id": "7", "handle": "coalition"})
            case "PUT", ["pictures", sha256]:
                return Told(body={"sha256": sha256})
            case "PUT", ["cards", key]:
                return self._put(key, asked.json)
            case "GET", ["cards", key]:
                return Told(body={"id": key}) if key in self.cards else _NO_SUCH
            case "DELETE", ["cards", key]:
                return Told(body={"id": key}) if self.cards.pop(key, None) else _NO_SUCH
        return Told(404, {"error": "no such page"})

    def _put(self, key: str, card: dict[str, Any]) -> Told:
        if len(card["text"]) > SPEC.limits.max_length:
            return Told(422, {"error": "too long for a card"})
        if key not in self.cards:
            self.cards[key] = card
            self.arrivals.release()
        return Told(201, {**self.cards[key], "id": key})
