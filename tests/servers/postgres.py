"""A private PostgreSQL cluster on loopback for a run of tests, and stores on both databases."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bot.content.model import Account
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.conftest import require_tool
from tests.integration.store_rows import NO_ROOM, copied_database
from tests.servers import free_port

#: Tests prove what happens at a kill, not at a power cut; so no waiting for the disk.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running cluster; ``restart`` and friends are for tests of failing over."""

    directory: Path
    port: int
    programs: Path
    #: What is other than `_SETTINGS`.
    own: Mapping[str, str] = field(default_factory=dict)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self, *, mode: str = "fast") -> None:
        """Stop it: ``immediate`` is as good as pulling the plug."""
        self._ctl("stop", "-m", mode)

    def start(self) -> None:
        """Start it (again), on the same port."""
        settings = " ".join(
            f"-c {name}='{value}'" for name, value in (_SETTINGS | {**self.own}).items()
        )
        log = str(self.directory / "log")
        self._ctl("start", "-l", log, "-o", f"-p {self.port} {settings}")

    def run(self, statement: str, *, database: str = "postgres") -> None:
        """Run one statement as the owner of all, outside a transaction."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """Make a database, and drop it after use."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def call(self, program: str, *arguments: str) -> bytes:
        """Run one of its client programs on it as the owner of all; what it printed."""
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        command = [str(self.programs / program), *address, *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def _ctl(self, *arguments: str) -> None:
        data = str(self.directory / "cluster")
        program = str(self.programs / "pg_ctl")
        _run_as_postgres(program, "-D", data, "-w", "-t", "300", *arguments)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a cluster; skips where PostgreSQL is not installed (fails in CI)."""
    with cluster() as server:
        yield server


@contextmanager
def cluster(**settings: str) -> Iterator[PostgresServer]:
    """Start one that ends with the context; settings go before those of the tests."""
    programs = Path(require_tool("initdb")).resolve().parent
    directory = Path(tempfile.mkdtemp(prefix="verbatim-pg-"))
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")  # PostgreSQL refuses to run as root
    server = PostgresServer(directory, free_port(), programs, settings)
    try:
        make = (str(programs / "initdb"), "-D", str(directory / "cluster"), "-U", "postgres")
        _run_as_postgres(*make, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            if (
                server.directory / "cluster" / "postmaster.pid"
            ).exists():  # a test may have stopped it
                server.stop(mode="immediate")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Make an empty database, for one test."""
    with postgres_server.database() as url:
        yield url


def _run_as_postgres(*command: str) -> None:
    as_postgres = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    # Not captured: the server would keep the pipe open, and reading it would never end.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run((*as_postgres, *command), stdout=said, stderr=said, cwd="/")
        said.seek(0)
        assert done.returncode == 0, said.read().decode(errors="replace")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database that is not there yet (SQLite) or has no tables (PostgreSQL)."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'data' / 'live.db'}"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a SQLite database once; a copy of it is a new one, for a tenth of the time."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    open_store(f"sqlite:///{path}", create=True, room=NO_ROOM).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM sent_log")  # a copy has a log of its own
        connection.commit()
    return path


@pytest.fixture(scope="session")
def migrated_database(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Create a PostgreSQL database once, for the same reason; its name."""
    postgres_server.run("CREATE DATABASE template_of_tests")
    url = postgres_server.url("template_of_tests")
    directory = tmp_path_factory.mktemp("template")
    open_store(url, create=True, data=directory, room=NO_ROOM).close()
    postgres_server.run("DELETE FROM sent_log", database="template_of_tests")
    return "template_of_tests"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Make a database with all tables and nothing in them; every test on both kinds."""
    if request.param == "sqlite":
        yield copied_database(request.getfixturevalue("migrated_file"), tmp_path / "data")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("migrated_database")
    with server.database(template=template) as url:
        yield url


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """Open a new store that knows the account ``acc``."""
    opened = open_store(store_url, create=True, data=tmp_path / "data", room=NO_ROOM)
    opened.accounts.sync([Account("acc", "bluesky")], datetime(2026, 11, 1, tzinfo=UTC))
    yield opened
    opened.close()
