"""Other accounts like, repost, quote and reply on a real PDS; its real AppView counts them."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.clock import FastClock
from bot.content.model import Account
from bot.delivery.model import State
from bot.engagement.ages import AGES
from bot.planning.store import Store
from bot.platforms.base import Connection
from bot.platforms.bluesky import connect
from bot.platforms.status import PostRef, Status
from tests.contract.contract import CountingMeter, prepare
from tests.fakes.measured import MeasuredAccount
from tests.integration.store_rows import copied_database
from tests.servers.appview import Network
from tests.servers.pds import PdsAccount
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.server

KINDS_OF_ACT = ("like", "repost", "reply", "quote")


class Public:
    """Other people of the network."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def act(self, ref: PostRef, kind: str) -> str:
        """Let somebody new like, repost, reply to or quote a post; return the record's address."""
        subject = {"uri": ref.id, "cid": ref.cid}
        post = {"$type": "app.bsky.feed.post", "text": f"A {kind}"}
        records: dict[str, dict[str, Any]] = {
            "like": {"$type": "app.bsky.feed.like", "subject": subject},
            "repost": {"$type": "app.bsky.feed.repost", "subject": subject},
            "reply": {**post, "reply": {"root": subject, "parent": subject}},
            "quote": {**post, "embed": {"$type": "app.bsky.embed.record", "record": subject}},
        }
        return self._create(records[kind])

    def follow(self, account: PdsAccount) -> None:
        self._create({"$type": "app.bsky.graph.follow", "subject": account.did})

    def _create(self, record: dict[str, Any]) -> str:
        other = self.network.pds.account(bot=False)
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        body = {
            "repo": other.did,
            "collection": record["$type"],
            "record": {**record, "createdAt": now},
        }
        return str(self.network.pds.do("com.atproto.repo.createRecord", body, other.token)["uri"])

    def counted(self, ref: PostRef) -> dict[str, int]:
        post = self.shown(ref.id)
        return {kind: post[f"{kind}Count"] for kind in KINDS_OF_ACT} if post else {}

    def shown(self, uri: str) -> dict[str, Any]:
        """Ask the AppView itself for a post, past any client of ours; empty where it has none."""
        query = urllib.parse.urlencode({"uris": uri})
        address = f"{self.network.appview}/xrpc/app.bsky.feed.getPosts?{query}"
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            posts: list[dict[str, Any]] = json.loads(answer.read())["posts"]
        return posts[0] if posts else {}


@dataclass
class Bench:
    """An account on the PDS, its numbers, and other people who act on them."""

    measured: MeasuredAccount
    owner: PdsAccount
    public: Public

    def publish(self, text: str) -> PostRef:
        ref = self.measured.publish(text)
        wait_until(lambda: bool(self.public.counted(ref)), "the AppView shows the post")
        self.measured.collector.run()
        return ref


@pytest.fixture
def store_url(tmp_path: Path, migrated_file: Path) -> str:
    """Keep it in a file: the numbers come from the network, whatever they are kept in."""
    return copied_database(migrated_file, tmp_path / "data")


@pytest.fixture
def bench(store: Store, pds_with_appview: Network) -> Iterator[Bench]:
    network, owner = pds_with_appview, pds_with_appview.pds.account()
    account = Account("on-bluesky", "bluesky", server=network.pds.origin, handle=owner.handle)
    secrets = {"APP_PASSWORD": owner.app_password}
    connection = Connection(account, secrets, CountingMeter(), numbers_origin=network.appview)
    clock = FastClock(datetime.now(UTC))
    measured = MeasuredAccount(store, account, lambda _clock: connect(connection), clock)
    yield Bench(measured, owner, Public(network))
    measured.platform.close()


def test_numbers_equal_what_others_did_at_each_age(bench: Bench) -> None:
    ref = bench.publish("words")
    done = dict.fromkeys(KINDS_OF_ACT, 0)

    for turn, age in enumerate(AGES):
        for kind in KINDS_OF_ACT[: 1 + turn % len(KINDS_OF_ACT)]:
            bench.public.act(ref, kind)
            done[kind] += 1
        wait_until(lambda: bench.public.counted(ref) == done, f"the AppView has counted {done}")

        bench.measured.at(age)

        told = bench.measured.taken("words", age)
        assert (told.likes, told.reposts, told.replies, told.quotes) == tuple(done.values()), age
        assert told.impressions is None


def test_the_appview_holds_others_to_who_may_reply_and_quote(bench: Bench) -> None:
    platform = bench.measured.platform
    limited = Status("limited", replies="nobody", quotes="nobody")
    shut, wide = (platform.publish(prepare(platform, each)) for each in (limited, "open to all"))
    wait_until(lambda: bool(bench.public.counted(wide)), "the AppView shows both")

    quotes = [bench.public.act(ref, "quote") for ref in (shut, wide)]
    for ref in (shut, wide):
        bench.public.act(ref, "reply")
        bench.public.act(ref, "like")

    wanted = {"like": 1, "repost": 0, "reply": 1, "quote": 1}
    wait_until(lambda: bench.public.counted(wide) == wanted, "the AppView has counted the last")
    assert bench.public.counted(shut)["reply"] == 0
    kinds = [bench.public.shown(uri)["embed"]["record"]["$type"] for uri in quotes]
    assert kinds == ["app.bsky.embed.record#viewDetached", "app.bsky.embed.record#viewRecord"]


def test_a_post_deleted_on_bluesky_is_gone(bench: Bench) -> None:
    bench.publish("kept")
    ref = bench.publish("taken down")
    bench.measured.platform.delete(ref)
    wait_until(lambda: not bench.public.counted(ref), "the AppView has forgotten it")

    bench.measured.at("1h")

    states = {row.id: row.state for row in bench.measured.store.outbox.find()}
    assert states == {"kept": State.SENT, "taken down": State.GONE}


def test_followers_are_those_that_follow(bench: Bench) -> None:
    for _ in range(2):
        bench.public.follow(bench.owner)
    bench.publish("words")
    wait_until(
        lambda: bench.measured.platform.profile().followers == 2, "the AppView has counted them"
    )

    bench.measured.at("24h")

    assert list(bench.measured.store.followers.of("on-bluesky").values())[-1] == 2
