"""Attacks on what lies around: files, command lines, connections, and what the image is made of."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.cli.main import VERBS, root
from bot.db.database import parse_url
from bot.engagement.export import export
from bot.errors import StoreError
from bot.settings.private import write_private
from tests.attacks.attack import Attacker, attack
from tests.conftest import ROOT
from tests.fakes.running_bot import RunningBot

_PINNED = re.compile(r"[^@]+@[0-9a-f]{40}( |$)")
_SECRET = re.compile(r"password|token|secret|key|dsn|database", re.IGNORECASE)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("address", [
    "db.example/v", "db.example/v?sslmode=require", "db.example/v?sslmode=verify-ca",
    "10.0.0.7/v", "localhost/v?host=db.example", "localhost/v?hostaddr=10.0.0.7",
    "localhost,db.example/v", "/v?service=localhost", "localhost.evil.example/v", "[2001:db8::1]/v",
])  # fmt: skip
@attack(
    Attacker.NETWORK,
    tried="PostgreSQL is reached over a network without TLS, or with TLS that proves no name",
    comes_of_it="the address is refused before a connection is made, and says what to add",
)
def test_a_database_over_the_network_needs_a_proved_server(address: str) -> None:
    with pytest.raises(StoreError, match="sslmode=verify-full"):
        parse_url(f"postgresql+psycopg://u:p@{address}")


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
@attack(
    Attacker.NETWORK,
    tried="the environment leads the PostgreSQL client to another host than the address names",
    comes_of_it="its variables count as the address does",
)
def test_the_clients_own_variables_count(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "db.example")

    with pytest.raises(StoreError, match="sslmode=verify-full"):
        parse_url("postgresql+psycopg://u@/v")


@pytest.mark.parametrize("address", [
    "127.0.0.1:5432/v", "localhost/v", "[::1]/v", "/v?host=/var/run/postgresql", "/v",
    "db.example/v?sslmode=verify-full",
])  # fmt: skip
@attack(
    Attacker.NETWORK,
    tried="PostgreSQL on this machine, or beyond it with sslmode=verify-full",
    comes_of_it="these alone are connected to",
)
def test_this_machine_and_proved_servers_are_taken(address: str) -> None:
    assert parse_url(f"postgresql+psycopg://u:p@{address}")


@attack(
    Attacker.SHELL,
    tried="another user of the machine reads exports, reports and backups",
    comes_of_it="each is mode 0600, in a folder of mode 0700, whatever the umask was",
)
def test_what_is_written_for_people_is_private(
    open_umask: None, bot: RunningBot, tmp_path: Path
) -> None:
    export(bot.store, tmp_path / "out")
    bot.store.backup(tmp_path / "backups" / "today.db")

    for folder in (tmp_path / "out", tmp_path / "backups"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


@attack(
    Attacker.SHELL,
    tried="a link is put where a report will be written, or an old report is readable by all",
    comes_of_it="the link is replaced and not followed; the new file is private",
)
def test_a_link_in_the_place_of_a_report_is_replaced(tmp_path: Path) -> None:
    victim, report, old = (tmp_path / name for name in ("victim", "report.html", "old.html"))
    victim.write_text("kept")
    report.symlink_to(victim)
    old.write_text("old")
    old.chmod(0o644)

    write_private(report, "numbers")
    write_private(old, "numbers")

    assert victim.read_text() == "kept"
    assert not report.is_symlink()
    assert {stat.S_IMODE(each.stat().st_mode) for each in (report, old)} == {0o600}


def options() -> Iterator[tuple[str, click.Parameter]]:
    """Return every option and argument of every verb."""

    def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
        yield from ((name, each) for each in command.params)
        if isinstance(command, click.Group):
            for inner, each in command.commands.items():
                yield from walk(f"{name} {inner}", each)

    for verb in VERBS:
        found = root.get_command(click.Context(root), verb)
        assert found
        yield from walk(verb, found)


@attack(
    Attacker.SHELL,
    tried="another user of the machine reads the process list",
    comes_of_it="no verb takes a secret on its command line, only by file, prompt or variable",
)
def test_no_verb_takes_a_secret_on_its_command_line() -> None:
    named = [
        f"{verb} {each.name}"
        for verb, each in options()
        if _SECRET.search(str(each.name)) and not isinstance(each.type, click.Path)
    ]

    assert named == []


@attack(
    Attacker.SHELL,
    tried="commands that our docs and workflows show put a token or password into the process list",
    comes_of_it="they hand secrets over in files and variables",
)
def test_no_command_that_we_show_has_a_secret_in_it() -> None:
    shown = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md", *ROOT.glob(".github/**/*.yml")]
    bad = re.compile(
        r"git -c \S*extraheader|--password[= ](?!-)|(?:pg_dump|pg_restore|psql)\b.*(?:\$URL|://)"
    )

    found = {path.name: bad.findall(path.read_text(encoding="utf-8")) for path in shown}

    assert not any(found.values()), found


@attack(
    Attacker.NETWORK,
    tried="a tag of the base image or of a workflow's action is moved to hostile bytes",
    comes_of_it="both are named by digest or commit; a moved tag changes nothing",
    remains="the bytes that were pinned are trusted",
)
def test_the_base_image_and_actions_are_pinned() -> None:
    bases = re.findall(
        r"^(?:ARG BASE=|FROM )(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    used = [
        line
        for path in ROOT.glob(".github/workflows/*")
        for line in re.findall(r"uses:\s*(.+)", path.read_text(encoding="utf-8"))
    ]

    assert all("@sha256:" in base or base == "${BASE}" for base in bases)
    assert all(_PINNED.match(line) for line in used)
