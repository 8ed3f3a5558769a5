"""Fixtures of the tests of operations."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.loopback import Inbox, Loopback, Told
from tests.operations.image_tree import DATABASE, SLOW, STRICT, ImageBot
from tests.operations.machine import small_disk
from tests.servers.mastodon import MastodonServer
from tests.servers.postgres import cluster
from tests.waiting import PATIENCE


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


@pytest.fixture
def image_bot(
    tmp_path: Path, mastodon_server: MastodonServer, inbox: Inbox, request: pytest.FixtureRequest
) -> Iterator[ImageBot]:
    """Return the service at work in the image, with an operator; nothing ails it yet."""
    with ExitStack() as stack:
        fault = request.node.callspec.params.get("fault")
        addresses = [channel_of(name, stack) for name in (fault.addresses if fault else ())]
        bot = ImageBot(tmp_path / "image", mastodon_server, inbox, addresses)
        stack.callback(bot.close)
        if fault is not None and fault.is_shared:
            bot.postgres = stack.enter_context(cluster())
            bot.postgres.run("CREATE DATABASE campaign")
            bot.variables[DATABASE] = bot.postgres.url("campaign")
        stack.enter_context(small_disk(bot.data))
        stack.callback(bot.close)
        bot.start()
        bot.enlist()
        yield bot


def channel_of(address: str, stack: ExitStack) -> str:
    """Return the address of a channel that is slow, strict or not there."""
    if address not in {SLOW, STRICT}:
        return address
    ends = Event()
    stack.callback(ends.set)

    def answer(_asked: object) -> Told:
        return Told(413 if address == STRICT else 200 + 0 * ends.wait(PATIENCE))

    server = stack.enter_context(Loopback(answer))
    return server.origin.replace("http://", "json://")
