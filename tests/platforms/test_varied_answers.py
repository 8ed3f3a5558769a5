"""Answers that X's own description allows, though we never saw them, at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from bot.errors import PlatformError, UnconfirmedError
from bot.platforms.status import Metrics, PostRef, ReplyTo, Status
from tests.conftest import require_shared
from tests.contract.contract import picture_of, png, prepare
from tests.fakes.variation import SEED, Variation
from tests.fakes.x_setup import x_at
from tests.fakes.x_standin import XStandin

BODY = png()
STATUSES = (
    Status("plain words, & some <more>"),
    Status("at https://example.org/list. “Read”"),
    Status("with a picture", pictures=(picture_of(BODY, "a square"),)),
)


@pytest.fixture
def server() -> Iterator[XStandin]:
    with XStandin(spec_file=require_shared("conformance/x-api-openapi.json")) as server:
        yield server
        assert server.violations == []


def tried(call: Callable[[], object]) -> object:
    """Return what a call returns, or the error of ours that it raises."""
    try:
        return call()
    except PlatformError as error:
        return error


@pytest.mark.parametrize(
    "seed",
    [*range(4), SEED, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(4, 12))],
)
def test_whatever_x_leaves_out_nothing_is_taken_for_what_it_is_not(
    server: XStandin, seed: int
) -> None:
    x = x_at(server.origin)
    root = x.publish(prepare(x, "root"))
    drafts = [
        prepare(x, status, reply_to=ReplyTo(root, root), pictures=lambda _: BODY)
        for status in STATUSES
    ]
    unsent = prepare(x, "never sent")
    server.variation = Variation(seed, server.spec.raw, leaves_out=0.1)
    server.partial_errors = 0.1

    for draft in drafts:
        made = tried(partial(x.publish, draft))
        live = PostRef(server.world.live()[-1].id)
        assert isinstance(made, UnconfirmedError) or made == x._ref(live.id)
        for _ in range(4):
            assert isinstance(tried(partial(x.find, draft)), PlatformError | PostRef)
            assert tried(partial(x.exists, live)) is not False
            counted = tried(lambda live=live: x.metrics([live]))  # type: ignore[misc] # one of this round
            assert isinstance(counted, PlatformError | dict)
            assert isinstance(counted, PlatformError) or isinstance(counted[live], Metrics)
            assert isinstance(tried(partial(x.find, unsent)), PlatformError | None)
    server.world.delete(server.world.statuses[root.id])
    for _ in range(4):
        assert tried(partial(x.exists, root)) is not True
        tried(x.profile)
    assert len(server.world.live()) == len(STATUSES)
    x.close()
