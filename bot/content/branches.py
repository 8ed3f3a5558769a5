"""A proposed post as a commit on a new branch of the campaign's repository, for people to review.

The commit is made in a repository of our own, and goes where the operator says, never where the
campaign's files do. No branch that is there is changed.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot import visible
from bot.content.files import POSTS
from bot.content.repository import (
    GitRepository,
    Head,
    RepositoryError,
    Scratch,
    ask_git,
    scratch_over,
)
from bot.errors import DecisionError
from bot.log import get_logger

log = get_logger(__name__)

_REMOTE = '[remote "review"]\nurl = "{address}"\n'


@dataclass(frozen=True, slots=True)
class ProposedPost:
    """A file of posts, and who proposes it when."""

    id: str
    content: bytes
    author: str
    at: datetime

    @property
    def file(self) -> str:
        """Its name in the campaign."""
        return f"{POSTS}/proposed/{self.id}.yaml"


@dataclass(frozen=True, slots=True)
class ProposalCommit:
    """A commit with one new file that is in no other repository yet."""

    commit: str
    base: str
    branch: str
    _scratch: Scratch

    def push(self) -> None:
        """Make the branch.

        Raises:
            DecisionError: it is there already, or the repository did not take it.
        """
        # What speaks for the machine where it pushes through SSH.
        agent = {key: os.environ[key] for key in ("SSH_AUTH_SOCK",) if key in os.environ}
        # An empty lease: the branch must not be there yet, whoever is faster.
        ref = f"refs/heads/{self.branch}"
        words = ("push", "--porcelain", "--no-verify", f"--force-with-lease={ref}:")
        code, printed, said = ask_git(
            {**self._scratch.environment, **agent}, *words, "review", f"{self.commit}:{ref}"
        )
        if b"(stale info)" in printed:
            raise DecisionError(
                f"there is a branch {self.branch} already: this post was proposed before; "
                "change it there, or have that branch deleted"
            )
        if code:
            log.warning("proposal not pushed", branch=self.branch, reason=os.fsdecode(said))
            raise DecisionError("the repository did not take the branch; the bot's log says why")


@dataclass(frozen=True, slots=True)
class ProposalBranches:
    """Where people may propose posts."""

    repository: GitRepository
    #: Where branches are pushed: https, ssh, or a folder.
    address: str = field(repr=False)

    def read(self) -> tuple[Head, Mapping[str, bytes]]:
        """Return what is checked out, and its files of the campaign."""
        head = self.repository.head()
        return head, self.repository.files_of(head.commit)

    @contextmanager
    def commit(self, post: ProposedPost, head: Head) -> Iterator[ProposalCommit]:
        """Return a commit of a file on top of what is checked out; it is kept if it is pushed.

        Raises:
            DecisionError: its branch is the one in force, or would go into this very repository.
            RepositoryError: git did not make it.
        """
        branch = f"proposal/{post.id}"
        if head.branch == f"refs/heads/{branch}":
            raise DecisionError(f"{head.branch} is checked out here; nothing is proposed to it")
        place = Path(self.address).resolve()
        if self.address.startswith("/") and (
            place.is_relative_to(head.top) or head.objects.resolve().is_relative_to(place)
        ):
            raise DecisionError("VERBATIM_PROPOSALS names the repository that content is read from")
        with scratch_over(head) as scratch:
            with (scratch.folder / "config").open("a", encoding="utf-8") as config:
                config.write(_REMOTE.format(address=self.address))
            commit = _commit(scratch, post, head, self.repository.name_in(head.top, post.file))
            yield ProposalCommit(commit, head.commit, branch, scratch)


def _commit(scratch: Scratch, post: ProposedPost, head: Head, path: str) -> str:
    def made(*words: str, given: bytes = b"", **more: str) -> str:
        answer = scratch.git(*words, given=given, GIT_INDEX_FILE=f"{scratch.folder}/index", **more)
        if answer is None:
            raise RepositoryError(f"git {words[0]} failed on commit {head.commit[:12]}")
        return answer.decode().strip()

    author = "".join(char for char in visible.line(post.author) if char not in "<>").strip()
    when = f"{int(post.at.timestamp())} +0000"
    people = {
        "GIT_AUTHOR_NAME": author or "desk", "GIT_AUTHOR_EMAIL": "desk@invalid",
        "GIT_COMMITTER_NAME": "Verbatim desk", "GIT_COMMITTER_EMAIL": "desk@invalid",
        "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
    }  # fmt: skip
    made("read-tree", head.commit)
    blob = made("hash-object", "-w", "--no-filters", "--stdin", given=post.content)
    entry = os.fsencode(f"100644 {blob}\t{path}") + b"\0"
    made("update-index", "-z", "--index-info", given=entry)
    message = f"Propose the post {post.id}\n\nProposed on the desk by {author or 'somebody'}.\n"
    tree = made("write-tree")
    return made("commit-tree", tree, "-p", head.commit, given=message.encode(), **people)
