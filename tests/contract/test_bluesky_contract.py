"""Bluesky keeps the promises of every platform, against a real PDS behind a faulty network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from bot.content.model import Account, Consent
from bot.platforms.base import Connection, Platform
from bot.platforms.bluesky.adapter import connect
from tests.contract.contract import CountingMeter, Seen
from tests.contract.network import NetworkContract
from tests.fakes.appview import FakeAppView
from tests.fakes.faultproxy import Answer, Fault, FaultProxy
from tests.servers.pds import Pds, PdsAccount

pytestmark = pytest.mark.server


class BlueskyStand:
    """One account of the PDS, reached through a proxy that spoils requests."""

    def __init__(self, pds: Pds, account: PdsAccount) -> None:
        self.pds = pds
        self.account = account
        self.proxy = FaultProxy(pds.origin)
        self.appview = FakeAppView(pds)
        self.appview_proxy = FaultProxy(self.appview.origin)

    def live(self) -> list[Seen]:
        seen = {one.id: one for one in map(_seen, self.pds.posts(self.account))}
        # Posts of one second have no order there but that of a thread.
        return sorted(seen.values(), key=lambda one: _depth(one, seen))

    def spoil_publish(self, fault: Fault) -> None:
        self.proxy.spoil(r"^POST /xrpc/com\.atproto\.repo\.putRecord ", fault)

    def spoil_all(self, fault: Fault) -> None:
        self.proxy.spoil(r"", fault, times=-1)
        self.appview_proxy.spoil(r"", fault, times=-1)

    def heal(self) -> None:
        self.proxy.heal()
        self.appview_proxy.heal()

    def close(self) -> None:
        self.proxy.close()
        self.appview_proxy.close()
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

    @staticmethod
    def connect(connection: Connection) -> Platform:
        return connect(connection)

    @pytest.fixture
    def stand(self, pds: Pds, account: PdsAccount) -> Iterator[BlueskyStand]:
        pds.wipe(account)
        stand = BlueskyStand(pds, account)
        yield stand
        stand.close()

    @pytest.fixture
    def connection(self, stand: BlueskyStand) -> Connection:
        account = Account(
            name="voice",
            platform="bluesky",
            server=stand.proxy.origin,
            handle=stand.account.handle,
            owner="tests",
            consent=Consent("tests", date(2026, 1, 1)),
        )
        secrets = {"APP_PASSWORD": stand.account.app_password}
        return Connection(
            account, secrets, CountingMeter(), numbers_origin=stand.appview_proxy.origin
        )

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
