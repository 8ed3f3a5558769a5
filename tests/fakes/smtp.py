"""A mail server on loopback that takes every message and keeps it."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self, cast


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                raw = b"".join(line.removeprefix(b".") for line in lines)
                cast(MailServer, self.server).raw.append(raw)
            self.wfile.write(b"250 ok\r\n" if word != b"QUIT" else b"221 bye\r\n")


class MailServer(socketserver.ThreadingTCPServer):
    """Serves until closed."""

    daemon_threads = True

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Session)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Return what Apprise sends mail to."""
        port = self.server_address[1]
        return (
            f"mailto://127.0.0.1:{port}?from=bot@a.example&to=us@a.example&name=bot&mode=insecure"
        )

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()
