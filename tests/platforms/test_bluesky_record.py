"""The record of a Bluesky post, and its key."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canonical import JsonObject
from bot.platforms.bluesky.record import at_uri, is_same, place_of, post_record, tid, timestamp
from bot.platforms.status import Facet, FacetKind, LinkCard, Picture, Status

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PICTURE = Picture("aa", "image/png", "a square", 8, 6, 1)
THUMB = Picture("bb", "image/png", "", 8, 6, 1)
BLOBS: dict[str, JsonObject] = {
    "aa": {"$type": "blob", "ref": {"$link": "bafkreia"}, "mimeType": "image/png", "size": 1},
    "bb": {"$type": "blob", "ref": {"$link": "bafkreib"}, "mimeType": "image/png", "size": 1},
}
CARD = LinkCard("https://a.example/x", "A title", "About it", THUMB)


def record(status: Status, *, reply: JsonObject | None = None) -> JsonObject:
    dids = {"ally.example": "did:plc:ally"}
    return post_record(status, at=NOON, blobs=BLOBS, dids=dids, reply=reply)


def test_a_plain_post_is_text_language_and_time() -> None:
    assert record(Status("سالام", lang="ug")) == {
        "$type": "app.bsky.feed.post",
        "text": "سالام",
        "langs": ["ug"],
        "createdAt": "2026-11-23T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("kind", "value", "feature"),
    [
        (FacetKind.LINK, "https://a.example/x", {"uri": "https://a.example/x"}),
        (FacetKind.TAG, "Uyghur", {"tag": "Uyghur"}),
        (FacetKind.MENTION, "ally.example", {"did": "did:plc:ally"}),
    ],
)
def test_a_facet_keeps_its_byte_offsets(
    kind: FacetKind, value: str, feature: dict[str, str]
) -> None:
    made = record(Status("“ü” there", facets=(Facet(kind, 9, 14, value),)))

    assert made["facets"] == [
        {
            "index": {"byteStart": 9, "byteEnd": 14},
            "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}],
        }
    ]


def test_a_card_carries_its_own_words_and_thumb() -> None:
    made = record(Status("text", card=CARD))

    assert made["embed"] == {
        "$type": "app.bsky.embed.external",
        "external": {
            "uri": "https://a.example/x",
            "title": "A title",
            "description": "About it",
            "thumb": BLOBS["bb"],
        },
    }


def test_a_card_may_be_without_a_thumb_and_gives_way_to_pictures() -> None:
    bare = record(Status("text", card=LinkCard("https://a.example", "A title")))
    beside = record(Status("text", card=CARD, pictures=(PICTURE,)))

    assert "thumb" not in bare["embed"]["external"]
    assert beside["embed"]["$type"] == "app.bsky.embed.images"


@pytest.mark.parametrize(
    ("sensitive", "pictures", "labels"),
    [
        (True, (PICTURE,), [{"val": "graphic-media"}]),
        (True, (), []),
        (False, (PICTURE,), []),
    ],
)
def test_pictures_that_may_disturb_are_labelled(
    sensitive: bool, pictures: tuple[Picture, ...], labels: list[JsonObject]
) -> None:
    made = record(Status("text", sensitive=sensitive, pictures=pictures))

    assert made.get("labels", {}).get("values", []) == labels


def test_a_reply_names_root_and_parent() -> None:
    reply = {"root": {"uri": "at://a", "cid": "b"}, "parent": {"uri": "at://c", "cid": "d"}}

    assert record(Status("text"), reply=reply)["reply"] == reply


def test_a_moment_is_written_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-5)))

    assert timestamp(there) == "2026-11-23T12:00:00.000Z"


@pytest.mark.parametrize(
    ("seen", "same"),
    [
        ({"text": "a", "createdAt": "1"}, True),
        ({"createdAt": "2", "text": "a"}, True),
        ({"text": "a"}, True),
        ({"text": "b", "createdAt": "1"}, False),
        ({"text": "a", "createdAt": "1", "langs": ["en"]}, False),
        (None, False),
        ([], False),
    ],
)
def test_a_record_is_the_same_whenever_it_was_made(seen: object, same: bool) -> None:
    assert is_same(seen, {"text": "a", "createdAt": "1"}) is same


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (at_uri("did:plc:a", "3kabc"), ("did:plc:a", "3kabc")),
        ("https://bsky.app/profile/a.example/post/3kabc", ("a.example", "3kabc")),
        ("https://bsky.app/profile/did:plc:a/post/3kabc/", ("did:plc:a", "3kabc")),
        ("at://did:plc:a/app.bsky.feed.like/3kabc", None),
        ("https://bsky.app/profile/a.example", None),
        ("12345", None),
        ("", None),
    ],
)
def test_a_post_is_placed_by_its_address(address: str, place: tuple[str, str] | None) -> None:
    assert place_of(address) == place


#: atproto.com/specs/tid
SYNTAX = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def time_of(key: str) -> datetime:
    number = 0
    for char in key:
        number = number * 32 + ALPHABET.index(char)
    return datetime.fromtimestamp((number >> 10) / 1_000_000, UTC)


@given(moments, st.text())
def test_a_key_is_well_formed_and_of_the_day_before(at: datetime, key: str) -> None:
    made = tid(at, key)

    assert SYNTAX.fullmatch(made)
    assert time_of(made).date() == (at - timedelta(days=1)).date()


@given(st.times(), st.times(), st.text())
def test_one_delivery_has_one_key_all_day(first: object, second: object, key: str) -> None:
    day = datetime(2026, 12, 9, tzinfo=UTC)
    early = day.replace(hour=first.hour, minute=first.minute)  # type: ignore[attr-defined] # a time
    late = day.replace(hour=second.hour, minute=second.minute)  # type: ignore[attr-defined] # a time

    assert tid(early, key) == tid(late, key)


def test_the_zone_does_not_matter() -> None:
    at = datetime(2026, 12, 9, 23, 30, tzinfo=UTC)

    assert tid(at.astimezone(timezone(timedelta(hours=9))), "k") == tid(at, "k")


def test_a_hundred_thousand_deliveries_of_a_day_have_keys_of_their_own() -> None:
    at = datetime(2026, 12, 9, tzinfo=UTC)

    assert len({tid(at, f"delivery {number}") for number in range(100_000)}) == 100_000
