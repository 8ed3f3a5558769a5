"""Signed content: the files are just those of a commit that an allowed SSH key signed.

How the repository is read, which may be hostile, says `bot.content.repository`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.canonical import sha256_hex
from bot.content.repository import GitRepository, RepositoryError, scratch_over


@dataclass(frozen=True, slots=True)
class SignedContent(GitRepository):
    """A campaign's files in a repository, and the keys that may sign its commits."""

    #: Allowed signers, as git and ssh-keygen(1) read them.
    signers: Path

    def state(self) -> str:
        """Return what a new check depends on besides the files: the commit, and the keys."""
        try:
            return f"{self.head().commit} {sha256_hex(self._keys())}"
        except RepositoryError as error:
            return str(error)

    def prove(self, files: Mapping[str, bytes], after: str) -> str:
        """Return the commit that has just these files, and follows the commit ``after``.

        Raises:
            RepositoryError: it is not signed, or its files are others.
        """
        head = self.head()
        commit = head.commit
        self._keys()
        if self.signers.resolve().is_relative_to(head.top):
            raise RepositoryError(
                f"{self.signers} is in the repository that it guards; move it out"
            )
        with scratch_over(head) as scratch:
            allowed = f"gpg.ssh.allowedSignersFile={self.signers.absolute()}"
            if scratch.git("-c", allowed, "verify-commit", commit) is None:
                name = self.signers.name
                raise RepositoryError(f"commit {commit[:12]} is not signed by a key of {name}")
            if after and scratch.git("merge-base", "--is-ancestor", after, commit) is None:
                raise RepositoryError(
                    f"commit {commit[:12]} does not follow {after[:12]}, which is in force; make a"
                    " new commit on top of it"
                )
            listed = scratch.git("ls-tree", "-r", "-z", "--full-tree", commit) or b""
        signed = self.ids(listed, head.top)
        found = {name: _blob(content, len(commit)) for name, content in files.items()}
        needed = found.keys() | {name for name in signed if name.endswith(".yaml")}
        if others := sorted(name for name in needed if signed.get(name) != found.get(name)):
            raise RepositoryError(
                f"not as in the signed commit {commit[:12]}: {', '.join(others[:5])}; commit and"
                " sign the change, or undo it"
            )
        return commit

    def _keys(self) -> bytes:
        try:
            if self.signers.stat().st_mode & 0o022:
                raise RepositoryError(f"others may write to {self.signers}; run: chmod 644 it")
            return self.signers.read_bytes()
        except OSError as error:
            raise RepositoryError(f"{self.signers}: {error.strerror}") from error


def _blob(content: bytes, id_length: int) -> str:
    """Return the id that git gives a file."""
    make = hashlib.sha256 if id_length == 64 else hashlib.sha1
    return make(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
