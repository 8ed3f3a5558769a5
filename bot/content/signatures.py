"""Signed content: the files are just those of a commit that an allowed SSH key signed.

The repository may be hostile, and its configuration too: only `rev-parse` runs in it. All else runs
in an empty repository of our own over its objects, where no setting, hook or filter of it counts.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.content.files import POSTS, SCHEDULE
from bot.errors import OperatorError

_SECONDS = 60
#: A signature of another kind would start another program.
_OURS = (
    *("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.commitGraph=false"),
    *("-c", "gpg.program=false", "-c", "gpg.x509.program=false"),
)
_SHA256 = "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n"


class SignatureError(OperatorError):
    """The files are not what an allowed key signed; says why."""


@dataclass(frozen=True, slots=True)
class SignedContent:
    """A campaign's files in a repository, and the keys that may sign its commits."""

    config: Path
    posts: Path
    #: Allowed signers, as git and ssh-keygen(1) read them.
    signers: Path

    def state(self) -> str:
        """Return what a new check depends on besides the files: the commit, and the keys."""
        try:
            return f"{self._located()[2]} {hashlib.sha256(self._keys()).hexdigest()}"
        except SignatureError as error:
            return str(error)

    def prove(self, files: Mapping[str, bytes], after: str) -> str:
        """Return the commit that has just these files, and follows the commit ``after``.

        Raises:
            SignatureError: it is not signed, or its files are others.
        """
        top, objects, commit = self._located()
        self._keys()
        if self.signers.resolve().is_relative_to(top):
            raise SignatureError(f"{self.signers} is in the repository that it guards; move it out")
        with TemporaryDirectory() as scratch:
            (Path(scratch) / "refs").mkdir()
            (Path(scratch) / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
            config = _SHA256 if len(commit) == 64 else ""
            (Path(scratch) / "config").write_text(config, encoding="ascii")
            where = {"GIT_DIR": scratch, "GIT_OBJECT_DIRECTORY": str(objects), "TMPDIR": scratch}
            allowed = f"gpg.ssh.allowedSignersFile={self.signers.absolute()}"
            if _git(where, "-c", allowed, "verify-commit", commit) is None:
                name = self.signers.name
                raise SignatureError(f"commit {commit[:12]} is not signed by a key of {name}")
            if after and _git(where, "merge-base", "--is-ancestor", after, commit) is None:
                raise SignatureError(
                    f"commit {commit[:12]} does not follow {after[:12]}, which is in force; make a"
                    " new commit on top of it"
                )
            listed = _git(where, "ls-tree", "-r", "-z", "--full-tree", commit) or b""
        signed = self._names(listed, top)
        found = {name: _blob(content, len(commit)) for name, content in files.items()}
        needed = found.keys() | {name for name in signed if name.endswith(".yaml")}
        if others := sorted(name for name in needed if signed.get(name) != found.get(name)):
            raise SignatureError(
                f"not as in the signed commit {commit[:12]}: {', '.join(others[:5])}; commit and"
                " sign the change, or undo it"
            )
        return commit

    def _names(self, listed: bytes, top: Path) -> dict[str, str]:
        """Return the ids of a commit's files, by their names in the campaign."""
        try:
            schedule = self.config.resolve().relative_to(top).as_posix()
            posts = self.posts.resolve().relative_to(top).as_posix() + "/"
        except ValueError:
            raise SignatureError(f"schedule and posts are not both in {top}") from None
        names = {}
        for entry in listed.split(b"\0")[:-1]:
            about, _, path = os.fsdecode(entry).partition("\t")
            if path == schedule or path.startswith(posts):
                name = SCHEDULE if path == schedule else f"{POSTS}/{path.removeprefix(posts)}"
                names[name] = about.split()[2]
        return names

    def _keys(self) -> bytes:
        try:
            if self.signers.stat().st_mode & 0o022:
                raise SignatureError(f"others may write to {self.signers}; run: chmod 644 it")
            return self.signers.read_bytes()
        except OSError as error:
            raise SignatureError(f"{self.signers}: {error.strerror}") from error

    def _located(self) -> tuple[Path, Path, str]:
        """Return the repository's folder, that of its objects, and the commit checked out."""
        folder = self.config.absolute().parent
        ask = ("-C", str(folder), "rev-parse", "--show-toplevel", "--git-path", "objects", "HEAD")
        lines = os.fsdecode(_git({}, *ask) or b"").splitlines()
        if len(lines) != 3:
            raise SignatureError(f"{folder} is not in a git repository with a commit")
        return Path(lines[0]).resolve(), folder / lines[1], lines[2]


def _blob(content: bytes, id_length: int) -> str:
    """Return the id that git gives a file."""
    make = hashlib.sha256 if id_length == 64 else hashlib.sha1
    return make(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def _git(environment: dict[str, str], *words: str) -> bytes | None:
    """Return what git printed; None where it failed."""
    alone = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    try:
        ran = subprocess.run(  # noqa: S603 - words of ours, and ids that git printed
            ["git", *_OURS, *words],  # noqa: S607 - the system's git
            env=alone | environment, capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SignatureError(f"git cannot be asked: {error}") from error
    return ran.stdout if ran.returncode == 0 else None
