"""How requests share the desk's threads."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from bot.authority.signing_in import IDLE
from bot.web.app import _Endpoint
from tests.fakes.running_bot import MINUTE
from tests.fakes.shipped import open_shipped


def test_known_sessions_that_another_thread_goes_through_do_not_change(tmp_path: Path) -> None:
    with open_shipped(tmp_path) as bot:
        endpoint, now = _Endpoint(bot.dashboard), bot.clock.now()
        endpoint._known = MappingProxyType({"one": now - MINUTE, "old": now - IDLE})

        endpoint._know("one")

    assert endpoint._known == {"one": now}
