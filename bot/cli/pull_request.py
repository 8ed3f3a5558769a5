"""What a pull request changes: problems beside their lines, and a page with its posts.

GitHub reads both, and may take words in them for a command or for markup. So values of a command
are escaped, and the page is HTML blocks in which all foreign text is code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from bot import visible
from bot.app.content import Paths, by_path, prove_tree
from bot.checks.checking import CheckedContent
from bot.content.files import StoredTree
from bot.content.model import NOWHERE, Post
from bot.content.repository import GitRepository, RepositoryError
from bot.content.zones import shown
from bot.errors import DecisionError, Problem, Severity
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.translations import sides_of

#: A job's page has 1 MiB at most; a longer one is not shown at all.
_MOST_BYTES = 900_000


def annotation(problem: Problem) -> str:
    """Write a workflow command that GitHub shows beside the line (docs: workflow commands)."""
    text = f"{problem.where}: {problem.message}" if problem.where else problem.message
    values = {"file": problem.file, "line": problem.line, "col": problem.column,
              "title": problem.rule}  # fmt: skip
    properties = ",".join(f"{name}={_property(value)}" for name, value in values.items() if value)
    return f"::{problem.severity} {properties}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _escaped(str(value)).replace(":", "%3A").replace(",", "%2C")


@dataclass(frozen=True, slots=True)
class EarlierContent:
    """The files of the commit that a change is compared with."""

    content: CheckedContent
    #: With the paths of files as the change has them.
    problems: tuple[Problem, ...]

    def new(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return the errors, and those warnings and notices that were not there before."""
        before = {_same(each) for each in self.problems}
        return tuple(each for each in problems
                     if each.severity is Severity.ERROR or _same(each) not in before)  # fmt: skip


def _same(problem: Problem) -> Problem:
    """Return a problem without its line, which moves with what stands above it."""
    return replace(problem, line=0, column=0)


def read_base(paths: Paths, name: str) -> EarlierContent:
    """Check the files of a commit.

    Raises:
        DecisionError: there is no such commit.
    """
    repository = GitRepository(paths.config, paths.posts)
    commit = repository.commit_of(name)
    if commit is None:
        raise DecisionError(f"no commit is called {name!r} in the repository of {paths.config}")
    try:
        content = prove_tree(StoredTree(repository.files_of(commit)))
    except RepositoryError as error:
        raise DecisionError(str(error)) from error
    return EarlierContent(content, by_path(paths.config, paths.posts, content.problems))


@dataclass(frozen=True, slots=True)
class ChangedPosts:
    """Posts that are new, or that say, show or plan something else than before."""

    whole: RenderedCampaign
    added: tuple[Post, ...]
    changed: tuple[Post, ...]
    #: Ids of posts that are in no file any more.
    removed: tuple[str, ...]

    @classmethod
    def between(cls, base: CheckedContent | None, content: CheckedContent) -> ChangedPosts | None:
        """Compare two trees, without posts that have errors; None where this one is no campaign."""
        whole = content.without_errors().readable
        if whole is None:
            return None
        before = base.without_errors().readable if base else None
        old = (
            {post.id: _content_of(post, before) for post in before.campaign.posts} if before else {}
        )
        new = {post.id: post for post in whole.campaign.posts}
        changed = (post for post in new.values()
                   if post.id in old and _content_of(post, whole) != old[post.id])  # fmt: skip
        written = {post.id for post in content.readable.campaign.posts} if content.readable else new
        return cls(
            whole, tuple(post for post in new.values() if post.id not in old), tuple(changed),
            tuple(name for name in old if name not in written),
        )  # fmt: skip


def _content_of(post: Post, whole: RenderedCampaign) -> object:
    texts = [(each.account.name, each.statuses, each.why_not) for each in whole.texts_of(post)]
    return replace(post, place=NOWHERE, places={}), texts


def write_summary(path: Path, problems: Sequence[Problem], posts: ChangedPosts | None) -> None:
    """Append the page of a job (``$GITHUB_STEP_SUMMARY``)."""
    written = "".join(f"{block}\n\n" for block in _bounded(_page(problems, posts)))
    with path.open("a", encoding="utf-8") as file:
        file.write(written)


def _bounded(blocks: Iterable[str]) -> Iterator[str]:
    left = _MOST_BYTES
    for block in blocks:
        left -= len(block.encode()) + 2
        if left < 0:
            yield "<p>There is more; <code>preview --all</code> shows it.</p>"
            return
        yield block


def _page(problems: Sequence[Problem], posts: ChangedPosts | None) -> Iterator[str]:
    errors = sum(each.severity is Severity.ERROR for each in problems)
    yield "<h2>Posts of this change</h2>"
    yield (
        f"<p>{errors} error(s): nothing is applied before they are mended.</p>"
        if errors
        else "<p>No error.</p>"
    )
    if problems:
        rows = "".join(
            f"<tr><td>{each.severity}</td><td>{_code(f'{each.file}:{each.line}')}</td>"
            f"<td>{_code(f'{each.where}: {each.message}' if each.where else each.message)}</td>"
            f"<td>{_code(each.rule)}</td></tr>"
            for each in sorted(problems, key=lambda each: each.severity is not Severity.ERROR)
        )
        head = "<tr><th></th><th>Where</th><th>Problem</th><th>Rule</th></tr>"
        yield f"<table>{head}{rows}</table>"
    if posts is None:
        return
    if not (posts.added or posts.changed or posts.removed):
        yield "<p>No post is added, changed or taken out.</p>"
    for title, each in (("New", posts.added), ("Changed", posts.changed)):
        for post in each:
            yield from _post(title, post, posts.whole)
    for name in posts.removed:
        yield f"<h3>Taken out: {_code(name)}</h3>"


def _post(title: str, post: Post, whole: RenderedCampaign) -> Iterator[str]:
    yield f"<h3>{title}: {_code(post.id)}{'' if post.ready else ' (draft)'}</h3>"
    moment = shown(post.at, whole.campaign.zone) if post.at else ""
    about = {
        "queue": post.queue, "at": moment, "theme": post.theme, "author": post.author,
        "every year on": "{:02}-{:02}".format(*post.every_year.on) if post.every_year else "",
    }  # fmt: skip
    said = ", ".join(f"{name} {_code(value)}" for name, value in about.items() if value)
    yield f"<p>{said}</p>"
    if sides := sides_of(post, whole.campaign):
        heads = "".join(
            f"<th>{side.name.capitalize()}, {_code(side.source.id)}</th>" for side in sides
        )
        cells = "".join(
            f'<td><pre dir="{side.direction}" lang="{escape(side.source.lang)}">'
            f"{_shown(side.marked)}</pre></td>"
            for side in sides
        )
        yield f"<table><tr>{heads}</tr><tr>{cells}</tr></table>"
        yield f"<p>{escape(visible.line(sides[-1].people))}</p>"
    for text in whole.texts_of(post):
        name = _code(text.account.name)
        if text.why_not:
            yield f"<p><b>{name}</b>: nothing ({_code(text.why_not)})</p>"
            continue
        cost = whole.cost_of_all(text)
        price = f", ${cost:.3f}" if cost else ""
        for number, (status, length) in enumerate(zip(text.statuses, text.lengths, strict=True), 1):
            part = f", part {number} of {len(text.statuses)}" if len(text.statuses) > 1 else ""
            yield f"<p><b>{name}</b>: {length} of {text.max_length}{part}{price}</p>"
            yield from _status(status)


def _status(status: Status) -> Iterator[str]:
    if status.warning:
        yield f"<p>Folded behind: {_code(status.warning)}</p>"
    # Nothing ends such a block but its own end, which no escaped text has.
    yield f'<pre dir="auto" lang="{escape(status.lang)}">{_shown(status.text)}</pre>'
    for picture in status.pictures:
        yield f"<p>Picture {picture.width}×{picture.height}: {_code(picture.alt)}</p>"
    if status.card:
        card = status.card
        lines = "<br>".join(
            _code(each) for each in (card.title, card.description, card.url) if each
        )
        yield f"<blockquote>{lines}</blockquote>"


def _code(text: str) -> str:
    return f"<code>{escape(visible.line(text))}</code>"


def _shown(text: str) -> str:
    return escape(visible.block(text))
