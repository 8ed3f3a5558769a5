"""Attacks on the records: a log that is cut or made anew, forged users and approvals, restores."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.authority.access import Access, Passwords
from bot.authority.audit import first_break
from bot.authority.audit_head import audit_key, read_head, sign_head
from bot.authority.signing_in import Visitor
from bot.authority.user_table import Passkey
from bot.authority.users import Role
from bot.cli.main import run
from bot.errors import DecisionError
from bot.operations.channels import channels_of
from tests.attacks.attack import Attacker, attack
from tests.fakes.loopback import Inbox
from tests.fakes.running_bot import NINE, START, RunningBot, post
from tests.fakes.shipped import WEAK, serving

PASSWORD = "four words are quite enough"


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Return a bot with an approved post and two users."""
    new_bot.start_approved(post("one", at=NINE))
    users = access(new_bot)
    users.add("ann", frozenset({Role.OPERATOR}), PASSWORD, by="op")
    users.add("eve", frozenset({Role.APPROVER, Role.OPERATOR}), PASSWORD, by="op")
    return new_bot


def access(bot: RunningBot) -> Access:
    return Access(bot.store, bot.clock, Passwords(WEAK))


def behind_its_back(bot: RunningBot, *statements: str) -> None:
    with closing(sqlite3.connect(bot.data / "live.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def made_anew(bot: RunningBot, folder: Path) -> list[str]:
    """Return what `audit verify` finds after the log was written anew with another second row."""
    head = read_head(bot.store.audit.signed_head(START))
    rows = bot.store.audit.rows()[::-1]
    behind_its_back(bot, "DELETE FROM audit")
    bot.store.audit.file.rename(folder / "hidden")
    for row in rows:
        why = "other words" if row.seq == 2 else row.why
        bot.store.audit.write(row.who, row.verb, row.subject, why=why, detail=row.detail,
                              now=row.at)  # fmt: skip
    assert first_break(bot.store.audit.raw()) is None
    assert bot.store.audit_problems() == []
    return bot.store.audit_problems([head])


@attack(
    Attacker.DATABASE,
    tried="the audit log is cut, edited and hashed anew from its first row",
    comes_of_it="any signed head of an earlier digest or alert shows it",
    remains="what happened since the last head that somebody kept",
)
def test_a_log_that_was_made_anew_differs_from_an_earlier_head(
    bot: RunningBot, tmp_path: Path
) -> None:
    [found] = made_anew(bot, tmp_path)

    assert "another one at the end" in found


@attack(
    Attacker.DATABASE,
    tried="the last rows of the log are cut off, or one is changed",
    comes_of_it="the copy beside the database shows it",
)
@pytest.mark.parametrize("statement", [
    "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "UPDATE audit SET who = 'eve' WHERE seq = 1",
])  # fmt: skip
def test_the_copy_beside_the_database_shows_a_cut(bot: RunningBot, statement: str) -> None:
    behind_its_back(bot, statement)

    assert re.match(r"row 1 is|row \d+ is another one in", bot.store.audit_problems()[0])


@attack(
    Attacker.DATABASE,
    tried="rows at the log's end are cut off while the bot stands still",
    comes_of_it="the next start brings them back from the copy",
)
def test_a_cut_log_is_brought_back_at_the_next_start(bot: RunningBot) -> None:
    head = bot.store.audit.head()
    bot.stop()
    behind_its_back(bot, "DELETE FROM audit WHERE seq > 1")

    bot.start()

    assert bot.store.audit.raw()[head[0] - 1]["sha256"] == head[1]
    assert bot.store.audit_problems() == []


@pytest.mark.parametrize(("statement", "found"), [
    ("INSERT INTO approval (fingerprint, post_id, by, note, sources, at, void_reason) SELECT"
     " fingerprint, post_id, 'mallory', '', sources, at, '' FROM approval LIMIT 1",
     "mallory approved one"),
    ("UPDATE approval SET sources = '{}', post_id = 'two' WHERE by = 'Ann'", "Ann approved two"),
    ("UPDATE user SET roles = 'approver operator' WHERE name = 'ann'", "the user ann"),
    ("UPDATE user SET password_hash = 'x' WHERE name = 'ann'", "the user ann"),
    ("INSERT INTO user SELECT 'mallory', roles, password_hash, feed_sha256, totp_secret,"
     " totp_step, recovery, created_at FROM user WHERE name = 'eve'", "the user mallory"),
    ("INSERT INTO token (sha256, user, label, created_at) VALUES ('x', 'ann', '', 0)",
     "the user ann"),
])  # fmt: skip
@attack(
    Attacker.DATABASE,
    tried="an approval, a user, a role, a password, a passkey or a token is forged in its table",
    comes_of_it="`audit verify` names each that the log does not confirm",
    remains="what a forged row does until somebody verifies",
)
def test_forged_rows_are_not_confirmed(bot: RunningBot, statement: str, found: str) -> None:
    assert bot.store.audit_problems() == []
    columns = (
        "name, roles, password_hash, feed_sha256, totp_secret, totp_step, recovery, created_at"
    )
    behind_its_back(bot, statement.replace("INTO user SELECT", f"INTO user ({columns}) SELECT"))

    [problem] = bot.store.audit_problems()

    assert found in problem


@attack(
    Attacker.DATABASE,
    tried="all users are deleted, so that the next one is the first, who needs no proof",
    comes_of_it="`audit verify` names each whom the log has and the database lacks",
    remains="what the new first user does until somebody verifies",
)
def test_users_who_were_deleted_are_missed(bot: RunningBot) -> None:
    known = [user.name for user in bot.store.users.all()]
    behind_its_back(bot, "DELETE FROM user")

    access(bot).add("mallory", frozenset({Role.OPERATOR}), PASSWORD, by="mallory")

    lacks = [f"the log has the user {name}, whom the database lacks" for name in known]
    assert bot.store.audit_problems() == lacks
    bot.restart()
    assert bot.store.audit_problems() == lacks


@attack(
    Attacker.DATABASE,
    tried="the public key of somebody's passkey is replaced",
    comes_of_it="`audit verify` names its user",
)
def test_a_changed_passkey_is_not_confirmed(bot: RunningBot) -> None:
    key = Passkey("id", "ann", "key", "https://desk.example", "cose", 0, START)
    access(bot).add_passkey(key)
    assert bot.store.audit_problems() == []

    behind_its_back(bot, "UPDATE passkey SET public_key = 'other'")

    assert bot.store.audit_problems() == ["the log does not confirm the user ann as they are"]


@attack(
    Attacker.DATABASE,
    tried="an approval that a changed source took back is made to count again",
    comes_of_it="the log has that it was taken back",
)
def test_an_approval_that_was_taken_back_stays_so(bot: RunningBot) -> None:
    bot.store.approvals.void(bot.store.approvals.standing()[:1], reason="changed", now=START)
    assert bot.store.audit_problems() == []

    behind_its_back(bot, "UPDATE approval SET voided_at = NULL")

    assert bot.store.audit_problems() == ["the log does not confirm that Ann approved one"]


def say(bot: RunningBot, *words: str) -> int:
    return run([*words, *bot.places])


@attack(
    Attacker.SHELL,
    tried="a backup from before a user was removed, or got another password, is restored",
    comes_of_it="the user stays removed, the log loses no row, and the restore leaves one",
)
def test_a_removed_user_does_not_come_back(
    bot: RunningBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "backup.db"
    bot.store.backup(backup)
    access(bot).remove("eve", by="ann")
    head = bot.store.audit.signed_head(START)
    bot.stop()

    assert say(bot, "restore", str(backup), "--mode", "live") == 0

    store = bot.store
    assert "eve" not in {user.name for user in store.users.all()}
    assert store.audit_problems([read_head(head)]) == []
    verbs = [row.verb for row in store.audit.rows()]
    assert verbs[:3] == ["restore", "recall", "user remove"]


@attack(
    Attacker.SHELL,
    tried="a backup from before a user signed out everywhere is restored, and with it the session "
    "and the calendar's address that ended so",
    comes_of_it="all sessions and such addresses of a backup are over",
)
def test_no_session_comes_back(bot: RunningBot, tmp_path: Path) -> None:
    eve = bot.dashboard.access.person("eve")
    assert eve
    session = bot.dashboard.sign_in.start("eve", Visitor()).session
    key = bot.dashboard.access.new_feed_key(eve)
    bot.store.backup(tmp_path / "backup.db")
    access(bot).sign_out_everywhere("eve", by="eve")
    bot.stop()

    assert say(bot, "restore", str(tmp_path / "backup.db"), "--mode", "live") == 0

    assert bot.dashboard.access.person("eve") == eve
    assert bot.dashboard.sign_in.person_of(session) is None
    assert bot.dashboard.access.person_of_feed(key) is None
    assert bot.store.audit_problems() == []


@attack(
    Attacker.SHELL,
    tried="an old copy of the database is put back by hand, without `restore`",
    comes_of_it="the next start takes it up as a restore",
)
def test_an_old_copy_is_taken_up_as_a_restore(bot: RunningBot, tmp_path: Path) -> None:
    bot.store.backup(tmp_path / "old.db")
    access(bot).set_password("eve", "four other words are enough", by="ann")

    bot.bring_back(tmp_path / "old.db")

    assert "eve" not in {user.name for user in bot.store.users.all()}
    assert bot.store.audit_problems() == []


@attack(
    Attacker.NETWORK,
    tried="somebody who has no access verifies an exported log against a head from a mail",
    comes_of_it="the signature and each row are proved offline; another key, none, or a changed row"
    " is refused",
)
def test_a_stranger_verifies_offline(
    bot: RunningBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, key = bot.store.audit.signed_head(START), bot.store.audit.public_key()
    exported = tmp_path / "log.jsonl"
    assert say(bot, "audit", "export", str(exported)) == 0
    stranger = ["audit", "verify", "--log", str(exported), "--head", head, "--signer"]

    assert run([*stranger, key]) == 0
    assert run([*stranger, "0" * 64]) == 1
    assert run(stranger[:-1]) == 2
    lines = exported.read_text(encoding="utf-8").splitlines()
    assert '"export"' in lines[-1]
    exported.write_text("\n".join(lines[2:]))
    assert run([*stranger, key]) == 1
    assert "row 1 is not what was written" in capsys.readouterr().out


@pytest.mark.parametrize("line", [
    "[]", "5", '{"seq": 1}', '{"seq": Infinity, "at": "2026-01-01"}', "[" * 100_000,
    lambda row: {**row, "why": None}, lambda row: {**row, "detail": "[]"},
    lambda row: {**row, "detail": "{"}, lambda row: {**row, "seq": 1.0},
    lambda row: {**row, "at": "0001-01-01T00:00:00+14:00"},
    lambda row: {name: value for name, value in row.items() if name != "previous"},
])  # fmt: skip
@attack(
    Attacker.SHELL,
    tried="lines of an exported log, or of the copy beside the database, are no rows, or half ones",
    comes_of_it="the log is broken there, and neither a restore nor a start trips over them",
)
def test_what_is_no_row_is_a_break(
    bot: RunningBot, tmp_path: Path, line: str | Callable[[dict[str, Any]], object]
) -> None:
    first, *rows = bot.store.audit.file.read_text(encoding="utf-8").split("\n")
    written = line if isinstance(line, str) else json.dumps(line(json.loads(first)))
    changed = tmp_path / "log.jsonl"
    changed.write_text("\n".join([written, *rows]))

    assert run(["audit", "verify", "--log", str(changed)]) == 1

    shutil.copy(changed, bot.store.audit.file)
    assert bot.store.audit_problems()
    bot.restart()


@attack(
    Attacker.NETWORK,
    tried="a head is forged, shortened, or signed by a key of one's own",
    comes_of_it="it is refused",
)
def test_a_forged_head_is_refused(bot: RunningBot, tmp_path: Path) -> None:
    head, key = bot.store.audit.signed_head(START), bot.store.audit.public_key()
    own = sign_head(tmp_path / "own.key", (3, "0" * 64), START)

    for forged in (own, head.replace("audit-head:", "audit-head:1"), head[:-4], "", "x:" * 5):
        with pytest.raises(DecisionError, match="not signed by the key"):
            read_head(forged, key)
    assert read_head(head, key).rows == bot.store.audit.head()[0]


@attack(
    Attacker.SHELL,
    tried="another user of the machine reads the key that signs heads, or the copy of the log",
    comes_of_it="both are mode 0600; a key that others may read signs nothing",
    remains="who is the bot's own user can sign",
)
def test_the_key_is_private(bot: RunningBot) -> None:
    key = bot.data / "audit.key"
    for path in (key, bot.store.audit.file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    key.chmod(0o644)

    with pytest.raises(Exception, match="others may read"):
        audit_key(key)


@attack(
    Attacker.DATABASE,
    tried="people learn of a changed log too late",
    comes_of_it="each alert and each digest ends with a signed head of the log",
)
def test_alerts_end_with_a_signed_head(bot: RunningBot) -> None:
    bot.desk.pause("x", by="ann")
    with Inbox() as inbox:
        bot.services.channels = channels_of((inbox.address,))

        bot.services.notifier.run()

    head = read_head(inbox.texts[0].rpartition("\n\n")[2], bot.store.audit.public_key())
    assert (head.rows, head.sha256) == bot.store.audit.head()


@attack(
    Attacker.SHELL,
    tried="a backup is read by whoever finds it, or changed",
    comes_of_it="`backup --encrypt-to KEY` opens with that key alone, and shows each change",
)
def test_an_encrypted_backup_opens_with_its_key_alone(bot: RunningBot, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# made today\n{key}\n")
    (tmp_path / "other").write_text(str(other))
    backup = tmp_path / "backup.age"
    to = str(key.to_public())

    assert say(bot, "backup", str(backup), "--encrypt-to", to) == 0

    assert b"SQLite" not in backup.read_bytes()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert not list(bot.data.glob("tmp*"))
    bot.stop()
    restore = ("restore", str(backup), "--mode", "live", "--identity")
    assert say(bot, *restore, str(tmp_path / "other")) == 1
    assert say(bot, *restore, str(tmp_path / "key")) == 0
    assert bot.rows("one")
    backup.write_bytes(backup.read_bytes()[:-1])
    bot.stop()
    assert say(bot, *restore, str(tmp_path / "key")) == 1


@attack(
    Attacker.SHELL,
    tried="backups, exports and refused requests go unseen",
    comes_of_it="each leaves a row with what it was",
)
def test_backups_and_exports_leave_rows(bot: RunningBot, tmp_path: Path) -> None:
    assert say(bot, "backup", str(tmp_path / "b.db")) == 0
    assert say(bot, "export", str(tmp_path / "out")) == 0

    assert [(row.verb, row.subject) for row in bot.store.audit.rows(limit=2)] == [
        ("export", "out"), ("backup", "b.db")
    ]  # fmt: skip


@attack(
    Attacker.APPROVER,
    tried="somebody tries on the desk what their role may not, again and again",
    comes_of_it="each refusal leaves a row with their name",
)
def test_refusals_leave_rows(bot: RunningBot, may_sleep: None) -> None:
    bot.dashboard.access.passwords.hasher = WEAK
    access(bot).add("vic", frozenset({Role.VIEWER}), PASSWORD, by="ann")
    with serving(bot):
        browser = bot.browser()
        browser.sign_in("vic", PASSWORD)

        assert browser.post("/pause", {"reason": "x"}).status == 403

    row = bot.store.audit.rows(limit=1)[0]
    assert (row.who, row.verb, row.subject) == ("vic", "refused", "/pause")


@attack(
    Attacker.SHELL,
    tried="the program dies between a decision and its copy, or tears the copy's last line",
    comes_of_it="the next decision writes what the copy lacks",
)
def test_a_torn_copy_is_completed(bot: RunningBot) -> None:
    file = bot.store.audit.file
    bot.stop()
    file.write_bytes(file.read_bytes()[:-30])

    bot.desk.pause("x", by="ann")

    seqs = {json.loads(line)["seq"] for line in file.read_text().split("\n") if line.endswith("}")}
    assert seqs == {row.seq for row in bot.store.audit.rows()}
    assert bot.store.audit_problems() == []


@attack(
    Attacker.DATABASE,
    tried="a user or an approval is forged, or the log is changed or cut, and nobody looks",
    comes_of_it="the service verifies its log once a day, all of it once a week, and tells people",
    remains="what a forged row does within the day; an old row of the log within the week",
)
@pytest.mark.parametrize(
    ("statement", "looks"),
    [
        ("UPDATE user SET roles = '[\"operator\"]' WHERE name = 'eve'", 1),
        ("UPDATE approval SET post_id = 'two'", 1),
        ("UPDATE audit SET why = 'x' WHERE seq = (SELECT max(seq) FROM audit)", 1),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", 1),
        ("UPDATE audit SET why = 'x' WHERE seq = 2", 7),
    ],
)
def test_the_service_verifies_its_own_log(bot: RunningBot, statement: str, looks: int) -> None:
    inspector = bot.services.inspector
    inspector.run()
    bot.store.audit.write("ann", "resume", "sending", now=START)
    assert not bot.services.status().errors
    behind_its_back(bot, statement)

    for _day in range(looks):
        assert not inspector.forged
        inspector.run()

    told = [matter for matter in bot.services.status().errors if matter.key.startswith("forged")]
    assert [matter.command for matter in told] == ["audit verify"]
