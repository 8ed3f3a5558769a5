"""The rehearsal platform keeps every promise, whichever platform it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content.model import Account
from bot.platforms.base import Connect, Connection, Platform
from bot.platforms.bluesky import SPEC as BLUESKY
from bot.platforms.mastodon import SPEC as MASTODON
from bot.platforms.rehearsal import Rehearsal
from bot.platforms.spec import PlatformSpec
from bot.platforms.x import SPEC as X
from tests.contract.contract import CountingMeter, PlatformContract, Seen
from tests.fakes.rehearsed import rehearsed


@dataclass(frozen=True)
class Pages:
    path: Path

    def live(self) -> Sequence[Seen]:
        return [
            Seen(
                one.id,
                one.status.text,
                one.parent,
                one.status.lang,
                one.status.warning,
                tuple(picture.alt for picture in one.status.pictures),
            )
            for one in rehearsed(self.path)
        ]


def standing_for(spec: PlatformSpec) -> Connect:
    def connect(connection: Connection) -> Platform:
        return Rehearsal(spec, Path(connection.account.server), connection)

    return connect


class RehearsalContract(PlatformContract):
    tells_metrics = False
    shows_timeline = False

    @pytest.fixture
    def stand(self, tmp_path: Path) -> Pages:
        return Pages(tmp_path / "rehearsal.db")

    @pytest.fixture
    def connection(self, stand: Pages) -> Connection:
        return Connection(Account("coalition", "any", server=str(stand.path)), {}, CountingMeter())


class TestRehearsalAsX(RehearsalContract):
    connect = staticmethod(standing_for(X))


class TestRehearsalAsMastodon(RehearsalContract):
    connect = staticmethod(standing_for(MASTODON))


class TestRehearsalAsBluesky(RehearsalContract):
    connect = staticmethod(standing_for(BLUESKY))
