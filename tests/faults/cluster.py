"""A bot over PostgreSQL, played step by step while its database does what it may do to it."""

from __future__ import annotations

import math
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExceptionContext

from bot.delivery.model import Delivery
from bot.errors import StoreError
from tests.fakes.faultproxy import Fault, FaultProxy
from tests.fakes.running_bot import AT_REST
from tests.faults.judged_bot import DUE_IN
from tests.faults.ledgers import Networks
from tests.faults.networks import PUBLISH
from tests.faults.prepared import (
    JumpClock,
    LeadingClock,
    PreparedBot,
    PreparedCampaign,
    prepare_campaign,
)
from tests.faults.reporting import judged_by_ledger
from tests.servers.postgres import PostgresServer
from tests.waiting import PATIENCE

#: Enough for every wait there is; who is not at rest by then is lost.
LONGEST = timedelta(hours=1)
LOCK = "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE"
_WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


class Replica(PreparedBot):
    """One bot with its data directory; an error of the database ends one step, not the bot.

    What a supervisor and a scheduler do is done here.
    """

    def __init__(
        self,
        campaign: PreparedCampaign,
        url: str,
        data: Path,
        world: Networks,
        clock: JumpClock,
        *,
        machine: str = "one",
    ) -> None:
        super().__init__(campaign, clock, url=url, data=data, machine=machine)
        self.world = world
        #: Steps and starts that ended in an error of the database.
        self.failed = 0
        self._services = self.build()

    @property
    def engine(self) -> Engine:
        return self.store.outbox._db.engine

    def hasten(self, setting: str, value: str) -> None:
        """Let every session of the bot wait for less long than it does."""

        @event.listens_for(self.engine, "connect")
        def set_it(connection: psycopg.Connection[Any], _record: object) -> None:
            connection.execute(f"SET {setting} = '{value}'")
            connection.commit()

        self.engine.dispose()

    def run(self, failed: float = math.inf) -> None:
        """Start and work until all is at rest, or so many steps have ended in errors."""
        while not self._succeeds(self.start):
            self.stop()
        self.go_on(failed)

    def go_on(self, failed: float = math.inf) -> None:
        end = self.clock.now() + LONGEST
        while self.failed < failed and self.clock.now() < end and not self._is_over():
            self.work()
            self._succeeds(self._wait)

    def work(self) -> None:
        """Work once through what is due now."""
        self._succeeds(self.services.beat)
        self._succeeds(self._work_accounts)

    def _work_accounts(self) -> None:
        for account in self.services.busy(self.clock.now()):
            self._succeeds(partial(self.services.work_account, account))

    def _wait(self) -> None:
        now = self.clock.now()
        self.clock.jump(self.store.outbox.next_wake(now) or now + timedelta(seconds=1))

    def _is_over(self) -> bool:
        rows: list[Delivery] = []
        self._succeeds(lambda: rows.extend(self.store.outbox.find()))
        return bool(rows) and all(row.state in AT_REST for row in rows)

    def _succeeds(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except StoreError:
            self.failed += 1
            return False
        return True

    def result(self) -> dict[str, Any]:
        """Hold the outbox against the ledger."""
        return judged_by_ledger(self.store.outbox.find(), self.world.taken())


class Trap:
    """Has another session lock what the bot wants next, and then want what the bot has locked."""

    def __init__(
        self, replica: Replica, rival: psycopg.Connection[Any], springs: Callable[[int], bool]
    ) -> None:
        self._rival, self._springs, self._locks = rival, springs, 0
        self._thread: threading.Thread | None = None
        self.deadlocks = 0
        engine = replica.engine
        event.listen(engine, "after_cursor_execute", self._look)
        event.listen(engine, "handle_error", self._count)

    @property
    def is_sprung(self) -> bool:
        return self._thread is not None

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(PATIENCE)
            assert not self._thread.is_alive()

    def _look(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FOR UPDATE" in statement and "delivery" in statement:
            self._locks += 1
            if self._springs(self._locks):
                self.join()
                self._spring()

    def _spring(self) -> None:
        # Who waits for longest is not the one to find it: the bot is to be the victim.
        self._rival.execute("SET deadlock_timeout = '1h'")
        self._rival.execute(LOCK.format("attempt"))
        self._thread = threading.Thread(target=self._want, daemon=True)
        self._thread.start()
        with psycopg.connect(self._rival.info.dsn, autocommit=True) as looking:
            while not looking.execute(_WAITS, (self._rival.info.backend_pid,)).fetchone():
                time.sleep(0.005)

    def _want(self) -> None:
        self._rival.execute(LOCK.format("delivery"))
        self._rival.rollback()

    def _count(self, context: ExceptionContext) -> None:
        self.deadlocks += isinstance(context.original_exception, psycopg.errors.DeadlockDetected)


_PIECE = 65_536


class CuttingProxy:
    """Counts turns: each is one message of a client, to which the server answers."""

    def __init__(self, port: int) -> None:
        self._server = port
        #: Since `count`.
        self.turns = 0
        #: Ever.
        self.cuts = 0
        self._cut_at, self._is_late, self._is_counting = 0, False, False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def count(self, cut_at: int = 0, *, is_late: bool = False) -> None:
        """Count from now on, and cut at one turn: before the server hears it, or once it has."""
        with self._lock:
            self.turns, self._cut_at, self._is_late = 0, cut_at, is_late
            self._is_counting = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        # Only that wakes the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        address = ("127.0.0.1", self._server)
        with client, suppress(OSError), socket.create_connection(address) as server:
            while self._turn(client, server):
                pass

    def _turn(self, client: socket.socket, server: socket.socket) -> bool:
        """Carry what one of the two says; False where the connection is over."""
        readable, _, _ = select.select([client, server], [], [])
        if server in readable:
            answer = server.recv(_PIECE)
            client.sendall(answer)
            return bool(answer)
        said = client.recv(_PIECE)
        if said and self._is_cut():
            self._end(server, said)
            return False
        server.sendall(said)
        return bool(said)

    def _is_cut(self) -> bool:
        with self._lock:
            self.turns += self._is_counting
            is_cut = self._is_counting and self.turns == self._cut_at
            self.cuts += is_cut
            return is_cut

    def _end(self, server: socket.socket, said: bytes) -> None:
        """Cut; where it is late, once the server has done what it was told."""
        if self._is_late:
            server.sendall(said)
            server.shutdown(socket.SHUT_WR)
            while server.recv(_PIECE):
                pass


class Cluster:
    """Gives each play a database of its own, and the campaign that all of them share."""

    def __init__(
        self, folder: Path, world: Networks, server: PostgresServer, template: str, accounts: str
    ) -> None:
        self.folder, self.world, self.server, self.template = folder, world, server, template
        self.proxies = {name: FaultProxy(world.origins[name]) for name in accounts}
        origins = {name: proxy.origin for name, proxy in self.proxies.items()}
        self.campaign = prepare_campaign(folder, origins)
        self._played = 0

    def spoil(self, account: str, happens: Callable[[], object]) -> None:
        """Let something happen while the next call to publish is in the air."""
        self.proxies[account].spoil(PUBLISH[account], Fault(meanwhile=happens))

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()

    @contextmanager
    def rival(self, replica: Replica) -> Iterator[psycopg.Connection[Any]]:
        """Open another session on a replica's database; what it locks it locks till it ends."""
        dsn = replica.url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(dsn) as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def replica(self, port: int = 0) -> Iterator[Replica]:
        """Build a bot that reaches its new database by that port."""
        self._played += 1
        self.world.forget()
        clock = LeadingClock(self.world.set_ahead)
        campaign = self.campaign.due_at(clock.now().replace(microsecond=0) + DUE_IN)
        with self.server.database(template=self.template) as url:
            reached = url.replace(f":{self.server.port}/", f":{port or self.server.port}/")
            data = self.folder / f"data-{self._played}"
            made = Replica(campaign, reached, data, self.world, clock)
            try:
                yield made
            finally:
                made.stop()
