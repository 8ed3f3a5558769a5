"""Bluesky keeps the promises of every platform, against a real PDS behind a faulty network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.bluesky import connect
from tests.contract.contract import CountingMeter, Seen
from tests.contract.network import NetworkContract, ProxiedStand
from tests.fakes.appview import FakeAppView
from tests.fakes.faultproxy import Answer, FaultProxy
from tests.servers.pds import Pds, PdsAccount

pytestmark = pytest.mark.server


class BlueskyStand(ProxiedStand):
    """One account of the PDS, and the AppView that counts."""

    publishes = r"^POST /xrpc/com\.atproto\.repo\.putRecord "

    def __init__(self, pds: Pds, account: PdsAccount) -> None:
        self.pds, self.account, self.appview = pds, account, FakeAppView(pds)
        super().__init__(FaultProxy(pds.origin), FaultProxy(self.appview.origin))

    def live(self) -> list[Seen]:
        seen = {one.id: one for one in map(_seen, self.pds.posts(self.account))}
        # Posts of one second have no order there but that of a thread.
        return sorted(seen.values(), key=lambda one: _depth(one, seen))

    def close(self) -> None:
        super().close()
        self.appview.__exit__(None, None, None)


def _depth(one: Seen, seen: dict[str, Seen]) -> int:
    return 1 + _depth(seen[one.parent], seen) if one.parent in seen else 0


def _seen(one: dict[str, object]) -> Seen:
    value = one["value"]
    assert isinstance(value, dict)
    reply, embed = value.get("reply"), value.get("embed", {})
    return Seen(
        id=str(one["uri"]),
        text=value["text"],
        parent=reply["parent"]["uri"] if reply else None,
        lang=value["langs"][0],
        alts=tuple(image["alt"] for image in embed.get("images", ())),
    )


@pytest.fixture(scope="module")
def account(pds: Pds) -> PdsAccount:
    return pds.account()  # half a second each: one for all, wiped for each


class TestBluesky(NetworkContract):
    refusal = Answer(400, b'{"error":"InvalidRecord","message":"grapheme too big"}')

    connect = staticmethod(connect)

    @pytest.fixture
    def stand(self, pds: Pds, account: PdsAccount) -> Iterator[BlueskyStand]:
        pds.wipe(account)
        stand = BlueskyStand(pds, account)
        yield stand
        stand.close()

    @pytest.fixture
    def connection(self, stand: BlueskyStand) -> Connection:
        account = Account("voice", "bluesky", server=stand.origin, handle=stand.account.handle)
        secrets = {"APP_PASSWORD": stand.account.app_password}
        counts_at = stand.proxies[1].origin
        return Connection(account, secrets, CountingMeter(), numbers_origin=counts_at)

    def rate_limited(self) -> Answer:
        return Answer(
            429,
            b'{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}',
            {
                "Content-Type": "application/json",
                "Date": "Mon, 23 Nov 2026 10:00:00 GMT",
                "RateLimit-Reset": "1795428300",
            },
        )
