"""A campaign's git repository, read without trusting it.

The repository may be hostile, and its configuration too: only `rev-parse` runs in it. All else runs
in an empty repository of our own over its objects, where no setting, hook or filter of it counts.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.content.files import BOUNDS, POSTS, SCHEDULE, is_litter
from bot.errors import OperatorError

_SECONDS = 60
#: A signature of another kind would start another program.
_OURS = (
    *("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.commitGraph=false"),
    *("-c", "gpg.program=false", "-c", "gpg.x509.program=false"),
)
_CONFIG = "[core]\nrepositoryformatversion = {version}\nbare = true\n"
_SHA256 = "[extensions]\nobjectformat = sha256\n"
#: Bytes of all files of a commit that are read.
_MOST_BYTES = 4 * (BOUNDS.all_text_bytes + BOUNDS.all_picture_bytes)
#: What a proposal may be sent through; `ext::` would run any program.
_PROTOCOLS = "file:https:ssh"


class RepositoryError(OperatorError):
    """The repository cannot be read as a campaign's; says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a repository is, and what is checked out."""

    top: Path
    objects: Path
    #: Commits whose parents it lacks, one a line, where it is not whole.
    shallow: Path
    #: Full name of the branch; ``HEAD`` where it is on none.
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Scratch:
    """An empty repository of ours over the objects of another; new ones stay here."""

    folder: Path
    environment: Mapping[str, str]

    def git(self, *words: str, given: bytes = b"", **more: str) -> bytes | None:
        return run_git({**self.environment, **more}, *words, given=given)


@dataclass(frozen=True, slots=True)
class GitRepository:
    """The repository that a campaign's files are in."""

    config: Path
    posts: Path

    def head(self) -> Head:
        """Return what is checked out.

        Raises:
            RepositoryError: the files are in no repository, or it has no commit.
        """
        folder = self.config.absolute().parent
        paths = ("--git-path", "objects", "--git-path", "shallow")
        ask = ("rev-parse", "--show-toplevel", *paths, "--symbolic-full-name", "HEAD")
        lines = os.fsdecode(run_git({}, "-C", str(folder), *ask) or b"").splitlines()
        commit = self.commit_of("HEAD")
        if len(lines) != 4 or commit is None:
            raise RepositoryError(f"{folder} is not in a git repository with a commit")
        top, objects, shallow, branch = lines
        return Head(Path(top).resolve(), folder / objects, folder / shallow, branch, commit)

    def commit_of(self, name: str) -> str | None:
        """Return the id of the commit that has a name; None where there is none."""
        if name.startswith("-"):
            return None
        ask = ("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
        answer = run_git({}, "-C", str(self.config.absolute().parent), *ask)
        return os.fsdecode(answer or b"").strip() or None

    def name_in(self, top: Path, name: str) -> str:
        """Return the path of a campaign's file within the repository."""
        try:
            config = self.config.resolve().relative_to(top).as_posix()
            posts = self.posts.resolve().relative_to(top).as_posix()
        except ValueError:
            raise RepositoryError(f"schedule and posts are not both in {top}") from None
        return config if name == SCHEDULE else f"{posts}{name.removeprefix(POSTS)}"

    def ids(self, listed: bytes, top: Path) -> dict[str, str]:
        """Return the ids of a commit's files, by their names in the campaign."""
        schedule, posts = self.name_in(top, SCHEDULE), f"{self.name_in(top, POSTS)}/"
        names = {}
        for entry in listed.split(b"\0")[:-1]:
            about, _, path = os.fsdecode(entry).partition("\t")
            if path == schedule or path.startswith(posts):
                name = SCHEDULE if path == schedule else f"{POSTS}/{path.removeprefix(posts)}"
                names[name] = about.split()[2]
        return names

    def files_of(self, commit: str) -> dict[str, bytes]:
        """Return a commit's files of the campaign, without those that are too large to be read.

        Raises:
            RepositoryError: there is no such commit, or it has too much in it.
        """
        head = self.head()
        with scratch_over(head) as scratch:
            listed = scratch.git("ls-tree", "-r", "-z", "--full-tree", commit)
            if listed is None:
                raise RepositoryError(f"there is no commit {commit[:12]}")
            ids = {name: each for name, each in self.ids(listed, head.top).items()
                   if not is_litter(name)}  # fmt: skip
            answer = scratch.git("cat-file", "--batch-check", given=_lines(ids)) or b""
            found = (line.decode().split() for line in answer.splitlines())
            sizes = {words[0]: int(words[2]) for words in found if words[1] == "blob"}
            small = {name: each for name, each in ids.items()
                     if sizes.get(each, _MOST_BYTES) <= BOUNDS.picture_bytes}  # fmt: skip
            if sum(sizes[each] for each in small.values()) > _MOST_BYTES:
                raise RepositoryError(f"commit {commit[:12]} has too much in it to be read")
            answer = scratch.git("cat-file", "--batch", given=_lines(small)) or b""
            return dict(_contents(small, answer))


def _lines(ids: Mapping[str, str]) -> bytes:
    return "".join(f"{each}\n" for each in ids.values()).encode()


def _contents(names: Mapping[str, str], answer: bytes) -> Iterator[tuple[str, bytes]]:
    """Read what `cat-file --batch` printed: of each a line that ends in its size, then itself."""
    at = 0
    for name in names:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        yield name, answer[end + 1 : end + 1 + size]
        at = end + size + 2


@contextmanager
def scratch_over(head: Head) -> Iterator[Scratch]:
    """Return a repository of ours that reads the objects of another, and is gone afterwards."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "refs").mkdir()
        (folder / "objects" / "info").mkdir(parents=True)
        (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(head.objects) + b"\n")
        (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        is_long = len(head.commit) == 64
        config = _CONFIG.format(version=int(is_long)) + (_SHA256 if is_long else "")
        (folder / "config").write_text(config, encoding="ascii")
        if head.shallow.is_file():
            (folder / "shallow").write_bytes(head.shallow.read_bytes())
        yield Scratch(folder, {"GIT_DIR": name, "TMPDIR": name})


def run_git(environment: Mapping[str, str], *words: str, given: bytes = b"") -> bytes | None:
    """Return what git printed; None where it failed."""
    code, printed, _said = ask_git(environment, *words, given=given)
    return printed if code == 0 else None


def ask_git(
    environment: Mapping[str, str], *words: str, given: bytes = b""
) -> tuple[int, bytes, bytes]:
    """Run git by itself: no setting of the user or the system, no shell, no terminal to ask on."""
    alone = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "LC_ALL": "C",
    }
    try:
        ran = subprocess.run(  # noqa: S603 - words of ours, and ids that git printed
            ["git", *_OURS, *words],  # noqa: S607 - the system's git
            env={**alone, **environment}, input=given, capture_output=True, timeout=_SECONDS,
            check=False, start_new_session=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RepositoryError(f"git cannot be asked: {error}") from error
    return ran.returncode, ran.stdout, ran.stderr
