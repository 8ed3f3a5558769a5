"""What only a real PDS can prove of the Bluesky adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.canonical import sha256_hex
from bot.clock import SystemClock
from bot.content.model import Account, Source
from bot.delivery.interactions import documents_of, publish_source
from bot.errors import RejectedError, UnauthorizedError, UnavailableError, UnconfirmedError
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.base import Connection, Platform
from bot.platforms.bluesky import connect
from bot.platforms.bluesky.adapter import BlueskyPlatform
from bot.platforms.bluesky.record import cid_of
from bot.platforms.status import (
    Draft,
    Facet,
    FacetKind,
    LinkCard,
    Metrics,
    Picture,
    PostRef,
    ReplyTo,
    Span,
    Status,
)
from tests.contract.contract import CountingMeter, changed_account, picture_of, png, prepare
from tests.fakes.appview import FakeAppView
from tests.fakes.faultproxy import HANG_UP_AFTER, FaultProxy
from tests.servers.pds import Pds, PdsAccount

pytestmark = pytest.mark.server

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def account(pds: Pds) -> PdsAccount:
    return pds.account()


@pytest.fixture
def connection(pds: Pds, account: PdsAccount) -> Connection:
    pds.wipe(account)
    return Connection(
        Account("voice", "bluesky", server=pds.origin, handle=account.handle),
        {"APP_PASSWORD": account.app_password},
        CountingMeter(),
    )


@pytest.fixture
def platform(connection: Connection) -> Iterator[Platform]:
    platform = connect(connection)
    yield platform
    platform.close()


@pytest.fixture
def appview(pds: Pds) -> Iterator[FakeAppView]:
    with FakeAppView(pds) as appview:
        yield appview


def test_links_tags_and_mentions_are_marked_by_bytes(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    ally = pds.account()
    text = f"“ü” list #Uyghur @{ally.handle}"
    facets = tuple(
        Facet(kind, text.encode().index(shown), text.encode().index(shown) + len(shown), value)
        for kind, shown, value in (
            (FacetKind.LINK, b"list", "https://example.org/list"),
            (FacetKind.TAG, b"#Uyghur", "Uyghur"),
            (FacetKind.MENTION, f"@{ally.handle}".encode(), ally.handle),
        )
    )

    platform.publish(prepare(platform, Status(text, facets=facets)))

    seen = pds.posts(account)[0]["value"]
    marked = [
        text.encode()[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        for facet in seen["facets"]
    ]
    assert marked == ["list", "#Uyghur", f"@{ally.handle}"]
    assert seen["facets"][2]["features"][0]["did"] == ally.did


def test_a_mention_of_nobody_is_not_prepared(platform: Platform) -> None:
    facets = (Facet(FacetKind.MENTION, 0, 13, "nobody.test"),)

    with pytest.raises(UnavailableError):
        prepare(platform, Status("@nobody.test!", facets=facets))


def test_pictures_keep_shape_description_and_label(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    body = png()
    status = Status("text", pictures=(picture_of(body, "a square"),), sensitive=True)

    platform.publish(prepare(platform, status, pictures=lambda _picture: body))

    seen = pds.posts(account)[0]["value"]
    image = seen["embed"]["images"][0]
    assert (image["alt"], image["aspectRatio"]) == ("a square", {"width": 8, "height": 8})
    assert (image["image"]["mimeType"], image["image"]["size"]) == ("image/png", len(body))
    assert seen["labels"]["values"] == [{"val": "graphic-media"}]


def test_a_card_shows_the_thumb(pds: Pds, account: PdsAccount, platform: Platform) -> None:
    body = png()
    card = LinkCard("https://example.org", "Title", "About", picture_of(body, ""))

    platform.publish(prepare(platform, Status("text", card=card), pictures=lambda _picture: body))

    external = pds.posts(account)[0]["value"]["embed"]["external"]
    assert (external["uri"], external["title"]) == ("https://example.org", "Title")
    assert external["thumb"]["size"] == len(body)


def test_a_picture_that_is_too_big_is_rejected(platform: Platform) -> None:
    body = png() + bytes(2_100_000)
    picture = Picture(sha256_hex(body), "image/png", "noise", 8, 8, len(body))

    with pytest.raises(RejectedError):
        platform.publish(
            prepare(platform, Status("big", pictures=(picture,)), pictures=lambda _picture: body)
        )


def test_what_was_edited_since_is_not_overwritten(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    draft = prepare(platform, "as sent")
    platform.publish(draft)
    edited = {**draft.body["record"], "text": "as edited"}
    pds.put(account, "app.bsky.feed.post", draft.body["rkey"], edited)

    with pytest.raises(UnconfirmedError, match="holds another record"):
        platform.publish(draft)
    with pytest.raises(UnconfirmedError, match="not what was to be posted"):
        platform.find(draft)

    assert [one["value"]["text"] for one in pds.posts(account)] == ["as edited"]


def test_a_draft_that_a_backup_lost_meets_its_own_post(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    def again(second: int) -> Draft:
        return platform.prepare(
            Status("restored"),
            key="delivery",
            at=NOW.replace(second=second, microsecond=0),
            reply_to=None,
            pictures=lambda _picture: b"",
        )

    ref = platform.publish(again(1))

    with pytest.raises(UnconfirmedError):
        platform.publish(again(2))
    assert platform.find(again(2)) == ref
    assert len(pds.posts(account)) == 1


@pytest.mark.parametrize("values", [("bot",), ("bot", "!no-unauthenticated"), ("porn",), ()])
def test_the_bot_label_is_read_from_the_profile(
    pds: Pds, account: PdsAccount, platform: Platform, values: tuple[str, ...]
) -> None:
    pds.label(account, *values)

    profile = platform.profile()

    assert (profile.id, profile.handle) == (account.did, account.handle)
    assert profile.is_labelled_bot is ("bot" in values)
    assert profile.followers is None  # a PDS alone does not count them


@pytest.fixture
def fresh(pds: Pds, connection: Connection) -> tuple[PdsAccount, Platform]:
    """Return an account of its own, without a profile, and the adapter that speaks for it."""
    made = pds.account(bot=False)
    account = changed_account(connection, handle=made.handle)
    secrets = {"APP_PASSWORD": made.app_password}
    return made, connect(replace(connection, account=account, secrets=secrets))


def test_an_account_without_a_profile_has_no_label(fresh: tuple[PdsAccount, Platform]) -> None:
    assert not fresh[1].profile().is_labelled_bot


def test_a_revoked_app_password_needs_a_person(
    pds: Pds, fresh: tuple[PdsAccount, Platform]
) -> None:
    account, platform = fresh
    draft = prepare(platform, "revoked")
    pds.do("com.atproto.server.revokeAppPassword", {"name": "verbatim"}, account.token)
    platform.close()  # its session would live on for a while

    with pytest.raises(UnauthorizedError):
        platform.publish(draft)


def test_a_bare_server_tells_no_numbers(platform: Platform) -> None:
    ref = platform.publish(prepare(platform, "uncounted"))

    with pytest.raises(UnavailableError):
        platform.metrics([ref])


def test_numbers_come_from_the_appview_in_batches(
    connection: Connection, appview: FakeAppView
) -> None:
    platform = connect(replace(connection, numbers_origin=appview.origin))
    refs = [platform.publish(prepare(platform, f"{number}")) for number in range(27)]
    appview.counts[refs[26].id] = {"likeCount": 5, "bookmarkCount": 1}

    numbers = platform.metrics(refs)

    assert appview.batches == [25, 2]
    assert list(numbers) == refs
    assert numbers[refs[26]] == Metrics(likes=5, reposts=0, replies=0, quotes=0, bookmarks=1)
    assert platform.profile().followers == 1200
    platform.close()


def test_a_post_that_the_appview_has_not_seen_is_not_taken_for_deleted(
    connection: Connection, appview: FakeAppView
) -> None:
    platform = connect(replace(connection, numbers_origin=appview.origin))
    fresh = platform.publish(prepare(platform, "fresh"))
    gone = PostRef(fresh.id[:-1] + ("2" if fresh.id[-1] != "2" else "3"))
    appview.unseen = {fresh.id, gone.id}

    assert platform.metrics([gone, fresh]) == {fresh: Metrics()}
    platform.close()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists its listeners so")
def test_the_server_listens_on_loopback_only(pds: Pds) -> None:
    port = f":{int(pds.origin.rpartition(':')[2]):04X}"
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]

    listening = {fields[1] for fields in lines if fields[3] == "0A" and fields[1].endswith(port)}

    assert listening == {f"0100007F{port}"}


# -- who may reply and quote


def gate(pds: Pds, account: PdsAccount, name: str, rkey: str) -> dict[str, object]:
    """Read a record that stands beside a post, past the adapter."""
    asked = {"repo": account.did, "collection": f"app.bsky.feed.{name}", "rkey": rkey}
    value = pds.ask("com.atproto.repo.getRecord", asked)["value"]
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("replies", "allow"),
    [
        ("nobody", []),
        ("followers", [{"$type": "app.bsky.feed.threadgate#followerRule"}]),
        ("followed", [{"$type": "app.bsky.feed.threadgate#followingRule"}]),
        ("mentioned", [{"$type": "app.bsky.feed.threadgate#mentionRule"}]),
    ],
)
def test_who_may_reply_and_quote_is_written_with_the_post(
    pds: Pds, account: PdsAccount, platform: Platform, replies: str, allow: list[object]
) -> None:
    draft = prepare(platform, Status("words", replies=replies, quotes="nobody"))

    ref = platform.publish(draft)

    rkey = ref.id.rpartition("/")[2]
    assert rkey == draft.body["rkey"]
    threadgate, postgate = (gate(pds, account, name, rkey) for name in ("threadgate", "postgate"))
    assert (threadgate["post"], threadgate["allow"]) == (ref.id, allow)
    assert postgate["embeddingRules"] == [{"$type": "app.bsky.feed.postgate#disableRule"}]
    assert ref.differs == {}
    assert platform.find(draft) == ref


def test_a_second_call_makes_no_second_post_and_overwrites_nothing(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    draft = prepare(platform, Status("words", replies="nobody"))
    ref = platform.publish(draft)

    with pytest.raises(UnconfirmedError):
        platform.publish(draft)

    assert [one["uri"] for one in pds.posts(account)] == [ref.id]
    assert platform.find(draft) == ref


@pytest.mark.parametrize("replies", ["", "nobody"])
def test_a_post_whose_answer_was_lost_is_found_with_its_gates(
    pds: Pds, account: PdsAccount, connection: Connection, replies: str
) -> None:
    with FaultProxy(pds.origin) as proxy:
        platform = connect(replace(connection, account=changed_account(
            connection, server=proxy.origin)))  # fmt: skip
        draft = prepare(platform, Status("words", replies=replies, quotes="nobody"))
        proxy.spoil(r"^POST /xrpc/com\.atproto\.repo\.applyWrites ", HANG_UP_AFTER)
        with pytest.raises(UnconfirmedError):
            platform.publish(draft)

        found = platform.find(draft)
        platform.close()

    assert found
    assert [one["uri"] for one in pds.posts(account)] == [found.id]
    assert found.differs == {}
    assert gate(pds, account, "postgate", str(draft.body["rkey"]))["post"] == found.id


def test_a_gate_that_was_changed_since_is_told(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    draft = prepare(platform, Status("words", replies="nobody", quotes="nobody"))
    platform.publish(draft)
    rkey = str(draft.body["rkey"])
    open_to_all = {**gate(pds, account, "postgate", rkey), "embeddingRules": []}
    pds.put(account, "app.bsky.feed.postgate", rkey, open_to_all)
    body = {"repo": account.did, "collection": "app.bsky.feed.threadgate", "rkey": rkey}
    pds.do("com.atproto.repo.deleteRecord", body, account.token)

    found = platform.find(draft)

    assert found
    assert found.differs == {
        "threadgate": "its threadgate is missing",
        "postgate": "its postgate is another one",
    }


def test_only_the_first_post_of_a_thread_has_a_threadgate(platform: Platform) -> None:
    root = platform.publish(prepare(platform, "first"))

    limited = Status("second", replies="nobody", quotes="nobody")
    draft = prepare(platform, limited, reply_to=ReplyTo(root, root))

    assert "replies" not in draft.body
    assert draft.body["quotes"] == "nobody"


def test_what_is_deleted_leaves_no_gates(pds: Pds, account: PdsAccount, platform: Platform) -> None:
    ref = platform.publish(prepare(platform, Status("words", replies="nobody", quotes="nobody")))

    assert platform.delete(ref)

    for name in ("threadgate", "postgate"):
        asked = {"repo": account.did, "collection": f"app.bsky.feed.{name}"}
        records = pds.ask("com.atproto.repo.listRecords", asked)["records"]
        assert ref.id not in [one["value"]["post"] for one in records]


@pytest.mark.parametrize("replies", ["", "mentioned"])
def test_replies_are_hidden_and_quotes_revoked_once(
    pds: Pds, account: PdsAccount, platform: Platform, replies: str
) -> None:
    other = pds.account()
    ref = platform.publish(prepare(platform, Status("words", replies=replies)))
    rkey = ref.id.rpartition("/")[2]
    theirs = f"at://{other.did}/app.bsky.feed.post/3laaaaaaaaa2a"
    page = f"https://bsky.app/profile/{other.handle}/post/3laaaaaaaaa2a"

    for address in (page, theirs, f"{page[:-1]}b"):
        platform.hide_reply(ref, address)
        platform.revoke_quote(ref, address)

    both = [theirs, f"{theirs[:-1]}b"]
    threadgate = gate(pds, account, "threadgate", rkey)
    assert threadgate["hiddenReplies"] == both
    assert ("allow" in threadgate) is bool(replies)
    assert gate(pds, account, "postgate", rkey)["detachedEmbeddingUris"] == both
    for broken in (ref.id, "https://elsewhere.example/1"):
        with pytest.raises(RejectedError):
            platform.hide_reply(PostRef(f"{ref.id}x"), broken)


def test_a_list_of_revoked_quotes_that_is_full_is_told(
    pds: Pds, account: PdsAccount, platform: Platform
) -> None:
    ref = platform.publish(prepare(platform, "words"))
    rkey, post = ref.id.rpartition("/")[2], f"at://{account.did}/app.bsky.feed.post"
    full = [f"{post}/3laaaaaaaa{a}{b}2" for a in "abcdefg" for b in "abcdefgh"][:50]
    pds.put(account, "app.bsky.feed.postgate", rkey, {
        "$type": "app.bsky.feed.postgate", "post": ref.id, "createdAt": "2026-01-01T00:00:00Z",
        "detachedEmbeddingUris": full,
    })  # fmt: skip

    with pytest.raises(RejectedError, match="50 are turned away"):
        platform.revoke_quote(ref, f"{post}/3lzzzzzzzzz22")


# -- the whole text as a record of the account


LETTER = Source(
    "letter.txt", sha256_hex("First version."), "Open letter", "Open letter, December 9, 2022",
    date(2022, 12, 9), ("One organization", "Another"), id="letter",
    address="https://letter.example/open-letter?lang=en", text="First version.",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'live.db'}", create=True)
    yield store
    store.close()


@pytest.fixture
def keeper(connection: Connection, store: Store) -> Iterator[BlueskyPlatform]:
    known = partial(documents_of, store, "voice")
    platform = connect(replace(connection, documents=known))
    assert isinstance(platform, BlueskyPlatform)
    yield platform
    platform.close()


def publish(store: Store, keeper: BlueskyPlatform, source: Source) -> PostRef:
    account = Account("voice", "bluesky")
    return publish_source(store, SystemClock(), account, source, keeper, by="Ann", why="to prove")


def record_at(pds: Pds, ref: PostRef) -> dict[str, Any]:
    repo, collection, rkey = ref.id.removeprefix("at://").split("/")
    asked = {"repo": repo, "collection": collection, "rkey": rkey}
    found: dict[str, Any] = pds.ask("com.atproto.repo.getRecord", asked)
    return found


def test_a_letter_is_a_record_whose_content_hash_proves_its_text(
    pds: Pds, account: PdsAccount, store: Store, keeper: BlueskyPlatform
) -> None:
    ref = publish(store, keeper, LETTER)

    seen = record_at(pds, ref)
    assert seen["cid"] == ref.cid == cid_of(seen["value"])
    assert seen["value"] == {
        "$type": "site.standard.document", "site": "https://letter.example",
        "path": "/open-letter?lang=en", "title": "Open letter",
        "description": "Open letter, December 9, 2022", "textContent": "First version.",
        "publishedAt": "2022-12-09T00:00:00.000Z",
        "contributors": [
            {"did": account.did, "displayName": "One organization", "role": "author"},
            {"did": account.did, "displayName": "Another", "role": "author"},
        ],
    }  # fmt: skip
    (row,) = store.audit.of("publish source")
    assert (row.who, row.why, row.detail["cid"]) == ("Ann", "to prove", ref.cid)
    assert publish(store, keeper, LETTER) == ref


def test_a_corrected_letter_is_another_record_and_the_old_one_stays(
    pds: Pds, store: Store, keeper: BlueskyPlatform
) -> None:
    first = publish(store, keeper, LETTER)
    text = "Second version."

    second = publish(store, keeper, replace(LETTER, text=text, sha256=sha256_hex(text)))

    assert second.id != first.id
    assert record_at(pds, first)["value"]["textContent"] == "First version."
    assert record_at(pds, second)["value"]["textContent"] == text


def test_the_link_card_of_a_quotation_refers_to_the_version_that_it_quotes(
    pds: Pds, account: PdsAccount, store: Store, keeper: BlueskyPlatform
) -> None:
    first = publish(store, keeper, LETTER)
    publish(store, keeper, replace(LETTER, text="Second.", sha256=sha256_hex("Second.")))
    card = LinkCard(f"{LETTER.address}#:~:text=First", "Open letter")
    quoting = Status("“First version.”", card=card, spans=(Span("letter", LETTER.sha256, 0, 14),))
    other = replace(quoting, text="Elsewhere", card=LinkCard("https://news.example/", "News"))

    for status in (quoting, other):
        keeper.publish(prepare(keeper, status))

    records = {one["value"]["text"]: one["value"] for one in pds.posts(account)}
    external = records["“First version.”"]["embed"]["external"]
    assert external["associatedRefs"] == [{"uri": first.id, "cid": first.cid}]
    assert "associatedRefs" not in records["Elsewhere"]["embed"]["external"]


def test_a_reference_into_anothers_repository_is_left_out(
    store: Store, keeper: BlueskyPlatform, account: PdsAccount
) -> None:
    """Who can write the database could name a document of somebody else."""
    detail = {"source": "letter", "address": LETTER.address, "sha256": LETTER.sha256,
              "uri": "at://did:plc:other/site.standard.document/3k", "cid": "bafy"}  # fmt: skip
    store.audit.write("Eve", "publish source", "voice", detail=detail, now=NOW)
    card = LinkCard(LETTER.address, "Open letter")
    status = Status("“First version.”", card=card, spans=(Span("letter", LETTER.sha256, 0, 14),))

    draft = prepare(keeper, status)

    assert "associatedRefs" not in draft.body["record"]["embed"]["external"]
