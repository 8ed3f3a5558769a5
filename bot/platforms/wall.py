"""A hard end to one call, however slowly its bytes come."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wall:
    """Cuts the sockets of a call when its time is up.

    A library's read timeout starts anew with each byte, so a server that trickles could hold a
    worker past its lease. Looking a name up is not bounded; nothing has been sent by then.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_up = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def watch(self, sock: socket.socket) -> None:
        """Let this socket end with the call."""
        with self._lock:
            self._sockets.append(sock)
            if self._is_up:
                _shut(sock)

    def _cut(self) -> None:
        with self._lock:
            self._is_up = True
            for sock in self._sockets:
                _shut(sock)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()


def _shut(sock: socket.socket) -> None:
    # Of the plain class: SSLSocket.shutdown would take the TLS state from under a reading thread.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
