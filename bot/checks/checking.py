"""Content as it was read, rendered and held against every rule; also what is not stored yet."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import is_
from typing import Self

from bot.checks.rules import CHECKS_OF_CAMPAIGN, CHECKS_OF_POSTS, check
from bot.content.files import POSTS
from bot.content.loading import KeptFiles, Loaded
from bot.content.model import Campaign, Post
from bot.errors import ContentError, Problem, Severity
from bot.platforms.spec import Limits, PlatformSpec
from bot.rendering.cards.pictures import PreparedPictures
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign, render_campaign

#: Stands for a file that is not there yet.
NEW_FILE = "posts/new-file.yaml"
#: Rules of what goes out live.
_OF_SENDING = frozenset({"account-unready"})


@dataclass(frozen=True, slots=True)
class CheckedContent:
    """A tree of files, what it says on each account, and all that is wrong with it."""

    loaded: Loaded
    #: What could be read, in spite of errors; None where that is no campaign.
    readable: RenderedCampaign | None
    #: Of the reading and of the rules, sorted by file, line and column.
    problems: tuple[Problem, ...]
    #: Id of the signed commit that it is from; empty where signatures are not asked for.
    commit: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the tree from being applied."""
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)

    @property
    def tree_sha256(self) -> str:
        return self.loaded.tree_sha256

    @property
    def rendered(self) -> RenderedCampaign:
        """The campaign with what each account would show.

        Raises:
            ContentError: it has errors.
        """
        if self.readable is None or self.errors:
            raise ContentError(self.errors)
        return self.readable

    @property
    def campaign(self) -> Campaign | None:
        """What is written; None while anything in it is an error."""
        return self.readable.campaign if self.readable and not self.errors else None

    def without_errors(self) -> Self:
        """Return the same without the posts that have errors, to be looked at, never sent.

        What is wrong with the schedule or a source stays an error: it may touch any post.
        """
        if self.readable is None or not self.errors:
            return self
        dropped = {each for each in self.errors
                   if each.file in self.loaded.post_files or each.rule in _OF_SENDING}  # fmt: skip
        wrong = {problem.where.partition(".")[0] for problem in dropped}
        texts = {key: text for key, text in self.readable.texts.items() if key[0] not in wrong}
        campaign = self.readable.campaign
        posts = tuple(post for post in campaign.posts if post.id not in wrong)
        whole = replace(self.readable, campaign=replace(campaign, posts=posts), texts=texts)
        kept = tuple(each for each in self.problems if each not in dropped)
        return replace(self, readable=whole, problems=kept)

    def changed(self, campaign: Campaign) -> Self:
        """Return the same texts with another schedule, or with posts at other times."""
        if self.readable is None:
            return self
        return replace(self, readable=replace(self.readable, campaign=campaign))


#: The posts of one file, then their texts.
_Part = tuple[Post | RenderedText, ...]


@dataclass(slots=True)
class CheckCache:
    """What one process found of a tree, for as long as nothing that it depends on changes."""

    files: KeptFiles = field(default_factory=KeptFiles)
    whole: RenderedCampaign | None = None
    #: What posts were checked with, and by file what was wrong; as one, for several threads.
    _last: tuple[object, Mapping[str, tuple[_Part, frozenset[Problem]]]] = (None, {})

    def check(self, whole: RenderedCampaign, now: datetime) -> frozenset[Problem]:
        """Return what `check` does; of posts that are as they were it is known."""
        context = (whole.context, frozenset(whole.known))
        last, before = self._last
        before = before if last == context else {}
        posts: dict[str, list[Post]] = defaultdict(list)
        texts: dict[str, dict[tuple[str, str], RenderedText]] = defaultdict(dict)
        for post in whole.campaign.posts:
            posts[post.place.file].append(post)
        for key, text in whole.texts.items():
            texts[text.post.place.file][key] = text
        found: dict[str, tuple[_Part, frozenset[Problem]]] = {}
        for file, of in posts.items():
            part: _Part = (*of, *texts[file].values())
            old, problems = before.get(file, ((), frozenset[Problem]()))
            if len(old) != len(part) or not all(map(is_, old, part)):
                campaign = replace(whole.campaign, posts=tuple(of))
                alone = replace(whole, campaign=campaign, texts=texts[file])
                problems = check(alone, now, CHECKS_OF_POSTS)
            found[file] = part, problems
        self.whole, self._last = whole, (context, found)
        of_posts = (problems for _, problems in found.values())
        return check(whole, now, CHECKS_OF_CAMPAIGN).union(*of_posts)


def check_content(
    loaded: Loaded,
    *,
    specs: Mapping[str, PlatformSpec],
    limits: Mapping[str, Limits],
    now: datetime,
    pictured: Callable[[Post], bool] = lambda _post: True,
    known: Collection[tuple[str, str]] = (),
    cache: CheckCache | None = None,
) -> CheckedContent:
    """Render what could be read, and hold it against every rule.

    Files with errors are held against the rules too, so that all is told at once. Pictures are
    made ready of those posts only that ``pictured`` names. That what is ``known``, by post and
    account, does not fit is its server's word: it did before.
    """
    if loaded.readable is None:
        return CheckedContent(loaded, None, loaded.problems)
    whole = render_campaign(
        loaded.readable,
        specs=specs,
        limits=limits,
        pictures=pictures_of(loaded),
        pictured=pictured,
        known=known,
        before=cache.whole if cache else None,
    )
    found = cache.check(whole, now) if cache else check(whole, now)
    problems = {*loaded.problems, *found}
    return CheckedContent(loaded, whole, tuple(sorted(problems)))


def pictures_of(loaded: Loaded) -> PreparedPictures:
    return PreparedPictures(lambda file: loaded.files[f"{POSTS}/{file.file}"])


@dataclass(frozen=True, slots=True)
class DeskCheck:
    """Proves a file of posts as if it stood among the files in force; nothing is stored."""

    files: Callable[[], Mapping[str, bytes]]
    #: Reads, renders and checks files, with the pictures of the one that is named.
    prove: Callable[[Mapping[str, bytes], str], CheckedContent]
    #: What could be better in the files in force, as it was when they were read.
    warnings: Callable[[], tuple[Problem, ...]]

    def names(self) -> tuple[str, ...]:
        """Return the names of the files that a text could take the place of."""
        return tuple(sorted(name for name in self.files() if name.endswith(".yaml")))

    def check(self, name: str, text: str) -> CheckedContent:
        """Return the files with that text, and the problems that it has or makes elsewhere.

        Problems that were in the other files before are not told, nor that their posts are past.
        """
        content = self.prove({**self.files(), name: text.encode()}, name)
        before = frozenset(self.warnings())
        problems = tuple(
            each
            for each in content.problems
            if each.file == name or (each not in before and each.rule != "time-past")
        )
        return replace(content, problems=problems)
