"""Mastodon keeps the promises of every platform, against mastodon_mock behind a faulty network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.mastodon import connect
from tests.contract.contract import CountingMeter, Seen
from tests.contract.network import NetworkContract, ProxiedStand
from tests.fakes.faultproxy import Answer, FaultProxy
from tests.servers.mastodon import MastodonAccount, MastodonServer

pytestmark = pytest.mark.server


class MastodonStand(ProxiedStand):
    """One account of the mock."""

    publishes = r"^POST /api/v1/statuses "

    def __init__(self, server: MastodonServer) -> None:
        self.server = server
        self.account: MastodonAccount = server.account()
        super().__init__(FaultProxy(server.origin))

    def live(self) -> list[Seen]:
        return [self._seen(one) for one in reversed(self.server.statuses(self.account))]

    def _seen(self, one: dict[str, object]) -> Seen:
        media = one["media_attachments"]
        return Seen(
            id=str(one["id"]),
            text=self.server.source(self.account, str(one["id"])),
            parent=str(one["in_reply_to_id"]) if one["in_reply_to_id"] else None,
            lang=str(one["language"]) if one["language"] else None,
            warning=str(one["spoiler_text"]) if one["spoiler_text"] else None,
            alts=tuple(item["description"] for item in media) if isinstance(media, list) else (),
        )


class TestMastodon(NetworkContract):
    connect = staticmethod(connect)

    @pytest.fixture
    def stand(self, mastodon_server: MastodonServer) -> Iterator[MastodonStand]:
        stand = MastodonStand(mastodon_server)
        yield stand
        stand.close()

    @pytest.fixture
    def connection(self, stand: MastodonStand) -> Connection:
        account = Account("voice", "mastodon", server=stand.origin)
        return Connection(account, {"ACCESS_TOKEN": stand.account.token}, CountingMeter())

    def rate_limited(self) -> Answer:
        # An hour has 3600 seconds: epoch is what the mock tells, ISO what Mastodon tells.
        return Answer(
            429,
            b'{"error":"Too many requests"}',
            {
                "Date": "Mon, 23 Nov 2026 10:00:00 GMT",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "2026-11-23T10:05:00.000000Z",
            },
        )
