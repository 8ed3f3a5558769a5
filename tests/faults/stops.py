"""Stops a sender in the middle of a request, or of its answer, and lets it go on much later.

``python -m tests.faults.stops x --port P --template T`` prints one line of JSON. Meanwhile another
replica is at work on the same PostgreSQL, and ten minutes pass.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.log import configure
from tests.faults.cluster import Replica
from tests.faults.judged_bot import DUE_IN
from tests.faults.ledgers import Networks, networks
from tests.faults.networks import PUBLISH
from tests.faults.prepared import JumpClock, prepare_campaign, write_down
from tests.faults.reporting import total
from tests.servers.postgres import PostgresServer

#: Longer than the lease, shorter than `not_after`.
AWAY = timedelta(minutes=10)
#: What a platform may take to let us in, and to answer, for a start.
CALL = timedelta(seconds=0.5)
#: Real time that it stands still, in such limits: longer than the whole of a call may take.
PAUSE = 3


class Bytes:
    """Counts what goes over the connection of the first call to publish; stops this very process.

    Only for a forked child: nothing of it is ever taken back.
    """

    def __init__(self, account: str, way: str, at: int) -> None:
        self._first = re.compile(PUBLISH[account].encode())
        self._at = {"up": 0, "down": 0, way: at}
        self.seen = {"up": 0, "down": 0}
        self._socket: socket.socket | None = None

    def watch(self) -> None:
        for name in ("send", "sendall"):
            setattr(socket.socket, name, self._sending(getattr(socket.socket, name)))
        recv, recv_into = socket.socket.recv, socket.socket.recv_into

        def received(sock: socket.socket, size: int, *args: Any) -> bytes:
            got = recv(sock, min(size, self._room(sock, size)), *args)
            self._pass(sock, "down", len(got))
            return got

        def received_into(sock: socket.socket, buffer: Any, size: int = 0, *args: Any) -> int:
            size = size or len(buffer)
            got = recv_into(sock, buffer, self._room(sock, size), *args)
            self._pass(sock, "down", got)
            return got

        socket.socket.recv = received  # type: ignore[assignment,method-assign] # as it is called
        socket.socket.recv_into = received_into  # type: ignore[assignment,method-assign] # in a child that ends with its run

    def _sending(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def sent(sock: socket.socket, data: Any, *args: Any) -> Any:
            data = bytes(data)
            if self._socket is None and self._first.match(data):
                self._socket = sock
            size = self._at["up"] - self.seen["up"] if sock is self._socket else 0
            if 0 < size < len(data):
                call(sock, data[:size], *args)
                self._pass(sock, "up", size)
                rest = call(sock, data[size:], *args)
                return None if rest is None else rest + size
            done = call(sock, data, *args)
            self._pass(sock, "up", len(data) if done is None else done)
            return done

        return sent

    def _room(self, sock: socket.socket, size: int) -> int:
        """Return how much may be read until the process is to stop."""
        left = self._at["down"] - self.seen["down"]
        return min(size, left) if sock is self._socket and left > 0 else size

    def _pass(self, sock: socket.socket, way: str, size: int) -> None:
        if sock is not self._socket or not size:
            return
        self.seen[way] += size
        if self.seen[way] == self._at[way]:
            os.kill(os.getpid(), signal.SIGSTOP)


class WorldClock(JumpClock):
    """A clock that jumps for all processes at once, and also for one that stands still."""

    def __init__(self, world: Networks) -> None:
        self._world = world
        super().__init__(tell=world.set_ahead)

    @property
    def ahead(self) -> timedelta:
        return self._world.ahead

    @ahead.setter
    def ahead(self, to: timedelta) -> None:
        self._world.set_ahead(to)


class Stops:
    """One account, one replica that is stopped, and another one."""

    def __init__(self, account: str, folder: Path, world: Networks, server: PostgresServer,
                 template: str) -> None:  # fmt: skip
        self.account, self.folder, self.world = account, folder, world
        self.server, self.template = server, template
        self.campaign = prepare_campaign(folder, {account: world.origins[account]})
        self._call = CALL
        self._lives = 0

    def stop(self, way: str, at: int) -> dict[str, Any]:
        """Live once, stopped after so many bytes.

        Where the machine was so slow that the call ended before, the next one may take longer.
        """
        lived = self.live(way, at)
        while not lived["stopped"] and self._call < 64 * CALL:
            self._call *= 2
            lived = self.live(way, at)
        return lived

    def live(self, way: str = "up", at: int = 0) -> dict[str, Any]:
        """Live once, stopped after so many bytes at most; never where that is 0."""
        self._lives += 1
        self.world.forget()
        self.world.set_ahead(timedelta(0))
        clock = WorldClock(self.world)
        short = {"connect_timeout": self._call, "read_timeout": self._call}
        campaign = replace(self.campaign, settings=self.campaign.settings.model_copy(update=short))
        campaign = campaign.due_at(datetime.now(UTC).replace(microsecond=0) + DUE_IN)
        with self.server.database(template=self.template) as url:
            rival = Replica(campaign, url, self.folder / f"rival-{self._lives}", self.world, clock)
            rival.start()
            pid = os.fork()
            if pid == 0:
                data = self.folder / f"data-{self._lives}"
                self._child(Replica(campaign, url, data, self.world, clock), way, at)
            is_stopped = self._wait(pid, rival)
            counted = rival.result()
            rival.stop()
        return {**counted, "stopped": is_stopped}

    def _child(self, one: Replica, way: str, at: int) -> None:
        code = 1
        try:
            count = Bytes(self.account, way, at)
            count.watch()
            one.run()
            write_down(self.folder / "seen", count.seen)
            code = 0
        except Exception:  # noqa: BLE001 - told, and the exit code says so
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, pid: int, rival: Replica) -> bool:
        """Let the child live, stop, and go on; meanwhile the other replica does what it may."""
        _, status = os.waitpid(pid, os.WUNTRACED)
        is_stopped = os.WIFSTOPPED(status)
        if is_stopped:
            rival.work()
            self.world.set_ahead(self.world.ahead + AWAY)
            for _ in range(5):
                rival.work()
                time.sleep(PAUSE * self._call.total_seconds() / 5)
            os.kill(pid, signal.SIGCONT)
            _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status):
            raise AssertionError(f"the stopped one failed: {status}")
        return is_stopped


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("account", choices=list(PUBLISH))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--template", required=True)
    parser.add_argument("--cuts", type=int, default=1, help="in each of the two directions")
    given = parser.parse_args()
    configure(form="json", level="CRITICAL")
    server = PostgresServer(Path(), given.port, Path())
    with tempfile.TemporaryDirectory() as made, networks(Path(made)) as world:
        world.order("quirk", account="m", ignores_key=True)  # a second copy would show
        stops = Stops(given.account, Path(made), world, server, given.template)
        stops.live()
        seen = json.loads((Path(made) / "seen").read_text())
        lives = [
            stops.stop(way, max(1, int(seen[way] * (cut + 0.5) / given.cuts)))
            for way in ("up", "down")
            for cut in range(given.cuts)
        ]
    injected = sum(life["stopped"] for life in lives)
    sys.stdout.write(json.dumps({**total(*lives), "injected": injected}) + "\n")


if __name__ == "__main__":
    main()
