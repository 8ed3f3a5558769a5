"""What a pull request changes: problems beside their lines, and a page with its posts.

GitHub reads both, and may take words in them for a command or for markup. So values of a command
are escaped, and the page is HTML blocks in which all foreign text is code.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from bot import visible
from bot.app.content import SPECS, Paths, by_path, prove_tree
from bot.checks.checking import CheckedContent
from bot.content.files import StoredTree
from bot.content.model import NOWHERE, Post
from bot.content.repository import GitRepository, RepositoryError
from bot.content.zones import shown
from bot.errors import DecisionError, Problem, Severity
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.translations import sides_of

#: A job's page has 1 MiB at most; a longer one is not shown at all.
_MOST_BYTES = 900_000


def annotation(problem: Problem) -> str:
    """Write a workflow command that GitHub shows beside the line (docs: workflow commands)."""
    text = f"{problem.where}: {problem.message}" if problem.where else problem.message
    values = {"file": problem.file, "line": problem.line, "col": problem.column,
              "title": problem.rule}  # fmt: skip
    escaped = {
        name: _escaped(str(value)).replace(":", "%3A").replace(",", "%2C")
        for name, value in values.items()
        if value
    }
    properties = ",".join(f"{name}={value}" for name, value in escaped.items())
    return f"::{problem.severity} {properties}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def new_problems(problems: Iterable[Problem], before: Iterable[Problem]) -> list[Problem]:
    """Return the errors, and those warnings and notices that were not there before."""
    # Its line moves with what stands above it.
    known = {replace(each, line=0, column=0) for each in before}
    return [each for each in problems if each.severity is Severity.ERROR
            or replace(each, line=0, column=0) not in known]  # fmt: skip


def read_base(paths: Paths, name: str) -> tuple[CheckedContent, Sequence[Problem]]:
    """Check the files of a commit, or DecisionError; the problems have paths as they are now."""
    repository = GitRepository(paths.config, paths.posts)
    commit = repository.commit_of(name)
    if commit is None:
        raise DecisionError(f"no commit is called {name!r} in the repository of {paths.config}")
    try:
        content = prove_tree(StoredTree(repository.files_of(commit)))
    except RepositoryError as error:
        raise DecisionError(str(error)) from error
    return content, by_path(paths.config, paths.posts, content.problems)


@dataclass(frozen=True, slots=True)
class ChangedPosts:
    """Posts that are new, or that say, show or plan something else than before."""

    whole: RenderedCampaign
    added: tuple[Post, ...]
    changed: tuple[Post, ...]
    #: Ids of posts that are in no file any more.
    removed: tuple[str, ...]

    @classmethod
    def between(cls, base: CheckedContent | None, content: CheckedContent) -> Self | None:
        """Compare two trees, without posts that have errors; None where this one is no campaign."""
        whole = content.without_errors().readable
        if whole is None:
            return None
        before = base.without_errors().readable if base else None
        old = (
            {post.id: _content_of(post, before) for post in before.campaign.posts} if before else {}
        )
        posts = whole.campaign.posts
        added = tuple(post for post in posts if post.id not in old)
        changed = tuple(post for post in posts
                        if post.id in old and _content_of(post, whole) != old[post.id])  # fmt: skip
        written = {post.id for post in (content.readable or whole).campaign.posts}
        return cls(whole, added, changed, tuple(name for name in old if name not in written))


def _content_of(post: Post, whole: RenderedCampaign) -> object:
    texts = [(each.account.name, each.statuses, each.why_not) for each in whole.texts_of(post)]
    return replace(post, place=NOWHERE, places={}), texts


def write_summary(path: Path, problems: Sequence[Problem], posts: ChangedPosts | None) -> None:
    """Append the page of a job (``$GITHUB_STEP_SUMMARY``)."""
    left = _MOST_BYTES
    with path.open("a", encoding="utf-8") as file:
        for block in _page(problems, posts):
            left -= len(block.encode())
            if left < 0:
                file.write("<p>There is more; <code>preview --all</code> shows it.</p>\n\n")
                return
            file.write(block)


def _page(problems: Sequence[Problem], posts: ChangedPosts | None) -> Iterator[str]:
    from bot.web.rendering import environment  # only who writes a page pays for it

    templates = environment(SPECS)
    templates.filters |= {"line": visible.line, "shown": shown}
    templates.globals["sides_of"] = sides_of
    source = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    made: Any = templates.from_string(source).module
    yield made.head(list(problems), posts)
    if posts:
        yield from (made.post_of("New", post, posts.whole) for post in posts.added)
        yield from (made.post_of("Changed", post, posts.whole) for post in posts.changed)
        yield from map(made.taken_out, posts.removed)
