"""X keeps every promise, against a stand-in that checks what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.x.adapter import X
from tests.conftest import require_shared
from tests.contract.contract import CountingMeter, Seen
from tests.contract.network import NetworkContract
from tests.fakes.faultproxy import Answer, Fault
from tests.fakes.variation import SEED, Variation
from tests.fakes.x_api import TOO_LONG, UNAUTHORIZED
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_setup import PUBLISH, as_answer
from tests.fakes.x_standin import USER, XStandin


@dataclass(frozen=True)
class XStand:
    server: XStandin

    def live(self) -> Sequence[Seen]:
        world = self.server.world
        return [
            Seen(
                one.id,
                one.text,
                parent=one.parent,
                alts=tuple(world.media[media].alt for media in one.media),
            )
            for one in world.live()
        ]

    def spoil_publish(self, fault: Fault) -> None:
        self.server.faults.spoil(PUBLISH, fault)

    def spoil_all(self, fault: Fault) -> None:
        self.server.faults.spoil("", fault, times=-1)

    def heal(self) -> None:
        self.server.faults.heal()


class TestX(NetworkContract):
    shows_timeline = False
    connect = staticmethod(X)
    keeps_language = False
    refusal = as_answer(TOO_LONG)
    revoked = as_answer(UNAUTHORIZED)

    def rate_limited(self) -> Answer:
        headers = {"x-rate-limit-reset": "1790000120", "Date": "Mon, 21 Sep 2026 14:13:20 GMT"}
        return Answer(429, b"{}", headers)

    @pytest.fixture
    def stand(self) -> Iterator[XStand]:
        with XStandin(spec_file=require_shared("conformance/x-api-openapi.json")) as server:
            # Nothing that we need is left out, but much comes along, in any order.
            server.variation = Variation(SEED, server.spec.raw, leaves_out=0.0, adds=0.5)
            yield XStand(server)
            assert server.violations == []

    @pytest.fixture
    def connection(self, stand: XStand) -> Connection:
        account = Account("coalition-x", "x", server=stand.server.origin)
        return Connection(account, secrets_for(USER), CountingMeter(), 2.0, 5.0)
