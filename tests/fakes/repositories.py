"""A campaign's git repositories, and a desk that proposes posts to one of them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.clock import FastClock
from bot.settings.environment import Settings
from bot.settings.secrets import Secret
from tests.conftest import require_tool
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import WEAK, add_people, serving


class Repositories:
    """A campaign's checkout and the bare repository that people review in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bare = folder, folder / "review.git"
        self._git = require_tool("git")

    def prepare(self, campaign: Path) -> None:
        self.campaign = campaign
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=".")
        self.git("init", "--quiet", "--initial-branch=main", at=".")
        self.git("add", "schedule.yaml", "posts", at=".")
        self.git("commit", "--quiet", "-m", "first", at=".")
        self.git("push", "--quiet", str(self.bare), "main", at=".")

    def git(self, *words: str, at: str = "") -> str:
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")}  # fmt: skip
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **who}
        return subprocess.run(
            [self._git, *words], cwd=self.campaign / at if at else self.bare, env=known, check=True,
            capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    @property
    def refs(self) -> dict[str, str]:
        """Return the branches of the bare repository."""
        lines = self.git("for-each-ref", "--format=%(refname:short) %(objectname)").splitlines()
        return dict(line.split() for line in lines)


@contextmanager
def open_proposing(
    folder: Path,
    review: Repositories,
    url: str = "",
    tree: CampaignTree | None = None,
    clock: FastClock | None = None,
) -> Iterator[RunningBot]:
    """Return a bot with its people on its dashboard, where posts can be proposed."""
    known = Settings(proposals=Secret(str(review.bare)))
    bot = RunningBot(folder, url, tree=tree, settings=known, clock=clock)
    try:
        bot.machine = known.machine_id()  # as verbs know it
        bot.start()
        bot.dashboard.access.passwords.hasher = WEAK
        add_people(bot)
        bot.work()
        review.prepare(bot.tree.schedule.parent)
        with serving(bot):
            yield bot
    finally:
        bot.stop()
