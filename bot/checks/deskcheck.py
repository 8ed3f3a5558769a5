"""What a file of posts would do, before it is committed; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.checks.checking import CheckedContent
from bot.content.model import Post
from bot.errors import Problem
from bot.rendering.rendered import RenderedCampaign

#: Stands for a file that is not there yet.
NEW_FILE = "posts/new-file.yaml"


@dataclass(frozen=True, slots=True)
class Checked:
    """What would come of a file."""

    name: str
    text: str
    #: In the file itself, by line.
    problems: tuple[Problem, ...]
    #: That the file would make elsewhere.
    elsewhere: tuple[Problem, ...]
    #: The file's posts; none where the schedule cannot be read.
    posts: tuple[Post, ...]
    #: All posts as accounts would show them.
    rendered: RenderedCampaign | None


@dataclass(frozen=True, slots=True)
class DeskCheck:
    """Proves a text as if it stood among the files in force."""

    files: Callable[[], Mapping[str, bytes]]
    #: Reads, renders and checks files, with the pictures of the one that is named.
    prove: Callable[[Mapping[str, bytes], str], CheckedContent]
    #: What could be better in the files in force, as it was when they were read.
    remarks: Callable[[], tuple[Problem, ...]]

    def names(self) -> tuple[str, ...]:
        """Name the files that a text could take the place of."""
        texts = (name for name in self.files() if name.endswith(".yaml"))
        return tuple(sorted(texts))

    def check(self, name: str, text: str) -> Checked:
        """Return every problem of the text by line, and show its posts as accounts would.

        Problems that were in the other files before are not told, nor that their posts are past.
        """
        content = self.prove({**self.files(), name: text.encode()}, name)
        before, whole = frozenset(self.remarks()), content.readable
        return Checked(
            name,
            text,
            tuple(one for one in content.problems if one.file == name),
            tuple(
                one
                for one in content.problems
                if one.file != name and one not in before and one.rule != "time-past"
            ),
            tuple(one for one in whole.campaign.posts if one.place.file == name) if whole else (),
            whole,
        )
