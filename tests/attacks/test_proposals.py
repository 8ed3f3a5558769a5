"""Posts proposed on the desk, with the real git: reviewed on a branch, or nowhere; nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.content.branches import ProposalBranches, ProposedPost
from bot.content.repository import GitRepository
from bot.errors import DecisionError
from tests.attacks.attack import Attacker, attack
from tests.attacks.hostile_git import set_hooks, write_script
from tests.fakes.browser import PASSWORD, HttpBrowser, PageAnswer
from tests.fakes.repositories import Repositories, open_proposing
from tests.fakes.running_bot import START, RunningBot
from tests.fakes.shipped import serving
from tests.integration.store_rows import copied_database

WORDS = "They are our mothers and fathers, and they are our friends."
BRANCH = "proposal/they-are-our-mothers-and"
FILE = "posts/proposed/they-are-our-mothers-and.yaml"


@pytest.fixture(scope="module")
def bot(
    tmp_path_factory: pytest.TempPathFactory, review: Repositories, migrated_file: Path
) -> Iterator[RunningBot]:
    folder = tmp_path_factory.mktemp("desk")
    url = copied_database(migrated_file, folder / "data")
    with open_proposing(folder, review, url) as bot:
        yield bot


@pytest.fixture(autouse=True)
def as_it_was(bot: RunningBot, review: Repositories) -> Iterator[None]:
    """Take back what a test proposed, and what it changed in the checkout."""
    config = review.campaign / ".git" / "config"
    before, main = config.read_bytes(), review.git("rev-parse", "HEAD", at=".")
    yield
    config.write_bytes(before)
    review.git("reset", "--quiet", "--hard", main, at=".")
    for branch in review.refs.keys() - {"main"}:
        review.git("branch", "-D", branch)
    bot.watch()


def propose(bot: RunningBot, who: str = "edna", words: str = WORDS) -> PageAnswer:
    browser = HttpBrowser(bot.origin)
    if who:
        browser.sign_in(who)
    address = f"/sources/letter?words={quote(words)}"
    browser.get(address)
    return browser.post(
        address.replace("/letter?", "/letter/propose?"),
        {"password": PASSWORD, "yaml": "posts: [{id: forged}]", "author": "anna"},
    )


@attack(
    Attacker.EDITOR,
    tried="a proposal whose form has another post and another author",
    comes_of_it="the desk writes the post itself, in the name of who is signed in",
    remains="whoever merges a branch answers for it",
)
def test_an_editor_s_post_waits_on_a_branch_of_its_own(
    bot: RunningBot, review: Repositories
) -> None:
    main = review.refs["main"]

    answer = propose(bot)

    assert answer.status == 200, answer.text
    assert BRANCH in answer.text
    assert review.refs.keys() == {"main", BRANCH}
    assert review.refs["main"] == main
    assert review.git("diff", "--name-status", "main", BRANCH) == f"A\t{FILE}"
    text = review.git("show", f"{BRANCH}:{FILE}")
    assert WORDS in text
    assert 'author: "edna"' in text
    log = review.git("log", "-1", "--format=%an <%ae> %at %P", BRANCH)
    assert log == f"edna <desk@invalid> {START:%s} {main}"
    (row,) = bot.store.audit.about("they-are-our-mothers-and", "propose")[:1]
    assert (row.who, row.detail["commit"]) == ("edna", review.refs[BRANCH])
    # Nothing of it is in the checkout, and so nothing in force.
    assert review.git("status", "--porcelain", at=".") == ""
    assert review.git("branch", "--list", at=".") == "* main"


@attack(
    Attacker.EDITOR,
    tried="a proposal is merged without being read",
    comes_of_it="it is planned, and still waits for its approvals",
)
def test_what_is_merged_comes_into_force_and_waits_for_approval(
    bot: RunningBot, review: Repositories
) -> None:
    propose(bot, words="We welcome any questions.")

    review.git("pull", "--quiet", str(review.bare), "proposal/we-welcome-any-questions", at=".")
    bot.watch()

    post = bot.services.contents.campaign().post("we-welcome-any-questions")
    assert post
    assert post.author == "edna"


@attack(
    Attacker.EDITOR,
    tried="a second proposal takes the branch of the first",
    comes_of_it="no branch that is there is changed",
)
def test_a_post_is_not_proposed_twice(bot: RunningBot, review: Repositories) -> None:
    propose(bot)
    before = review.refs

    answer = propose(bot, "anna")

    assert answer.status == 409
    assert "was proposed before" in answer.text
    assert review.refs == before
    assert bot.store.audit.rows(1)[0].verb == "propose-failed"


@attack(
    Attacker.EDITOR,
    tried="a proposal on top of files with errors",
    comes_of_it="the whole tree is checked before the commit; nothing is sent",
)
def test_nothing_is_proposed_that_check_refuses(bot: RunningBot, review: Repositories) -> None:
    (review.campaign / "posts" / "broken.yaml").write_text("posts: [{id: broken}]\n")
    review.git("add", "posts", at=".")
    review.git("commit", "--quiet", "-m", "broken", at=".")

    answer = propose(bot)

    assert answer.status == 409
    assert "posts/broken.yaml" in answer.text
    assert review.refs.keys() == {"main"}


@attack(
    Attacker.EDITOR,
    tried="a proposal where the machine names no repository for them",
    comes_of_it="it is refused; no file of the campaign can allow it",
)
def test_the_desk_offers_it_only_where_the_operator_allows_it(bot: RunningBot) -> None:
    browser = HttpBrowser(bot.origin)
    browser.sign_in("edna")
    address = f"/sources/letter?words={quote(WORDS)}"
    assert "Propose this" in browser.get(address).text
    allowed = bot.dashboard
    bot._dashboard = replace(allowed, proposals=None)
    try:
        with serving(bot):
            other = HttpBrowser(bot.origin)
            other.sign_in("edna")
            assert "Propose this" not in other.get(address).text
            refused = propose(bot)
    finally:
        bot._dashboard = allowed
        bot.origin = browser.origin
    assert (refused.status, "VERBATIM_PROPOSALS" in refused.text) == (409, True)


@pytest.mark.parametrize(("who", "status"), [("", 401), ("vera", 403)])
@attack(
    Attacker.VISITOR,
    tried="a stranger, or a user who may only look, proposes a post",
    comes_of_it="they may not; no branch is made",
)
def test_who_may_not_write_proposes_nothing(
    bot: RunningBot, review: Repositories, who: str, status: int
) -> None:
    assert propose(bot, who).status == status
    assert review.refs.keys() == {"main"}


def _settings(review: Repositories, script: Path) -> None:
    for name in (
        "core.fsmonitor", "core.sshCommand", "core.editor", "gpg.program", "gpg.ssh.program",
        "credential.helper", "filter.evil.clean", "filter.evil.process", "alias.push",
        "alias.commit-tree", "alias.read-tree", "alias.rev-parse", "core.askPass",
        "uploadpack.packObjectsHook", "remote.review.receivepack",
    ):  # fmt: skip
        review.git("config", name, f"!{script}" if "alias" in name else str(script), at=".")
    review.git("config", "core.hooksPath", str(script.parent), at=".")
    review.git("config", "commit.gpgSign", "true", at=".")
    review.git("config", f"url.ext::{script}.insteadOf", str(review.bare), at=".")
    review.git("config", "protocol.ext.allow", "always", at=".")


def _hooks(review: Repositories, script: Path) -> None:
    names = ("pre-push", "pre-commit", "commit-msg", "post-commit", "prepare-commit-msg")
    set_hooks(review.campaign, script, *names, filters="filter=evil")


@pytest.mark.parametrize("prepare", [_settings, _hooks])
@attack(
    Attacker.GIT,
    tried="settings, aliases, hooks and filters of the campaign's repository wait for a proposal,"
    " to run a program or to send it elsewhere",
    comes_of_it="none of them runs or counts: the commit is made and pushed in a repository of our"
    " own, to the address that the machine names",
)
def test_nothing_of_the_repository_runs_when_a_post_is_proposed(
    bot: RunningBot, review: Repositories, tmp_path: Path,
    prepare: Callable[[Repositories, Path], None],
) -> None:  # fmt: skip
    ran, script = write_script(tmp_path, "exit 1")
    for hook in ("pre-push", "reference-transaction", "post-index-change"):
        (tmp_path / hook).symlink_to(script)
    prepare(review, script)

    answer = propose(bot)

    hooks = review.campaign / ".git" / "hooks"
    for left in hooks.glob("*"):
        left.unlink()
    (review.campaign / ".git" / "config").write_text("[core]\n")
    assert answer.status == 200, answer.text
    assert BRANCH in review.refs
    assert not ran.exists()


@attack(
    Attacker.EDITOR,
    tried="a user's name with line breaks, angle brackets and marks that turn the order",
    comes_of_it="the commit's author is one line, with all of it visible",
)
def test_an_author_s_name_forges_no_line_of_the_commit(
    bot: RunningBot, review: Repositories
) -> None:
    branches = bot.dashboard.proposals
    assert branches
    post = ProposedPost("x", b"posts: []\n", "Eve <anna@x>\ncommitter Anna\u202e", START)

    with branches.commit(post, branches.repository.head()) as proposal:
        proposal.push()

    raw = review.git("cat-file", "commit", "proposal/x")
    assert [line.split()[0] for line in raw.splitlines()[:4]] == [
        "tree", "parent", "author", "committer",
    ]  # fmt: skip
    assert "committer Verbatim desk <desk@invalid>" in raw
    assert r"author Eve anna@x\ncommitter Anna\u202e <desk@invalid>" in raw


@attack(
    Attacker.GIT,
    tried="the branch of a proposal is the one that is checked out; the repository that is"
    " proposed to is the one that content is read from",
    comes_of_it="nothing is proposed",
)
def test_a_proposal_never_reaches_what_is_in_force(bot: RunningBot, review: Repositories) -> None:
    repository = GitRepository(bot.tree.schedule, bot.tree.posts)
    post = ProposedPost("x", b"posts: []\n", "edna", START)
    head = repository.head()
    elsewhere = ProposalBranches(repository, str(review.bare))
    own = [review.campaign, review.campaign / ".git"]

    with pytest.raises(DecisionError, match="is checked out here"):
        elsewhere.commit(post, replace(head, branch="refs/heads/proposal/x")).__enter__()
    for address in own:
        with pytest.raises(DecisionError, match="names the repository that content is read from"):
            ProposalBranches(repository, str(address)).commit(post, head).__enter__()
    assert review.refs.keys() == {"main"}
