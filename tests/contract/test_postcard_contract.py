"""A made-up platform keeps the promises of every platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.content.model import Account
from bot.platforms.base import Connection
from tests.contract import postcard
from tests.contract.contract import CountingMeter, Seen
from tests.contract.network import NetworkContract, ProxiedStand
from tests.contract.postcard.server import KEY, PostcardServer
from tests.fakes.faultproxy import FaultProxy


class PostcardStand(ProxiedStand):
    publishes = r"^PUT /cards/"

    def __init__(self) -> None:
        self.server = PostcardServer()
        super().__init__(FaultProxy(self.server.origin))

    def live(self) -> list[Seen]:
        return self.server.live()


class TestPostcard(NetworkContract):
    shows_timeline = False
    connect = staticmethod(postcard.connect)

    @pytest.fixture
    def stand(self) -> Iterator[PostcardStand]:
        stand = PostcardStand()
        with stand.server:
            yield stand
            stand.close()

    @pytest.fixture
    def connection(self, stand: PostcardStand) -> Connection:
        account = Account("coalition", "postcard", server=stand.origin)
        return Connection(account, {"MAILBOX_KEY": KEY}, CountingMeter(), 2.0, 5.0)
