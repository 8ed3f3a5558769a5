"""A campaign of which some is out, some was taken down, and some must not be seen outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.planning.corrections import Corrections
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import open_shipped, plan, planned, serving
from tests.integration.store_rows import due

#: What no file for people outside may have.
UNSEEN = (
    "Unpublished words of tomorrow", "planted-post", "Annabeth Quill", "Benedict Ohm",
    "Edith Author", "A translation that nobody knows", "Notes for editors only",
    "A waiting correction", "The name of somebody",
)  # fmt: skip
_PLANTED = """\
posts:
  - id: planted-post
    text: "Unpublished words of tomorrow."
    at: 2026-12-24 09:00
    note: Notes for editors only.
    author: Edith Author
"""


@pytest.fixture(scope="session")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_shipped(tmp_path_factory.mktemp("campaign"), plans=False) as bot:
        bot.tree.put("posts/planted.yaml", _PLANTED)
        release(bot, "2026-12-09 09:00")
        plan(bot)
        coming = dict.fromkeys(row.post_id for row in planned(bot) if row.status.spans)
        first, second, third = list(coming)[:3]
        for post in (first, second, third):
            bot.approve(post, by=("Annabeth Quill", "Benedict Ohm"))
        last = max(due(row) for row in planned(bot) if row.post_id in (first, second, third))
        bot.wait(min(last, bot.clock.now() + timedelta(days=8)))
        service = Corrections(
            bot.store, bot.clock, lambda: bot.services.contents.rendered,
            bot.services.publisher.platform,
        )  # fmt: skip
        service.retract(first, by="Annabeth Quill", why="It was cut short.")
        service.correct(second, "A waiting correction.", by="Benedict Ohm", why="A wrong year.")
        for post in list(coming)[3:7]:
            bot.approve(post, by=("Annabeth Quill", "Benedict Ohm"))
        yield bot


def release(bot: RunningBot, moment: str) -> None:
    """Let partners post every passage of the shipped campaign from a moment on."""
    for file in (bot.tree.posts / "excerpts").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        line = f"partners_from: {moment}\n    author: campaign-desk"
        file.write_text(text.replace("author: campaign-desk", line), encoding="utf-8")


@pytest.fixture(scope="session")
def desk(bot: RunningBot) -> Iterator[RunningBot]:
    with serving(bot):
        yield bot


@pytest.fixture(scope="session")
def where(bot: RunningBot) -> list[str]:
    """Return where the campaign is, for verbs."""
    tree: dict[str, Path] = {
        "config": bot.tree.schedule, "posts": bot.tree.posts, "data": bot.data,
    }  # fmt: skip
    return [word for name, path in tree.items() for word in (f"--{name}", str(path))]
