"""A Mastodon of any number of accounts on loopback, in a process of its own; it notes each call.

``python -m benchmarks.standin`` prints its address, and serves until its input ends. An account's
token is its name. ``GET /taken`` lists when each request for a status was there, before it was
answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.conftest import ROOT
from tests.fakes.loopback import Loopback, ReceivedRequest, Told
from tests.fakes.mastodon_quirks import paragraphs
from tests.servers import ending

#: Most of a page, as Mastodon has it.
_PAGE = 40


class StandIn(Loopback):
    """Takes statuses of all accounts; a key that comes again gets the first one's answer."""

    def __init__(self) -> None:
        #: Account, moment and text of each.
        self.taken: list[tuple[str, float, str]] = []
        self._statuses: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._keys: dict[str, dict[str, Any]] = {}
        self._ids = count(100)
        super().__init__(self.answer)

    def answer(self, asked: ReceivedRequest) -> Told:
        """Answer one request."""
        at, who = time.time(), asked.headers.get("Authorization", "").removeprefix("Bearer ")
        match asked.line.split("/"):
            case ["GET ", "taken"]:
                return Told(body=self.taken)
            case ["GET ", "api", "v1", "accounts", "verify_credentials"]:
                return Told(body={"id": who, "username": who, "bot": True})
            case ["GET ", "api", "v1", "accounts", name, "statuses"]:
                return Told(body=self._statuses[name][:_PAGE])
            case ["POST ", "api", "v1", "statuses"]:
                return Told(body=self._take(asked, at, who))
        return Told(404, {"error": "Not Found"})

    def _take(self, asked: ReceivedRequest, at: float, who: str) -> dict[str, Any]:
        form = {name: values[0] for name, values in asked.form.items()}
        key = asked.headers.get("Idempotency-Key", "")
        if key and key in self._keys:
            return self._keys[key]
        self.taken.append((who, at, form["status"]))
        id_ = str(next(self._ids))
        made: dict[str, Any] = {
            "id": id_, "url": f"https://social.example/@{who}/{id_}",
            "created_at": datetime.fromtimestamp(at, UTC).isoformat(),
            "content": paragraphs(form["status"]), "account": {"id": who},
            "spoiler_text": form.get("spoiler_text", ""), "language": form.get("language"),
            "visibility": form.get("visibility", "public"), "media_attachments": [],
            "in_reply_to_id": None,
        }  # fmt: skip
        self._statuses[who].insert(0, made)
        self._keys[key] = made
        return made


def first_line(process: subprocess.Popen[bytes]) -> str:
    """Return the first line that a process prints, which it does once it is ready."""
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise SystemExit(f"{process.args!r} did not start")
    return line.decode().strip()


@contextmanager
def started() -> Iterator[str]:
    """Start one for the length of the block; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with ending(process):
        yield first_line(process)


def taken(origin: str) -> list[tuple[str, datetime, str]]:
    """Return account, moment and text of each status that was asked for, in order."""
    with urllib.request.urlopen(f"{origin}/taken", timeout=60) as answer:  # noqa: S310 - loopback
        listed = json.loads(answer.read())
    return [(who, datetime.fromtimestamp(at, UTC), text) for who, at, text in listed]


if __name__ == "__main__":
    with StandIn() as server:
        print(server.origin, flush=True)
        sys.stdin.read()
