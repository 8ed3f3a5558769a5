"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import require_shared
from tests.e2e.bot_process import LiveBotProcess, open_bot_process
from tests.fakes.x_standin import XStandin
from tests.servers.mastodon import MastodonServer
from tests.servers.pds import Pds
from tests.servers.program import WarmProgram
from tests.waiting import in_time

#: Takes what has to be done before a moment.
Arrange = Callable[[Callable[[LiveBotProcess, datetime], None]], LiveBotProcess]


@contextmanager
def arranging(
    root: Path, mastodon_server: MastodonServer, pds: Pds, warm: WarmProgram
) -> Iterator[Arrange]:
    """Return a maker of bots, each with accounts of its own, on which all was done in time."""
    made: list[XStandin] = []
    with ExitStack() as open_now:

        def arranged(prepare: Callable[[LiveBotProcess, datetime], None]) -> LiveBotProcess:
            def attempt(moment: datetime) -> LiveBotProcess:
                open_now.close()  # what came too late
                x = XStandin(spec_file=require_shared("conformance/x-api-openapi.json"))
                made.append(open_now.enter_context(x))
                folder = root / str(len(made))
                started = open_bot_process(folder, mastodon_server, pds, x, warm)
                bot = open_now.enter_context(started)
                prepare(bot, moment)
                return bot

            return in_time(attempt, lead=12)

        yield arranged
    assert [violation for x in made for violation in x.violations] == []


@pytest.fixture
def arrange(
    tmp_path: Path, mastodon_server: MastodonServer, pds: Pds, warm_program: WarmProgram
) -> Iterator[Arrange]:
    with arranging(tmp_path, mastodon_server, pds, warm_program) as made:
        yield made
