"""The site: what is published and nothing else, links that lead somewhere, written whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from bot.cli.main import run
from bot.errors import DecisionError
from bot.public.folder import write_folder
from bot.public.pages import marked_paragraphs, merged
from bot.public.record import RECORD, read_record, signed_record
from bot.public.site import posts_of, site_files
from tests.fakes.browser import HttpBrowser
from tests.fakes.campaign_tree import spec
from tests.fakes.running_bot import RunningBot
from tests.public.conftest import UNSEEN
from tests.public.records import SigningKey, published, shipped
from tools.sample_cards import UYGHUR_1


class Links(HTMLParser):
    """Where a page leads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.leads.append(value or "")
            elif name == "id":
                self.ids.append(value or "")


def broken_links(files: Mapping[str, bytes]) -> list[str]:
    """Follow every link of every page; return those within the folder that lead nowhere."""
    pages = {name: Links(raw.decode()) for name, raw in files.items() if name.endswith(".html")}
    wrong = []
    for name, page in pages.items():
        for link in page.leads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (
                os.path.normpath(Path(name).parent / unquote(parts.path)) if parts.path else name
            )
            known = target in files and (not parts.fragment or parts.fragment in pages[target].ids)
            if not known or parts.path.startswith("/") or target.startswith(".."):
                wrong.append(f"{name}: {link}")
    return wrong


@pytest.fixture(scope="module")
def site(bot: RunningBot, where: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "out"
    assert run(["site", str(folder), *where]) == 0
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_only_what_is_published_is_in_it(site: Path, bot: RunningBot) -> None:
    files = files_of(site)
    private = (bot.data / "audit.key").read_bytes()
    secrets = [*(text.encode() for text in UNSEEN), private, private.hex().encode()]

    seen = [(name, each) for name, raw in files.items() for each in secrets if each in raw]
    letter = unescape(files["source-letter.html"].decode())
    out = {row.post_id for row in bot.store.outbox.find() if row.sent_at}

    assert seen == []
    assert {name for name in files if name.startswith("post-")} == {
        f"post-{one}.html" for one in out
    }
    assert len(out) == 3
    assert letter.count("<mark") >= 2


def test_a_retracted_post_is_named_and_its_words_are_not_published_again(
    site: Path, bot: RunningBot
) -> None:
    gone = next(row for row in bot.store.outbox.find() if row.state == "RETRACTED")
    page = (site / f"post-{gone.post_id}.html").read_text(encoding="utf-8")

    assert "It was cut short." in page
    assert "Its words are not shown any more." in page
    assert "<blockquote" not in page
    assert "A post that was taken down" in page
    post = bot.services.contents.rendered.campaign.post(gone.post_id)
    assert post
    assert post.quote
    assert post.quote.text not in page
    assert not (site / f"card-{gone.post_id}.png").exists()


def test_each_link_leads_somewhere_and_there_is_no_script(site: Path) -> None:
    files = files_of(site)
    pages = [Links(raw.decode()) for name, raw in files.items() if name.endswith(".html")]

    assert broken_links(files) == []
    assert not {"script", "iframe", "form"} & set().union(*(page.tags for page in pages))
    feed = ElementTree.fromstring(files["feed.xml"])  # noqa: S314 - our own
    links = [each.get("href") for each in feed.iter("{http://www.w3.org/2005/Atom}link")]
    assert [link for link in links if link not in files] == []
    assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 3


def test_previews_have_a_card_with_its_words(site: Path) -> None:
    pages = {name: raw.decode() for name, raw in files_of(site).items() if name.startswith("post-")}
    images = [
        re.search(r'og:image" content="([^"]+)"', text)
        for text in pages.values() if "Its words are not shown any more." not in text
    ]  # fmt: skip

    assert len(images) == len(pages) - 1
    assert all(image and (site / image[1]).read_bytes().startswith(b"\x89PNG") for image in images)
    assert sum('og:image:alt" content="“' in text for text in pages.values()) == len(images)


@pytest.mark.parametrize("platforms", [{"mastodon", "bluesky", "x"}, {"mastodon"}, {"bluesky"}])
def test_a_warning_stands_before_the_words(
    platforms: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.public.site.draw", lambda _card: b"a picture")
    name, key = "camps-millions-even-children", SigningKey()
    statuses = tuple(
        each for each in published().statuses if each.post == name and each.platform in platforms
    )
    warning = "Content warning: torture" if "mastodon" in platforms else "CW: torture"

    files = site_files(replace(published(), statuses=statuses), b"", key.public, shipped(), spec())

    index, post, feed = (
        files[each].decode() for each in ("index.html", f"post-{name}.html", "feed.xml")
    )
    assert 0 < index.index(warning) < index.index('<p class="passage"')
    assert 0 < post.index(f">{warning}") < post.index("<h1")
    assert re.search(r'og:description" content="(Content warning|CW): torture', post)
    assert re.search(r"<content [^>]*>(Content warning|CW): torture", feed)


def test_the_site_s_own_preview_is_a_card_that_needs_no_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.public.site.draw", lambda _card: b"a picture")
    record, key = published(), SigningKey()
    posts = [post for post in posts_of(record) if post.card]
    graphic, other = next(p for p in posts if p.warning), next(p for p in posts if not p.warning)
    newest = tuple(replace(each, at=each.at + timedelta(days=1)) for each in graphic.statuses)

    files = site_files(
        replace(record, statuses=newest + other.statuses), b"", key.public, shipped(), spec()
    )

    assert f'og:image" content="card-{other.id}.png"' in files["index.html"].decode()


def test_its_record_verifies_alone(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, key = read_record((site / RECORD).read_bytes())
    words = ["verify", "--record", str(site / RECORD), "--key", str(site / "record.key"),
             "--data", str(tmp_path)]  # fmt: skip
    live = [each for each in record.statuses if each.is_live]

    assert f"{key}\n" == (site / "record.key").read_text(encoding="utf-8")
    assert [run([*words, each.status.text]) for each in live] == [0] * len(live)
    assert run([*words, record.statuses[0].url]) == 1
    assert "taken down since" in capsys.readouterr().out


def test_the_site_is_in_the_log_and_is_replaced_as_a_whole(
    site: Path, bot: RunningBot, where: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "index.html").write_text("changed", encoding="utf-8")
    monkeypatch.setattr("bot.public.site.draw", lambda _card: b"a picture")

    assert run(["site", str(site), "--address", "https://example.org/letter", *where]) == 0
    assert 'og:image" content="https://example.org/letter/card-' in (site / "index.html").read_text(
        encoding="utf-8"
    )
    assert bot.store.audit.rows(limit=1)[0].verb == "site"
    assert site.stat().st_mode & 0o777 == 0o755, "a web server reads it"
    assert [path.name for path in site.parent.iterdir()] == [site.name]


def test_of_a_whole_campaign_each_passage_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.public.site.draw", lambda _card: b"a picture")  # half a second each
    record, key = published(), SigningKey()
    files = site_files(record, signed_record(record, key), key.public, shipped(), spec())

    assert broken_links(files) == []
    assert len(posts_of(record)) > 20


def test_a_source_that_runs_from_right_to_left_says_so() -> None:
    text = f"{UYGHUR_1}\n"
    source = replace(published().sources[0], id="ug", lang="ug", text=text, never=())
    record = replace(published(), sources=(source,), statuses=())
    key = SigningKey()

    files = site_files(record, b"", key.public, shipped(), spec())

    assert '<article lang="ug" dir="rtl">' in files["source-ug.html"].decode()
    assert broken_links({**files, RECORD: b""}) == []


def test_overlapping_passages_each_have_an_address() -> None:
    source = published().sources[0].source
    start = source.text.index("Dahua bears")

    ((_, pieces),) = marked_paragraphs(
        source, [(start, start + 30), (start + 10, start + 50)], only_quoted=True
    )

    assert [anchor for *_, anchor in pieces if anchor] == [f"c{start}", f"c{start + 10}"]
    assert "".join(text for text, *_ in pieces) in source.text
    assert merged("one two three", [(4, 7), (0, 3), (8, 13)]) == ((0, 13),)


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(DecisionError, match=r"mine\.txt"):
        write_folder(folder, {"index.html": b""})

    (folder / "mine.txt").unlink()
    write_folder(folder, {"index.html": b"1", "a/b.txt": b"2"})
    write_folder(folder, {"index.html": b"3"})
    assert sorted(files_of(folder)) == [".verbatim-files.json", "index.html"]
    (folder / "added.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DecisionError, match=r"added\.txt"):
        write_folder(folder, {"index.html": b""})
    assert (folder / "added.txt").exists()


@pytest.mark.parametrize(("is_public", "modes"), [(True, {0o755, 0o644}), (False, {0o700, 0o600})])
def test_others_read_only_what_is_public(tmp_path: Path, is_public: bool, modes: set[int]) -> None:
    write_folder(tmp_path / "out", {"a/b.txt": b"1"}, is_public=is_public)

    found = (tmp_path / "out", *(tmp_path / "out").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in found} == modes


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("theirs", encoding="utf-8")
    (tmp_path / "link").symlink_to(elsewhere)
    write_folder(tmp_path / "out", {"index.html": b"1"})
    (tmp_path / "out" / "index.html").unlink()
    (tmp_path / "out" / "index.html").symlink_to(elsewhere / "index.html")

    for name in ("link", "out"):
        with pytest.raises(DecisionError):
            write_folder(tmp_path / name, {"index.html": b"2"})

    assert (elsewhere / "index.html").read_text(encoding="utf-8") == "theirs"


def test_a_disk_that_fails_leaves_the_old_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "out", {"index.html": b"1"})

    with pytest.raises(TypeError):
        write_folder(tmp_path / "out", {"index.html": b"2", "other.html": None})  # type: ignore[dict-item] # a page that cannot be written

    assert (tmp_path / "out" / "index.html").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_desk_verifies_too(desk: RunningBot) -> None:
    browser = HttpBrowser(desk.origin)
    browser.get("/verify")

    altered = browser.post("/verify", {"text": "Dahua held the p\u200ben."}).text
    unknown = browser.post(
        "/verify", {"text": "It will rain in the mountains <b>tomorrow</b>"}
    ).text

    assert "Altered" in altered
    assert "<del>" in altered
    assert "ZERO WIDTH SPACE" in altered
    assert "Nowhere in the sources" in unknown
    assert "<b>" not in unknown


def test_verify_reads_the_campaign_of_this_machine(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "Dahua held the pen.", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]["sources"] == ["letter"]
    assert run(["verify", *where]) == 2


def test_before_the_first_run_a_text_is_verified_against_the_sources(
    where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "no-data"

    assert run(["verify", "Dahua held the pen.", *where, "--data", str(nowhere)]) == 0
    assert "not published by us" in capsys.readouterr().out
    assert not nowhere.exists()
