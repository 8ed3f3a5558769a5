"""What a file of posts would do, before it is committed; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.content.loading import Loaded
from bot.errors import BotError, Problem
from bot.services.composing import Composition
from bot.services.reviewer import Preview, preview

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
    previews: tuple[Preview, ...]
    #: Bytes of the pictures in the previews, by hash.
    pictures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class DeskCheck:
    """Proves a text as if it stood among the files in force."""

    files: Callable[[], Mapping[str, bytes]]
    load: Callable[[Mapping[str, bytes]], Loaded]
    compose: Callable[[Loaded], Composition]

    def names(self) -> tuple[str, ...]:
        """Name the files that a text could take the place of."""
        texts = (name for name in self.files() if name.endswith(".yaml"))
        return tuple(sorted(texts))

    def check(self, name: str, text: str) -> Checked:
        """Tell every problem of the text by line, and show its posts as accounts would.

        Problems that were in the other files before are not told.
        """
        files = self.files()
        before = set(self.load(files).problems)
        loaded = self.load({**files, name: text.encode()})
        found = [one for one in loaded.problems if one not in before or one.file == name]
        previews, pictures = self._previews(loaded, name)
        return Checked(
            name,
            text,
            tuple(one for one in found if one.file == name),
            tuple(one for one in found if one.file != name),
            previews,
            pictures,
        )

    def _previews(
        self, loaded: Loaded, name: str
    ) -> tuple[tuple[Preview, ...], Mapping[str, bytes]]:
        if loaded.readable is None:
            return (), {}
        posts = tuple(one for one in loaded.readable.posts if one.place.file == name)
        campaign = replace(loaded.readable, posts=posts)
        try:
            whole = self.compose(replace(loaded, campaign=campaign))
        except (BotError, KeyError):
            # A card that cannot be drawn, a picture that is not there: told as a problem already.
            return (), {}
        return tuple(preview(whole, post) for post in posts), whole.pictures
