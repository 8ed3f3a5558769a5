"""The program in processes that are forked from one that has imported all of it.

Importing takes longer than most verbs do; what depends on the start of Python itself is tested by
starting ``sys.executable``. At its top this file imports nothing that takes time: it is also the
``python3`` of a shell, run by a Python without its ``site``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

#: The most bytes of a request: words, folder and environment.
_SIZE = 1 << 17


def serve(place: str, root: str) -> None:
    """Run the program of this folder for each who connects, until standard input ends."""
    import select

    sys.path[0] = root
    _import_all()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(place)
        listener.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork():
                    with suppress(ChildProcessError):
                        while os.waitpid(-1, os.WNOHANG)[0]:
                            pass  # those that ended since
                    continue
                listener.close()
                _fork_program(connection)
            from bot.cli.main import main

            main()


def _import_all() -> None:
    import gc
    import importlib
    import pkgutil

    import bot

    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.startswith("bot.db.migrations."):  # only Alembic can
            importlib.import_module(module.name)
    gc.freeze()  # so that a child copies less


def _fork_program(connection: socket.socket) -> None:
    """Return in the program's own process; the one above it tells how that ended."""
    message, handed, _, _ = socket.recv_fds(connection, _SIZE, 3)
    if not (pid := os.fork()):
        _become(json.loads(message), handed)
        return
    for each in handed:
        os.close(each)
    with suppress(BrokenPipeError):
        _, status = os.waitpid(pid, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: Mapping[str, Any], handed: Sequence[int]) -> None:
    """Take over what a new process has from the one that starts it."""
    import random
    import time

    for number, each in enumerate(handed):
        os.dup2(each, number)
        os.close(each)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    os.umask(asked["umask"])
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    random.seed()
    sys.argv = asked["words"]


def call(
    place: str,
    words: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    handed: Sequence[int],
) -> int:
    """Run words that begin with ``run_bot.py`` on three descriptors; return the exit code."""
    umask = os.umask(0o022)
    os.umask(umask)
    asked = {"words": words, "folder": folder, "environment": environment, "umask": umask}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(place)
        socket.send_fds(connection, [json.dumps(asked).encode()], handed)
        return int(connection.recv(100))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        here, variables = str(Path.cwd()), dict(os.environ)
        sys.exit(call(sys.argv[2], sys.argv[3:], here, variables, [0, 1, 2]))
