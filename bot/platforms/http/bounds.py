"""A hard end to one call, and a bound on its answer, however slowly and long its bytes come."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

#: Longest answer that is read, packed or not; a page of forty statuses takes about 400 kB.
MAX_BODY = 4_000_000


class AnswerError(Exception):
    """An answer is too long, or is packed in a way that is not read."""


class CallDeadline:
    """Cuts the sockets of a call when its time is up.

    A library's read timeout starts anew with each byte, so a server that trickles could hold a
    worker past its lease. Looking a name up is not bounded; nothing has been sent by then.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False
        self._timer = threading.Timer(seconds, self.expire)
        self._timer.daemon = True

    def watch(self, sock: socket.socket) -> None:
        """Let this socket end with the call."""
        with self._lock:
            self._sockets.append(sock)
            if self._is_over:
                _shut(sock)

    def expire(self) -> None:
        """End the call now."""
        with self._lock:
            self._is_over = True
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


def read_body(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Read a body up to `MAX_BODY`, before and after its compression is undone.

    No compression is asked for, but some servers insist.

    Raises:
        AnswerError: it is longer, is damaged, or is packed otherwise.
    """
    body = _read(chunks)
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerError("packed in a way that was not asked for")
    unpacker = zlib.decompressobj(wbits=47)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise AnswerError("damaged compression") from error
    if len(plain) > MAX_BODY:
        raise AnswerError(f"longer than {MAX_BODY} bytes")
    if not unpacker.eof:
        raise AnswerError("compression that ends early")
    return plain


def _read(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            raise AnswerError(f"longer than {MAX_BODY} bytes")
    return bytes(body)
