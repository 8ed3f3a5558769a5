"""What only a real PDS can prove of the Bluesky adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.errors import RejectedError, UnauthorizedError, UnavailableError, UnconfirmedError
from bot.platforms.base import Connection, Platform
from bot.platforms.bluesky.adapter import connect
from bot.platforms.status import (
    Draft,
    Facet,
    FacetKind,
    LinkCard,
    Metrics,
    Picture,
    PostRef,
    Status,
)
from tests.contract.contract import CountingMeter, changed_account, picture_of, png, prepare
from tests.fakes.appview import FakeAppView
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
