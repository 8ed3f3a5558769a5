"""A stand-in for Bluesky's AppView: it counts what a test says, of posts that a PDS really has."""

from __future__ import annotations

from tests.fakes.loopback import Loopback, ReceivedRequest, Told
from tests.servers.pds import Pds

_NO_COUNTS = {"likeCount": 0, "repostCount": 0, "replyCount": 0, "quoteCount": 0}


class FakeAppView(Loopback):
    """Answers getPosts and getProfile without asking who asks."""

    def __init__(self, pds: Pds) -> None:
        self.pds = pds
        #: Counts by at:// URI, over the zeros that every post has.
        self.counts: dict[str, dict[str, object]] = {}
        #: Posts that it has not indexed yet.
        self.unseen: set[str] = set()
        #: Number of URIs of each getPosts.
        self.batches: list[int] = []
        super().__init__(self.answer)

    def answer(self, asked: ReceivedRequest) -> Told:
        if not asked.path.endswith("getPosts"):
            return Told(body={"did": asked.query["actor"][0], "followersCount": 1200})
        uris = asked.query.get("uris", [])
        self.batches.append(len(uris))
        if len(uris) > 25:
            return Told(400, {"error": "InvalidRequest", "message": "too many"})
        posts = [
            {"uri": uri, **_NO_COUNTS, **self.counts.get(uri, {})}
            for uri in uris
            if self._is_live(uri)
        ]
        return Told(body={"posts": posts})

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
