"""Where a process can die: at SQL, commits, file and socket calls; it counts, and dies at one."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NAMES = frozenset({"os.rename", "os.remove", "os.mkdir"})


class Boundaries:
    """Counts from 1; kills this very process when the count comes to ``die_at``.

    Only for a forked child that ends with its run: nothing of it is ever taken back.
    """

    def __init__(self, die_at: int = 0, look: Callable[[str], None] | None = None) -> None:
        self.die_at = die_at
        #: What each boundary was, in order.
        self.passed: list[str] = []
        #: Called at each, once it is noted.
        self._look = look
        self._is_on = True

    def step(self, what: str) -> None:
        """Pass one boundary, or die at it."""
        if not self._is_on:
            return
        self.passed.append(what)
        if self._look is not None:
            self._look(what)
        if len(self.passed) == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def stop(self) -> None:
        self._is_on = False

    def _is_last(self) -> bool:
        return self._is_on and len(self.passed) + 1 == self.die_at

    def watch(self) -> None:
        """Begin to count."""
        self._watch_sql()
        self._watch_files()
        self._watch_sockets()

    def _watch_sql(self) -> None:
        def before(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            self.step(f"sql: {' '.join(statement.split())[:60]}")

        def commit(_connection: object) -> None:
            self.step("sql: before the commit")

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "commit", commit)

    def _watch_files(self) -> None:
        write, fsync = os.write, os.fsync

        def torn_write(descriptor: int, data: bytes) -> int:
            self.step("file: before a write")
            if self._is_last():
                write(descriptor, data[: len(data) // 2])
            self.step("file: in the middle of a write")
            return write(descriptor, data)

        def stepped_fsync(descriptor: int) -> None:
            self.step("file: before an fsync")
            fsync(descriptor)
            self.step("file: after an fsync")

        os.write, os.fsync = torn_write, stepped_fsync  # type: ignore[assignment] # buffers are bytes here
        sys.addaudithook(self._hear)

    def _hear(self, name: str, args: tuple[Any, ...]) -> None:
        if name in _NAMES or (name == "open" and isinstance(args[2], int) and args[2] & _WRITES):
            self.step(f"file: {name}")

    def _watch_sockets(self) -> None:
        for name in ("connect", "recv", "recv_into"):
            _wrap(name, lambda call, name: self._around(call, name))
        for name in ("send", "sendall"):
            _wrap(name, self._in_pieces)

    def _around(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def stepped(sock: socket.socket, *args: Any) -> Any:
            self.step(f"socket: before {name}")
            answer = call(sock, *args)
            self.step(f"socket: after {name}")
            return answer

        return stepped

    def _in_pieces(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def stepped(sock: socket.socket, data: Any, *args: Any) -> Any:
            self.step(f"socket: before {name}")
            if self._is_last():
                call(sock, bytes(data)[: len(data) // 2], *args)
            self.step(f"socket: in the middle of {name}")
            answer = call(sock, data, *args)
            self.step(f"socket: after {name}")
            return answer

        return stepped


def _wrap(name: str, around: Callable[[Callable[..., Any], str], Callable[..., Any]]) -> None:
    setattr(socket.socket, name, around(getattr(socket.socket, name), name))
