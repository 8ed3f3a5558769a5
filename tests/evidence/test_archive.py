"""What is kept: WARC files that others' tools read, time-stamps that openssl verifies, links."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from bot.content.model import Investigation
from bot.delivery.links import LinkState, looks
from bot.errors import DecisionError
from bot.evidence.archive import Archive, kept
from bot.planning.store import Store
from tests.evidence.authority import openssl, serving_authority
from tests.evidence.pages import Pages
from tests.fakes.running_bot import NINE, RunningBot, post


def listed(path: str = "/report") -> Investigation:
    return Investigation("one", "An outlet", "A title", address=f"http://news.example{path}")


def checked(content: bytes, folder: Path) -> None:
    """Let warcio's own checker read a file: it ends with an error where a digest is wrong."""
    (folder / "one.warc.gz").write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        warcio(["check", str(folder / "one.warc.gz")])
    assert ended.value.code == 0


@pytest.mark.parametrize("with_root", [False, True])
def test_a_page_is_kept_with_its_redirect_and_proved_by_others_tools(
    store: Store, pages: Pages, archive: Archive, tmp_path: Path, with_root: bool
) -> None:
    pages.redirect("/old", "/report")
    pages.put("/report", "Eyes everywhere", **{"Set-Cookie": "a=1"})
    with serving_authority(tmp_path / "tsa", with_root=with_root) as authority:
        service = replace(archive, authority=authority.address)
        one, is_new = service.keep_page(listed("/old"), by="test")

    content = store.media.get(one.sha256)
    checked(content, tmp_path)
    (tmp_path / "reply.tsr").write_bytes(store.media.get(one.time_stamp))
    own: list[str | Path] = ["-untrusted", authority.own] if with_root else []
    verified = openssl("ts", "-verify", "-in", tmp_path / "reply.tsr", "-data",
                       tmp_path / "one.warc.gz", "-CAfile", authority.root, *own)  # fmt: skip
    records = [
        (each.rec_type, each.rec_headers.get_header("WARC-Target-URI"))
        for each in ArchiveIterator(io.BytesIO(content))
    ]
    assert b"Verification: OK" in verified
    assert records[1:] == [
        ("response", "http://news.example/old"), ("response", "http://news.example/report")
    ]  # fmt: skip
    assert (is_new, one.title, one.subject) == (True, "Eyes everywhere", "one")


def test_a_time_stamp_of_something_else_is_refused(
    pages: Pages, archive: Archive, tmp_path: Path
) -> None:
    pages.put("/report")
    with serving_authority(tmp_path / "tsa") as authority:
        service = replace(archive, authority=authority.address)
        fetcher = service.fetcher

        class Replaying(type(fetcher)):  # type: ignore[misc] # answers an earlier question again
            def post(self, address: str, _body: bytes, mime: str) -> bytes:
                from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

                other = TimestampRequestBuilder().data(b"other")
                asked = other.hash_algorithm(HashAlgorithm.SHA256).build()
                return bytes(fetcher.post(address, asked.as_bytes(), mime))

        names = (field.name for field in fields(fetcher))
        replaying = Replaying(*(getattr(fetcher, name) for name in names))
        with pytest.raises(DecisionError, match="stamped something else"):
            replace(service, fetcher=replaying).keep_page(listed(), by="test")


def test_a_page_as_before_is_not_kept_again(store: Store, pages: Pages, archive: Archive) -> None:
    pages.put("/report")
    archive.keep_page(listed(), by="test")

    _, is_new = archive.keep_page(listed(), by="test")
    pages.put("/report", "Another")
    archive.keep_page(listed(), by="test")

    assert not is_new
    assert [one.title for one in kept(store)] == ["Another", "A title"]


ANSWERS: Mapping[str, tuple[LinkState, str]] = {
    "same": (LinkState.THERE, ""),
    "gone": (LinkState.GONE, "answered 410"),
    "refused": (LinkState.UNREACHABLE, "answered 403"),
    "moved": (LinkState.MOVED, "leads to http://news.example/elsewhere"),
    "title": (LinkState.TITLE, "“Sold”; it was “A title”"),
    "words": (LinkState.TEXT, "most of its words are others"),
    "edited": (LinkState.THERE, ""),
    "slow": (LinkState.UNREACHABLE, "no whole answer within"),
    "private": (LinkState.PRIVATE, "leads to 10.0.0.1"),
}


@pytest.mark.parametrize("became", ANSWERS)
def test_each_thing_that_may_become_of_a_link_is_told(
    store: Store, pages: Pages, archive: Archive, became: str
) -> None:
    path = "/slow" if became == "slow" else "/report"
    pages.put("/report")
    pages.put("/elsewhere")
    if became != "slow":
        archive.keep_page(listed(path), by="test")
    match became:
        case "gone" | "refused":
            pages.answers[path] = 410 if became == "gone" else 403, {}, b""
        case "moved":
            pages.redirect(path, "/elsewhere")
        case "title":
            pages.put(path, "Sold")
        case "words":
            pages.put(path, words="Buy cheap watches here, today only, while they last, friends.")
        case "edited":
            words = "Cameras followed every family to the market and home again, and noted names."
            pages.put(path, words=words)
        case "private":
            pages.addresses["news.example"] = ["10.0.0.1"]

    look = archive.look(listed(path))

    state, told = ANSWERS[became]
    assert look.state is state
    assert told in look.told
    assert looks(store) == {look.address: look}


def test_a_page_that_is_not_there_is_not_kept(pages: Pages, archive: Archive) -> None:
    with pytest.raises(DecisionError, match=r"one: gone \(answered 404\)"):
        archive.keep_page(listed("/nothing"), by="test")
    with pytest.raises(DecisionError, match="has no address"):
        archive.keep_page(replace(listed(), address=""), by="test")


def test_own_posts_are_kept_with_texts_pictures_and_receipts(
    new_bot: RunningBot, archive: Archive, tmp_path: Path
) -> None:
    bot = new_bot
    bot.write(post("first", at=NINE), post("second", at=NINE + timedelta(hours=3)))
    bot.start()
    bot.approve("first")
    bot.wait(NINE + timedelta(hours=1))
    service = replace(archive, store=bot.store, clock=bot.clock)

    one = service.keep_posts("m", by="test")

    assert one is not None
    content = bot.store.media.get(one.sha256)
    checked(content, tmp_path)
    records = [
        json.loads(each.content_stream().read())
        for each in ArchiveIterator(io.BytesIO(content))
        if each.rec_type == "resource"
    ]
    (row,) = bot.store.outbox.find(post_id="first")
    assert [(each["post"], each["receipt"]["id"]) for each in records] == [("first", row.remote_id)]
    assert json.loads(records[0]["status"])["text"] == row.status.text
    assert service.keep_posts("m", by="test") is None


def test_evidence_outlives_the_pruning_of_pictures(
    store: Store, pages: Pages, archive: Archive
) -> None:
    pages.put("/report")
    one, _ = archive.keep_page(listed(), by="test")
    store.media.put(b"unused", archive.clock.now())

    pruned = store.media.prune(archive.clock.now() + timedelta(days=1000))

    assert pruned == 1
    assert store.media.get(one.sha256)
