"""A stand-in for Bluesky's AppView: it counts what a test says, of posts that a PDS really has."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.servers.pds import Pds

_NO_COUNTS = {"likeCount": 0, "repostCount": 0, "replyCount": 0, "quoteCount": 0}


class FakeAppView:
    """Answers getPosts and getProfile without asking who asks."""

    def __init__(self, pds: Pds) -> None:
        self.pds = pds
        #: Counts by at:// URI, over the zeros that every post has.
        self.counts: dict[str, dict[str, object]] = {}
        #: Posts that it has not indexed yet.
        self.unseen: set[str] = set()
        #: Number of URIs of each getPosts.
        self.batches: list[int] = []
        view = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                view.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = parse_qs(parts.query)
        if parts.path.endswith("getPosts"):
            body, status = self._posts(asked.get("uris", []))
        else:
            body, status = {"did": asked["actor"][0], "followersCount": 1200}, 200
        data = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _posts(self, uris: list[str]) -> tuple[dict[str, object], int]:
        self.batches.append(len(uris))
        if len(uris) > 25:
            return {"error": "InvalidRequest", "message": "too many"}, 400
        return {"posts": [self._post(uri) for uri in uris if self._is_live(uri)]}, 200

    def _is_live(self, uri: str) -> bool:
        _, _, repo, collection, rkey = uri.split("/")
        try:
            self.pds.ask(
                "com.atproto.repo.getRecord",
                {"repo": repo, "collection": collection, "rkey": rkey},
            )
        except AssertionError:
            return False
        return uri not in self.unseen

    def _post(self, uri: str) -> dict[str, object]:
        return {"uri": uri, **_NO_COUNTS, **self.counts.get(uri, {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
