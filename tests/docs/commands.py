"""Commands that README.md and docs/ show, and what stands for what a reader replaces in them."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.authority.audit_head import row_line
from bot.authority.tables import StopReason
from bot.authority.users import Role
from bot.clock import SystemClock
from bot.operations.opening import open_store
from bot.public.record import record_of, signed_record
from tests.docs.tree import blocks, read
from tests.fakes.browser import PASSWORD
from tests.fakes.people import token_of, who_decides
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import APPROVERS, open_shipped, planned

SHELL = {"sh", "bash", "shell", "console"}
#: Blocks that are no commands.
OTHER = {"yaml", "mermaid", "layers", "text"}

#: How a command that is not run begins, and why it is not.
NOT_RUN = {
    "make run": "installs packages, into the environment that runs this test",
    "make test": "runs this test",
    "sudo install": "needs root, and writes below /etc",
    "docker compose": "needs Docker; `make image-check` runs the image without it",
    "docker buildx": "likewise; tests/setup/test_release.py reads what `make image` gives it",
    "docker run": "likewise",
    "docker inspect": "likewise",
    "make image": "likewise",
    "make sbom": "installs packages; tests/setup/test_release.py makes one",
    "git tag": "needs the key of whoever releases",
    "git push": "needs the repository's server",
    "git verify-tag": "needs a signed tag",
    "pg_dump": "needs PostgreSQL; tests/faults/test_restore_postgresql.py runs it",
    "pg_restore": "likewise",
    "python3 run_bot.py restore /backups/2026-12-08.dump": "likewise",
    "umask": "stands before it; the variable names a file of PostgreSQL",
    "python3 run_bot.py move": "needs PostgreSQL; tests/integration/test_moving.py runs it",
    "python3 run_bot.py publish-source": "needs a live account; test_live_run.py runs it on a PDS",
    "python3 run_bot.py archive pages": "calls others' servers; tests/evidence runs it",
    "python3 run_bot.py archive links": "likewise",
    "python3 run_bot.py archive link-copy": "needs a copy that the files name; tests/evidence",
    "python3 run_bot.py kit": "needs passages released for partners; `make image-check` does",
    "python3 run_bot.py login": "needs an account's server; tests/e2e/test_login.py runs it",
    "python3 run_bot.py hide-reply": "needs replies; tests/delivery/test_interactions.py",
    "python3 run_bot.py revoke-quote": "needs quotes; tests/delivery/test_interactions.py",
    "python3 run_bot.py probe": "needs an account's server; tests/contract runs it",
    "python3 run_bot.py user add anna": "needs the password typed in the line before; tests/cli",
    "python3 run_bot.py user pin": "needs a code of a passkey; tests/browser/test_passkeys.py",
    "VERBATIM_": "is a setting; tests/docs/test_settings_docs.py proves its name",
}
#: What readers replace by their own, and what stands for it here; names in braces are a
#: `Machine`'s.
STAND_INS = {
    "/backups/$": "{folder}/new-backups/$",
    "/srv/": "{folder}/",
    "/backups/2026": "{folder}/backups/2026",
    "--post open-air-prison": "--post {post}",
    "/backups/first": "{folder}/new-backups/first",
    "/backups/before": "{folder}/new-backups/before",
    "--log FILE --head HEAD --signer KEY": '--log {folder}/backups/log --head "$(cat'
    ' {folder}/backups/head)" --signer "$(cat {folder}/backups/key)"',
    "record.json": "{folder}/backups/record.json",
    "record.key": "{folder}/backups/key",
    "VERB": "check",
    " POST": " {post}",
    "ACCOUNT": "coalition-mastodon",
    "--days 30 --serve": "--days 2 --serve",
}
#: What ends only when it is told to: what it says when it is up, and how it is told.
SERVICES = {
    "python3 run_bot.py run": ('"running"', signal.SIGTERM),
    "python3 run_bot.py rehearse": ("The dashboard is at", signal.SIGINT),
}
#: Begin in a data directory of their own: a rehearsal's, and one for a live backup.
FRESH = {"python3 run_bot.py run": "fresh", "python3 run_bot.py restore": "restored"}
OPERATING = Path("docs/operating.md")


def shown(page: str) -> Iterator[str]:
    """Yield the commands of a page: lines of its blocks, and what its sentences say to run."""
    for language, text in blocks(page):
        lines = text.replace("\\\n", " ").splitlines() if language in SHELL else []
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            command = re.sub(r"(^|\s+)# .*", "", line).strip()
            if command:
                yield command
    yield from re.findall(r"`(python3 run_bot\.py [^`]+)`", page)


def hard_days() -> Iterator[tuple[str, list[str]]]:
    """Yield each block of "Hard days", by its heading and number: its commands belong together."""
    _, _, page = read(OPERATING).partition("\n## Hard days\n")
    for part in page.partition("\n## ")[0].split("\n### ")[1:]:
        shells = [text for language, text in blocks(part) if language in SHELL]
        for number, text in enumerate(shells):
            yield f"{part.splitlines()[0]} {number}", list(shown(f"```sh\n{text}\n```\n"))


HARD_DAYS = dict(hard_days())
IN_ORDER = {command for commands in HARD_DAYS.values() for command in commands}


def left_out(command: str) -> list[str]:
    return [start for start in NOT_RUN if command.startswith(start)]


def meant(command: str, folder: Path, post: str) -> str:
    """Return a command with what stands here for what its reader replaces."""
    for written, stand_in in STAND_INS.items():
        command = command.replace(written, stand_in.format(folder=folder, post=post))
    return command


def up_of(command: str) -> tuple[str, signal.Signals] | None:
    return next((told for start, told in SERVICES.items() if command.startswith(start)), None)


def campaign_at_work(folder: Path, backup: Path) -> str:
    """Plan, let a post go out and others be held, as of now; return that post."""
    now = datetime.now(UTC)
    with open_shipped(folder, start=now - timedelta(days=8), plans=False) as bot:
        bot.services.contents.refresh()
        # So far ahead that every post of a queue is yet to come.
        bot.services.planner.apply(bot.services.contents.rendered, days=200)
        first = planned(bot)[0]
        bot.approve(first.post_id, by=APPROVERS)
        bot.wait(now)
        bot.store.backup(backup)
        prove(bot, backup.parent)
        return first.post_id


def prove(bot: RunningBot, folder: Path) -> None:
    """Write what somebody outside proves: the log with its head, the public record, the key."""
    audit, campaign = bot.store.audit, bot.services.contents.campaign()
    record = record_of(bot.store, campaign, (), bot.clock.now(), with_every_source=True)
    (folder / "record.json").write_bytes(signed_record(record, audit.sign))
    rows = "".join(f"{row_line(row)}\n" for row in audit.raw())
    (folder / "log").write_text(rows, encoding="utf-8")
    (folder / "head").write_text(audit.signed_head(bot.clock.now()), encoding="utf-8")
    (folder / "key").write_text(audit.public_key(), encoding="utf-8")


def stop_accounts(data: Path) -> None:
    """Let every account be stopped, as after a stolen token, so that it can be resumed."""
    with closing(open_store(f"sqlite:///{data / 'rehearsal.db'}", create=False)) as store:
        for account in store.accounts.all():
            store.accounts.stop(account.name, StopReason.UNAUTHORIZED, "401", datetime.now(UTC))


def typed(start: Callable[[int], subprocess.Popen[str]]) -> tuple[int, str]:
    """Run a command in a terminal in which somebody types the password again and again.

    Who makes or removes users must have one. Each prompt throws away what was typed before it.
    """
    keyboard, terminal = pty.openpty()
    os.set_blocking(keyboard, False)
    done = threading.Event()

    def type_on() -> None:
        while not done.wait(0.2):
            with suppress(BlockingIOError):
                os.write(keyboard, f"{PASSWORD}\n".encode())

    fingers = threading.Thread(target=type_on)
    fingers.start()
    try:
        with start(terminal) as process:
            out, err = process.communicate(timeout=300)
    finally:
        done.set()
        fingers.join()
        os.close(keyboard)
        os.close(terminal)
    return process.returncode, out + err


def proof_for(command: str, data: Path) -> str:
    """Return a token of whoever decides here; at a terminal they would type their password."""
    name = who_decides(shlex.split(command))
    with closing(open_store(f"sqlite:///{data / 'rehearsal.db'}", create=False)) as store:
        operator = frozenset({Role.OPERATOR})
        return token_of(store, SystemClock(), name, operator) if name else ""
