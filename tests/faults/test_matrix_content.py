"""Row 30: campaign files that change under the running bot, in all the ways that files do."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.fakes.scripted import PublishCall
from tests.faults.reporting import Counts, judged_by_account

ONE, TWO, THREE = NINE, NINE + MINUTE, NINE + 2 * MINUTE
SOON = timedelta(seconds=30)


def with_one_post_out(new_bot: RunningBot) -> None:
    """Have one post out, and two approved that are still to go."""
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=ONE), post("two", at=TWO), post("three", at=THREE))
    new_bot.wait(ONE + SOON)
    assert sent(new_bot) == {"one": 2}


def sent(new_bot: RunningBot) -> dict[str, int]:
    """Count by post what both servers show."""
    texts = (text for server in new_bot.servers.values() for text in server.texts)
    return dict(Counter(text.split()[0][:-1] for text in texts))


def unapproved(new_bot: RunningBot) -> int:
    """Count what went out with bytes that no two people had approved."""
    count = 0
    for name, server in new_bot.servers.items():
        for text in server.texts:
            rows = [row for row in new_bot.rows() if (row.account, row.status.text) == (name, text)]
            by = {
                approval.by
                for row in rows
                for approval in new_bot.store.approvals.standing(fingerprint=row.fingerprint)
            }
            count += len(by) < 2
    return count


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happens to the files after `one` went out, and what is to come of it."""

    do: Callable[[RunningBot], object]
    #: The files have errors: what was in force stays.
    is_broken: bool
    #: How many servers show each post in the end, without anybody approving anything more.
    sent: dict[str, int]


ALL = {"one": 2, "two": 2, "three": 2}
MAIN = "posts/main.yaml"


def cut(new_bot: RunningBot, share: float) -> None:
    path = new_bot.tree.posts / "main.yaml"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def saved_slowly(new_bot: RunningBot) -> None:
    """Look at the file at many of the lengths that it has while an editor writes it."""
    path = new_bot.tree.posts / "main.yaml"
    whole = path.read_bytes()
    for length in range(0, len(whole), 17):
        path.write_bytes(whole[:length])
        for _look in range(2):
            new_bot.services.watch()
    path.write_bytes(whole)


def checked_out(new_bot: RunningBot) -> None:
    """Bring back what the files were before `two` and `three` were written."""
    new_bot.write(post("one", at=ONE), post("old", at=THREE))


def checked_out_and_back(new_bot: RunningBot) -> None:
    whole = new_bot.tree.posts.joinpath("main.yaml").read_bytes()
    checked_out(new_bot)
    new_bot.watch()
    new_bot.tree.put(MAIN, whole)


def edited_in_the_air(new_bot: RunningBot) -> None:
    """Edit a post, and take the edit up, when its call has begun already."""

    def edit() -> None:
        new_bot.tree.change(MAIN, "twoa twob", "twoa changed")
        new_bot.watch()

    new_bot.servers["b"].steps.append(PublishCall(meanwhile=edit))


CHANGES = {
    "half-written": FileChange(lambda it: cut(it, 1 / 2), True, ALL),
    "written slowly, in pieces": FileChange(saved_slowly, False, ALL),
    "emptied": FileChange(lambda it: it.tree.put(MAIN, ""), True, ALL),
    "not UTF-8": FileChange(lambda it: it.tree.put(MAIN, b"posts:\n  - id: \xff"), True, ALL),
    "all posts deleted": FileChange(
        lambda it: (it.tree.posts / "main.yaml").unlink(), False, {"one": 2}
    ),
    "the schedule deleted": FileChange(lambda it: it.tree.schedule.unlink(), True, ALL),
    "the folder deleted": FileChange(lambda it: shutil.rmtree(it.tree.posts), True, ALL),
    "a sent post deleted": FileChange(
        lambda it: it.write(post("two", at=TWO), post("three", at=THREE)), False, ALL
    ),
    "an id renamed that is to go": FileChange(
        lambda it: it.tree.change(MAIN, "id: two", "id: renamed"), False, {"one": 2, "three": 2}
    ),
    "an id renamed that is out": FileChange(
        lambda it: it.tree.change(MAIN, "id: one", "id: renamed"), False, ALL
    ),
    "an id twice": FileChange(
        lambda it: it.tree.put("posts/more.yaml", "posts:\n" + post("two", at=TWO)), True, ALL
    ),
    "edited after approval": FileChange(
        lambda it: it.tree.change(MAIN, "twoa twob", "twoa changed"), False, {"one": 2, "three": 2}
    ),
    "edited after it was sent": FileChange(
        lambda it: it.tree.change(MAIN, "onea oneb", "onea changed"), False, ALL
    ),
    "edited while it is in the air": FileChange(
        edited_in_the_air, False, {"one": 2, "two": 1, "three": 2}
    ),
    "an old branch": FileChange(checked_out, False, {"one": 2}),
    "an old branch, and back": FileChange(checked_out_and_back, False, ALL),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_row_30_files_that_change_while_it_runs(
    new_bot: RunningBot, tally: Counts, name: str
) -> None:
    change = CHANGES[name]
    with_one_post_out(new_bot)

    change.do(new_bot)
    new_bot.watch(broken=change.is_broken)
    new_bot.wait(THREE + DAY)

    tally(30, f"files while it runs: {name}", counted(new_bot), injected=1,
          also={"unapproved": unapproved(new_bot)})  # fmt: skip
    assert sent(new_bot) == change.sent
    assert unapproved(new_bot) == 0


def counted(new_bot: RunningBot) -> dict[str, Any]:
    live = {name: server.texts for name, server in new_bot.servers.items()}
    return judged_by_account(new_bot.rows(), live)
