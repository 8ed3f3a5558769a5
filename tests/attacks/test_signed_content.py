"""Attacks on signed content, with the real git and ssh-keygen: unsigned, changed, hostile."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.settings.environment import Settings
from tests.attacks.attack import Attacker, attack
from tests.attacks.hostile_git import set_hooks, write_script
from tests.conftest import require_tool
from tests.fakes.running_bot import NINE, RunningBot, post


class SignedCampaign:
    """A bot whose campaign is a repository, and people with keys to sign its commits."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.signers = folder, folder / "signers"
        self._git, self._ssh_keygen = require_tool("git"), require_tool("ssh-keygen")
        self.key("ann")
        self.key("eve")
        self.allow("ann")
        self.bot = RunningBot(folder, settings=Settings(content_signers=self.signers))
        self.campaign = self.bot.tree.schedule.parent
        self.git("init", "--quiet", "--initial-branch=main")

    def key(self, name: str) -> None:
        command = [self._ssh_keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
        subprocess.run(command, check=True)

    def allow(self, *names: str) -> None:
        keys = ((name, (self.folder / f"{name}.pub").read_text().split()[:2]) for name in names)
        lines = [f'{name} namespaces="git" {" ".join(key)}\n' for name, key in keys]
        self.signers.write_text("".join(lines))
        self.signers.chmod(0o644)

    def git(self, *words: str) -> str:
        who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")}  # fmt: skip
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **who}
        return subprocess.run(
            [self._git, *words], cwd=self.campaign, env=known, check=True, capture_output=True,
            text=True,
        ).stdout  # fmt: skip

    def commit(self, by: str = "ann", *words: str) -> str:
        """Commit all there is, signed unless ``by`` is empty; return the commit."""
        self.git("add", "--all")
        key = self.folder / f"{by}.pub"
        signed = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit", "-S"]
        self.git(*(signed if by else ["commit"]), "--quiet", "--allow-empty", "-m", "x", *words)
        return self.git("rev-parse", "HEAD").strip()

    def start(self) -> None:
        """Start with one post that is signed."""
        self.bot.write(post("one", at=NINE))
        self.commit()
        self.bot.start()

    def change(self) -> None:
        self.bot.write(post("one", at=NINE), post("two", at=NINE))

    @property
    def in_force(self) -> set[str]:
        return {each.id for each in self.bot.services.contents.campaign().posts}

    def refused(self, why: str) -> None:
        """Prove that what is on disk does not come into force, and that people are told."""
        self.bot.watch(broken=True)
        assert self.in_force == {"one"}
        assert why in self.bot.services.contents.broken()
        assert any(why in matter.text for matter in self.bot.services.status().matters)


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[SignedCampaign]:
    signed = SignedCampaign(tmp_path)
    yield signed
    signed.bot.stop()


@attack(
    Attacker.GIT,
    tried="a commit that an allowed key signed, with just the files on disk",
    comes_of_it="this alone comes into force",
    remains="whoever holds an allowed key is believed",
)
def test_a_signed_commit_comes_into_force(signed: SignedCampaign) -> None:
    signed.start()
    signed.change()
    commit = signed.commit()

    signed.bot.watch()

    assert signed.in_force == {"one", "two"}
    assert signed.bot.store.contents.last_commit() == commit


@pytest.mark.parametrize("by", ["", "eve"])
@attack(
    Attacker.GIT,
    tried="a commit without a signature, or signed by a key that is not allowed",
    comes_of_it="the last good tree stays in force, and people are told",
)
def test_an_unsigned_commit_does_not_come_into_force(signed: SignedCampaign, by: str) -> None:
    signed.start()
    signed.change()
    signed.commit(by)

    signed.refused("is not signed by a key of signers")


@attack(
    Attacker.GIT,
    tried="a file is changed, added or taken away beside the signed commit",
    comes_of_it="bytes are compared with the commit's; none of it comes into force",
)
def test_uncommitted_changes_do_not_come_into_force(signed: SignedCampaign) -> None:
    signed.start()
    signed.change()
    signed.refused("not as in the signed commit")

    signed.git("checkout", "--quiet", ".")
    signed.bot.watch()
    extra = signed.campaign / "posts" / "extra.yaml"
    extra.write_text("posts:\n" + post("three", at=NINE))
    signed.refused("posts/extra.yaml")

    extra.unlink()
    (signed.campaign / "posts" / "main.yaml").unlink()
    signed.refused("posts/main.yaml")


@attack(
    Attacker.GIT,
    tried="an index that calls changed files unchanged (assume-unchanged, skip-worktree)",
    comes_of_it="the index is not asked",
)
def test_the_index_hides_nothing(signed: SignedCampaign) -> None:
    signed.start()
    signed.git("update-index", "--assume-unchanged", "posts/main.yaml")
    signed.change()

    signed.refused("not as in the signed commit")


@attack(
    Attacker.GIT,
    tried="the branch is put back to an older signed commit, with posts that were taken out",
    comes_of_it="a commit must follow the one in force",
)
def test_an_older_signed_commit_does_not_come_back(signed: SignedCampaign) -> None:
    signed.bot.write(post("one", at=NINE), post("wrong", at=NINE))
    old = signed.commit()
    signed.bot.start()
    signed.bot.write(post("one", at=NINE))
    signed.commit()
    signed.bot.watch()

    signed.git("reset", "--quiet", "--hard", old)

    signed.refused("does not follow")


@attack(
    Attacker.GIT,
    tried="a replacement object gives the signed commit another tree",
    comes_of_it="replacements of the repository do not count",
)
def test_replaced_objects_do_not_count(signed: SignedCampaign) -> None:
    signed.start()
    good = signed.git("rev-parse", "HEAD").strip()
    signed.change()
    bad = signed.commit("")
    signed.git("update-ref", "HEAD", good)
    signed.git("replace", good, bad)

    signed.refused("not as in the signed commit")


@attack(
    Attacker.GIT,
    tried="the list of allowed keys is in the repository, or others may write to it",
    comes_of_it="such a list is refused",
)
def test_the_list_of_keys_is_out_of_reach(signed: SignedCampaign) -> None:
    signed.start()
    signed.signers.chmod(0o666)
    signed.refused("others may write to")

    signed.signers.chmod(0o644)
    inside = signed.campaign / "signers"
    inside.write_text(signed.signers.read_text())
    signed.signers.unlink()
    signed.signers.symlink_to(inside)
    signed.refused("in the repository that it guards")


@attack(
    Attacker.GIT,
    tried="a commit signed by a key that was taken off the list since",
    comes_of_it="the list of now counts, and is looked at again when it changes",
)
def test_a_key_that_is_taken_away_counts_no_more(signed: SignedCampaign) -> None:
    signed.start()
    signed.change()
    signed.allow("eve")
    signed.commit("ann")
    signed.refused("is not signed by")

    signed.allow("eve", "ann")
    signed.bot.watch()

    assert signed.in_force == {"one", "two"}


def _hostile_config(signed: SignedCampaign, script: Path) -> None:
    for name in (
        "core.fsmonitor", "gpg.program", "gpg.ssh.program", "gpg.openpgp.program", "core.pager",
        "core.sshCommand", "core.editor", "gpg.ssh.defaultKeyCommand", "credential.helper",
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.external",
    ):  # fmt: skip
        signed.git("config", name, str(script))
    signed.git("config", "core.hooksPath", str(script.parent / "hooks"))
    signed.git("config", "gpg.ssh.allowedSignersFile", str(signed.folder / "hostile"))
    signed.git("config", "extensions.partialClone", "origin")
    signed.git("config", "remote.origin.promisor", "true")
    signed.git("config", "remote.origin.url", f"ext::{script}")
    signed.git("config", "protocol.ext.allow", "always")
    signed.git("config", "core.repositoryFormatVersion", "1")
    (signed.folder / "hostile").write_text(signed.signers.read_text().replace("ann", "eve"))


def _hostile_files(signed: SignedCampaign, script: Path) -> None:
    names = ("post-checkout", "post-merge")
    set_hooks(signed.campaign, script, *names, filters="filter=evil diff=evil")


@pytest.mark.parametrize("prepare", [_hostile_config, _hostile_files])
@attack(
    Attacker.GIT,
    tried="settings, hooks, filters and attributes of the repository name a program to run, or"
    " another list of keys",
    comes_of_it="none of them runs, and none decides: signatures are checked in a repository of"
    " our own over its objects",
)
def test_nothing_of_the_repository_runs(
    signed: SignedCampaign, prepare: Callable[[SignedCampaign, Path], None]
) -> None:
    signed.start()
    signed.change()
    signed.commit("eve")
    ran, script = write_script(signed.folder, "cat")
    prepare(signed, script)

    signed.refused("is not signed by")

    assert not ran.exists()


@attack(
    Attacker.SHELL,
    tried="variables of git in the environment lead to another repository or other settings",
    comes_of_it="git is started with an environment of its own",
)
def test_the_environment_does_not_lead_git_astray(
    signed: SignedCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.start()
    signed.change()
    signed.commit("eve")
    monkeypatch.setenv("GIT_DIR", str(signed.folder))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "gpg.ssh.program")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")

    signed.refused("is not signed by")


@attack(
    Attacker.GIT,
    tried="the program is started anew over files that nobody signed",
    comes_of_it="the last good tree comes into force again; without one it does not start",
)
def test_a_restart_takes_nothing_unsigned(signed: SignedCampaign) -> None:
    signed.start()
    signed.change()
    signed.commit("")

    signed.bot.restart()

    assert signed.in_force == {"one"}
