"""A stand-in for what a real PDS cannot be made to do at will: sessions that end, odd answers."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any

from atproto_client import models

from bot.platforms.bluesky.record import cid_of
from tests.fakes.loopback import Loopback, ReceivedRequest, Told
from tests.fakes.variation import SEED, Variation

DID = "did:plc:voice"
#: What the lexicons say of answers.
_ANSWERS: dict[str, Any] = {
    "createSession": models.ComAtprotoServerCreateSession.Response,
    "refreshSession": models.ComAtprotoServerRefreshSession.Response,
    "getSession": models.ComAtprotoServerGetSession.Response,
    "putRecord": models.ComAtprotoRepoPutRecord.Response,
    "getRecord": models.ComAtprotoRepoGetRecord.Response,
}


def token(lives: float, scope: str | None = None) -> str:
    """Make a session token that atproto can read; it ends in so many seconds."""
    parts = ({"alg": "none"}, {"exp": int(time.time() + lives), "sub": DID, "scope": scope})
    told = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join((*(part.rstrip("=") for part in told), "c2ln"))


@dataclass(slots=True)
class PdsQuirks:
    """How this server differs."""

    #: Seconds that an access token lives; atproto refreshes with less than 900 to go.
    lives: float = 7200.0
    did: str = DID
    handle: str = "voice.example"
    #: Of the session's token, which tells an app password from the account's own.
    scope: str | None = "com.atproto.appPass"
    #: Of the session: None is not told.
    active: bool | None = None
    did_doc: Any = None
    #: Instead of any answer, by method name.
    answers: dict[str, Told] = field(default_factory=dict)
    #: Fields that it gives each record instead of what was sent.
    fields: dict[str, Any] = field(default_factory=dict)


class QuirkyPds(Loopback):
    """One account's server."""

    def __init__(self) -> None:
        self.quirks = PdsQuirks()
        self.records: dict[str, Any] = {}
        #: Of the seed that makes answers vary, within what the lexicons allow.
        self.seed = SEED
        self._schemas = {name: model.model_json_schema() for name, model in _ANSWERS.items()}
        super().__init__(self._varied)

    @property
    def methods(self) -> list[str]:
        """Return what was asked, by the last part of the method names."""
        return [asked.path.rpartition(".")[2] for asked in self.asked]

    def _varied(self, asked: ReceivedRequest) -> Told:
        told, method = self.answer(asked), asked.path.rpartition(".")[2]
        # What a test lets it say, it says.
        is_ordered = method in self.quirks.answers or self.quirks.active is not None
        if told.status != 200 or is_ordered or method not in self._schemas:
            return told
        schema = self._schemas[method]
        variation = Variation(self.seed + len(self.asked), schema, leaves_out=0.3)
        return replace(told, body=variation.of(told.body, schema))

    def answer(self, asked: ReceivedRequest) -> Told:
        method = asked.path.rpartition(".")[2]
        if told := self.quirks.answers.get(method):
            return told
        match method:
            case "createSession" | "refreshSession":
                return Told(body={**self._session(), **self._tokens()})
            case "getSession":
                return Told(body=self._session())
            case "putRecord":
                return self._put(asked.json)
            case "getRecord":
                return self._get(asked.query["rkey"][0], asked.query["collection"][0])
        return Told(501, {"error": "MethodNotImplemented", "message": method})

    def _session(self) -> dict[str, Any]:
        quirks = self.quirks
        told: dict[str, Any] = {"did": quirks.did, "handle": quirks.handle}
        if quirks.active is not None:
            told |= {"active": quirks.active, "status": "suspended"}
        return told | ({"didDoc": quirks.did_doc} if quirks.did_doc else {})

    def _tokens(self) -> dict[str, str]:
        return {
            "accessJwt": token(self.quirks.lives, self.quirks.scope),
            "refreshJwt": token(90 * 86_400),
        }

    def _put(self, body: Any) -> Told:
        self.records[body["rkey"]] = {**body["record"], **self.quirks.fields}
        return Told(body=self._shown(body["rkey"], body["collection"]))

    def _get(self, rkey: str, collection: str) -> Told:
        if rkey not in self.records:
            return Told(400, {"error": "RecordNotFound", "message": "Could not locate record"})
        return Told(body={**self._shown(rkey, collection), "value": self.records[rkey]})

    def _shown(self, rkey: str, collection: str) -> dict[str, str]:
        return {"uri": self._uri(rkey, collection), "cid": cid_of(self.records[rkey])}

    def _uri(self, rkey: str, collection: str) -> str:
        return f"at://{self.quirks.did}/{collection}/{rkey}"
