"""A real Bluesky PDS with its AppView (@atproto/bsky) on PostgreSQL, one for all tests of a run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.servers import ending, free_port
from tests.servers.pds import HOME, Pds, find_node, install, where
from tests.servers.postgres import PostgresServer


@dataclass(frozen=True, slots=True)
class Network:
    """A running PDS and the AppView that counts what its accounts do."""

    pds: Pds
    #: Origin of the AppView.
    appview: str


@pytest.fixture(scope="session")
def pds_with_appview(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Start all of it; a PDS that is asked for numbers hands on to its own AppView."""
    runtime = find_node()
    install(runtime)
    log = tmp_path_factory.mktemp("appview") / "log"
    ports = [str(free_port()) for _ in range(3)]
    with postgres_server.database() as url, log.open("wb") as errors:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        process = subprocess.Popen(
            [str(runtime.program), "--require", "./loopback.cjs", "start-appview.mjs", *ports],
            cwd=HOME,
            env={**runtime.env(), "DB_POSTGRES_URL": plain},
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        with ending(process):
            at = where(process, log)
            yield Network(Pds(at["pds"]), at["appview"])
