"""An RFC 3161 authority of a test's own: `openssl ts -reply` behind a loopback server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from tests.conftest import require_tool

_CONFIG = """\
[req]
distinguished_name = name
[name]
[tsa_extensions]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = CA:FALSE
[ca]
basicConstraints = critical,CA:TRUE
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
{certs}
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
"""


@dataclass(frozen=True, slots=True)
class Authority:
    address: str
    #: Certificates of its root, and its own.
    root: Path
    own: Path


def openssl(*words: str | Path) -> bytes:
    done = subprocess.run(
        [require_tool("openssl"), *map(str, words)], capture_output=True, check=True
    )
    return done.stdout + done.stderr


@contextmanager
def serving_authority(folder: Path, *, with_root: bool = False) -> Iterator[Authority]:
    """Serve it; with its root in its replies, their certificates are in no order."""
    folder.mkdir()
    certs = f"certs = {folder}/ca.pem" if with_root else ""
    config = folder / "openssl.cnf"
    config.write_text(_CONFIG.format(folder=folder, certs=certs))
    (folder / "serial").write_text("01")
    new = "req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", config, "-batch"
    openssl(*new, "-x509", "-extensions", "ca", "-subj", "/CN=Test root", "-days", "3650",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem")  # fmt: skip
    openssl(*new, "-subj", "/CN=Test authority", "-keyout", folder / "tsa.key",
            "-out", folder / "tsa.csr")  # fmt: skip
    openssl("x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "ca.pem", "-CAkey",
            folder / "ca.key", "-set_serial", "2", "-days", "3650", "-extfile", config,
            "-extensions", "tsa_extensions", "-out", folder / "tsa.pem")  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl("ts", "-reply", "-config", config, "-section", "own",
                    "-queryfile", folder / "query", "-out", folder / "reply")  # fmt: skip
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Authority(
            f"http://127.0.0.1:{server.server_port}/tsr", folder / "ca.pem", folder / "tsa.pem"
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
