"""A token that cannot post stops its account before a post is due, and `doctor` says why."""

from __future__ import annotations

import pytest

from bot.authority.tables import StopReason
from bot.delivery.model import State
from tests.attacks.hostile import HostileWorld
from tests.fakes.loopback import Told
from tests.fakes.running_bot import post

APP = "GET /api/v1/apps/verify_credentials"
WHY = "its token does not allow write:media write:statuses: `login m` anew"


def allow(world: HostileWorld, *scopes: str) -> None:
    world.good.quirks.answers[APP] = Told(body={"name": "Verbatim", "scopes": scopes})


def test_the_service_stops_the_account_before_its_first_post(world: HostileWorld) -> None:
    allow(world, "read")

    world.bot.start_approved(post("one", at=world.at))
    world.bot.wait(world.at)

    state = world.bot.store.accounts.get("m")
    assert state is not None
    assert dict(state.stops) == {StopReason.UNFIT: WHY}
    assert [row.state for row in world.bot.rows("one")] == [State.HELD]
    assert "POST /api/v1/statuses" not in world.good.lines


@pytest.mark.parametrize(
    ("scopes", "told"),
    [(("read",), f"WRONG m: {WHY}; access: read"), (("read", "write"), "; access: read write")],
)
def test_doctor_tells_what_a_token_allows(
    world: HostileWorld,
    capsys: pytest.CaptureFixture[str],
    scopes: tuple[str, ...],
    told: str,
) -> None:
    world.start()
    allow(world, *scopes)

    world.call("doctor")

    assert told in " ".join(capsys.readouterr().out.split())
