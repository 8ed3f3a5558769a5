"""A proxy before PostgreSQL that counts what its clients say, and cuts one of them off."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import Self

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
