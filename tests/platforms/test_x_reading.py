"""A status is known again in X's rendering of it, in either of X's dialects."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import UnavailableError
from bot.platforms.x.timeline import canonical, read
from tests.fakes.x_world import XStatus, rendered


def shown(**fields: Any) -> dict[str, Any]:
    return {"id": "10", "text": "hello", "conversation_id": "10", **fields}


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "a & b < c > d “e” &amp; as written", "read https://example.org/a?b=1&c=2 now"),
        *("read https://example.org.", "(https://example.org/)"),
        "bare example.org, and www.example.org/path",
        *("two https://example.org/1 https://example.org/2", "cafe\u0301 composed"),
        *("lines\n\nand  spaces ", "“quoted https://example.org/a”"),
    ],
)
@pytest.mark.parametrize("media", [(), ("77",), ("77", "78")])
def test_x_s_rendering_reads_as_what_was_sent(text: str, media: tuple[str, ...]) -> None:
    raw = rendered(XStatus("1990000000000000001", "1", text, media, root="1990000000000000001"))

    assert read(raw).text == canonical(text)


def test_different_texts_stay_different() -> None:
    assert canonical("one https://a.example") != canonical("two https://a.example")
    assert canonical("https://a.example/1") != canonical("https://a.example/2")


@pytest.mark.parametrize("name", ["note_post", "note_tweet"])
def test_a_long_text_is_read_whole_in_either_dialect(name: str) -> None:
    url = {"url": "https://t.co/1", "expanded_url": "https://example.org/long"}
    note = {"text": "long &amp; whole https://t.co/1", "entities": {"urls": [url]}}

    raw = shown(text="long &amp; …", **{name: note})

    assert read(raw).text == "long & whole example.org/long"


@pytest.mark.parametrize("name", ["referenced_posts", "referenced_tweets"])
def test_the_parent_is_read_in_either_dialect(name: str) -> None:
    raw = shown(**{name: [{"type": "quoted", "id": "3"}, {"type": "replied_to", "id": "4"}]})

    assert read(raw).parent == "4"


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "text",
        {},
        {"id": "10", "text": "no conversation"},
        {"id": 10, "text": "number", "conversation_id": "10"},
        {"id": "x", "text": "no number", "conversation_id": "10"},
        {"id": "10", "conversation_id": "10"},
    ],
)
def test_a_status_that_lacks_what_was_asked_for_is_not_read(raw: object) -> None:
    with pytest.raises(UnavailableError):
        read(raw)


@pytest.mark.parametrize(
    "fields",
    [
        {"entities": []},
        {"entities": {"urls": 7}},
        {"entities": {"urls": [None, {"url": 1, "expanded_url": 2}, {"url": ""}]}},
        {"attachments": {"media_keys": None}},
        {"attachments": [1]},
        {"referenced_posts": "x"},
        {"referenced_posts": [7, {"type": "replied_to_"}]},
        {"note_post": "x"},
        {"note_post": {"text": None}},
    ],
)
def test_odd_optional_fields_are_passed_over(fields: dict[str, Any]) -> None:
    assert read(shown(**fields)).text == "hello"


def test_the_keys_of_pictures_are_read() -> None:
    raw = shown(attachments={"media_keys": ["3_1", "3_2", None]})

    assert read(raw).media_keys == {"3_1", "3_2"}
