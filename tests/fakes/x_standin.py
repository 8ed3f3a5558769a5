"""A stand-in for X's API v2: a real HTTP server on loopback that behaves like X where it hurts.

It runs in a thread (``with XStandin() as x``). Every request and every answer is checked against
X's OpenAPI description, and every OAuth 1.0a signature is verified.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.fakes import x_api
from tests.fakes.faultproxy import Faults, FaultyLoopback
from tests.fakes.loopback import ReceivedRequest, Told
from tests.fakes.variation import Variation
from tests.fakes.x_oauth import OAuth
from tests.fakes.x_spec import ApiRequest, read_spec
from tests.fakes.x_world import World

#: The address that tweepy signs, wherever a request is really sent.
SIGNED_ORIGIN = "https://api.twitter.com"
USER = "2244994945"
SPEC_FILE = Path(__file__).resolve().parents[3] / "shared/conformance/x-api-openapi.json"
#: The one request by which something becomes visible.
PUBLISH = r"^POST /2/tweets "
#: Requests in 15 minutes, 22 August 2026.
RATES: Mapping[str, int] = {
    "POST /2/tweets": 100,
    "DELETE /2/tweets/": 50,
    "GET /2/tweets": 5000,
    "GET /2/users/me": 75,
    "GET /2/users/": 900,
    "POST /2/media/": 500,
}
_WINDOW = 900


class XStandin(FaultyLoopback):
    """The server, its world and its faults; state may be read and set between requests."""

    def __init__(
        self,
        *,
        ledger: Path | None = None,
        lag: float = 0.0,
        spec_file: Path = SPEC_FILE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(ledger, lag=lag)
        self.rates = dict(RATES)
        #: What it calls a status in queries: ``post``, or ``tweet``.
        self.word = "post"
        #: What the app may do, as every answer tells.
        self.access = "read-write"
        #: What becomes of good answers, within what the description allows.
        self.variation: Variation | None = None
        #: How many of the answers have an error beside what they tell, of some kind.
        self.partial_errors = 0.0
        #: What the description does not allow; must stay empty.
        self.violations: list[str] = []
        self.spec = read_spec(spec_file)
        self.oauth = OAuth(now)
        self.lock = threading.RLock()
        self._counts: dict[tuple[str, str, int], int] = defaultdict(int)
        self.spoil_with(Faults(), PUBLISH, now)
        super().__init__(self._tell)

    def _tell(self, received: ReceivedRequest) -> Told:
        query = {name: values[-1] for name, values in received.query.items()}
        asked = ApiRequest(received.method, received.path, query, received.body)
        headers = {name.lower(): value for name, value in received.headers.items()}
        if received.path.startswith("/oauth/"):
            url, header = SIGNED_ORIGIN + received.path, headers.get("authorization", "")
            given = self.oauth.sign_in(received.method, url, header)
            refusal = {"errors": [{"code": 32, "message": "Could not authenticate you."}]}
            return Told(200, urlencode(given).encode()) if given else Told(401, refusal)
        reply = self.answer(asked, {**headers, "x-target": received.target})
        extra = {**self.rate_headers(asked), "Content-Type": reply.content_type}
        if reply.status != 401:
            extra["x-access-level"] = self.access
        return Told(reply.status, reply.body(), extra)

    def answer(self, asked: ApiRequest, headers: Mapping[str, str]) -> x_api.Reply:
        """Judge and serve one request."""
        with self.lock:
            reply = self._varied(self._answer(asked, headers), asked)
            body = reply.body()
            if not reply.in_the_wild and asked.path.startswith("/2/"):
                self._check(self.spec.complaint_about_answer(asked, reply.status, body), "answer")
            return reply

    def _answer(self, asked: ApiRequest, headers: Mapping[str, str]) -> x_api.Reply:
        url = SIGNED_ORIGIN + asked.path
        query = urlsplit(headers.get("x-target", "")).query
        user = self.oauth.user(
            asked.method, f"{url}?{query}" if query else url, headers.get("authorization", "")
        )
        if user is None:
            return x_api.UNAUTHORIZED
        asked = self._understood(asked)
        complaint = self.spec.complaint_about_request(asked)
        if complaint:
            self._check(complaint, "request")
            return x_api.invalid(complaint)
        if limited := self._count(asked, user):
            return limited
        return x_api.serve(self.world, asked, user)

    def _varied(self, reply: x_api.Reply, asked: ApiRequest) -> x_api.Reply:
        if self.variation is None or reply.status >= 300:
            return reply
        dice, told = self.variation.dice, dict(reply.json)
        if isinstance(told.get("data"), list):
            told["data"] = dice.sample(told["data"], len(told["data"]))
        if dice.random() < self.partial_errors:
            told["errors"] = [*told.get("errors", ()), x_api.INNER]
        schema = self.spec.schema_of_answer(asked, reply.status)
        return replace(reply, json=self.variation.of(told, schema))

    def _understood(self, asked: ApiRequest) -> ApiRequest:
        """Drop what is asked for in words that this X does not know, as X does; silently."""
        other = {"post": "tweet", "tweet": "post"}[self.word]
        known = {name: value for name, value in asked.query.items() if name != f"{other}.fields"}
        if (fields := known.pop(f"{self.word}.fields", None)) is not None:
            known["post.fields"] = fields.replace("note_tweet", "note_post")
        return replace(asked, query=known)

    def _check(self, complaint: str | None, what: str) -> None:
        if complaint:
            self.violations.append(f"{what}: {complaint}")

    def _count(self, asked: ApiRequest, user: str) -> x_api.Reply | None:
        route, most = self._rate(asked)
        key = (user, route, int(self.now()) // _WINDOW)
        self._counts[key] += 1
        return x_api.TOO_MANY if self._counts[key] > most else None

    def rate_headers(self, asked: ApiRequest) -> dict[str, str]:
        """Write the headers in which X tells how much is left."""
        route, most = self._rate(asked)
        window = int(self.now()) // _WINDOW
        used = max(
            (n for (_, one, at), n in self._counts.items() if (one, at) == (route, window)),
            default=0,
        )
        return {
            "x-rate-limit-limit": str(most),
            "x-rate-limit-remaining": str(max(0, most - used)),
            "x-rate-limit-reset": str((window + 1) * _WINDOW),
        }

    def _rate(self, asked: ApiRequest) -> tuple[str, int]:
        line = f"{asked.method} {asked.path}"
        route = next((one for one in self.rates if line.startswith(one)), "")
        return route, self.rates.get(route, 1_000_000)
