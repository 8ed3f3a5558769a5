"""The partner kit: released and approved only, other passages for each, texts that hold."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from bot.checks.quotation_marks import marked_spans
from bot.cli.main import run
from bot.content.model import Mode, Post
from bot.errors import DecisionError
from bot.public.kit import SHAPES, KitPassage, deal, kit_files, passages_of, released, zipped
from bot.rendering.rendered import RenderedCampaign, fingerprint, render_campaign
from bot.rendering.similarity import similar_pairs
from tests.fakes.browser import HttpBrowser
from tests.fakes.campaign_tree import NOW, TRANSLATED, CampaignTree, spec
from tests.fakes.running_bot import RunningBot
from tests.public.conftest import UNSEEN
from tests.public.records import shipped
from tests.public.test_site import broken_links, files_of

OPENS = datetime(2026, 12, 9, 14, tzinfo=UTC)
PARTNERS = ("Acme Rights", "Üniversité & Co", "ئۇيغۇر")


def all_released() -> tuple[RenderedCampaign, tuple[Post, ...]]:
    """Return the shipped campaign as if all that is ready were released."""
    campaign = shipped()
    posts = tuple(
        replace(post, partners_from=OPENS) for post in campaign.posts if post.ready and post.quote
    )
    whole = render_campaign(replace(campaign, posts=posts), specs=spec(), limits={})
    return whole, posts


@pytest.fixture(scope="module")
def passages() -> tuple[KitPassage, ...]:
    return passages_of(*all_released(), NOW)


def test_only_what_is_released_approved_and_not_taken_back_is_in_it(bot: RunningBot) -> None:
    whole = bot.services.contents.rendered
    approved = {
        row.post_id
        for row in bot.store.outbox.find()
        if bot.store.approvals.standing(fingerprint=row.fingerprint)
    }
    taken_back = {
        row.subject for row in bot.store.audit.rows() if row.verb in {"retract", "correct"}
    }
    later = tuple(replace(post, partners_from=NOW) for post in whole.campaign.posts)
    never = tuple(replace(post, partners_from=None) for post in whole.campaign.posts)

    found = {post.id for post in released(whole, bot.store)}

    for_partners = {post.id for post in whole.campaign.posts if post.partners_from}
    assert found == (approved & for_partners) - taken_back
    assert approved - for_partners
    assert approved & taken_back
    assert for_partners - approved
    assert len(found) >= 4
    rows = bot.store.outbox.find()
    assert {(post.id, name) for post in released(whole, bot.store) for name in post.accounts} <= {
        (row.post_id, row.account)
        for row in rows
        if bot.store.approvals.standing(fingerprint=row.fingerprint)
    }
    for posts in (later, never):  # what was approved is not this
        changed = replace(whole, campaign=replace(whole.campaign, posts=posts))
        assert released(changed, bot.store) == ()


def test_an_approval_binds_from_when_partners_may_post_it() -> None:
    post = shipped().posts[0]
    marks = {
        fingerprint(replace(post, partners_from=moment), (), account="m", shown={}, fixed_at=None)
        for moment in (None, OPENS, NOW)
    }

    assert len(marks) == 3


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_no_two_partners_have_what_is_alike(passages: Sequence[KitPassage], count: int) -> None:
    similarity = shipped().schedule.similarity
    names = [f"partner {number}" for number in range(count)]

    dealt = deal(passages, names, similarity)

    texts = [
        (name, f"{each.post.text} {each.post.quote.text}")
        for name, own in dealt.items() for each in own if each.post.quote
    ]  # fmt: skip
    pairs = similar_pairs([part for _, part in texts], similarity)
    assert {texts[first][0] == texts[second][0] for first, second, _ in pairs} == {True}
    assert sum(map(len, dealt.values())) == len(passages)
    assert all(dealt.values())
    assert deal(passages, names, similarity) == dealt


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a", "A"], "name of their own"),
        (["!"], "letters"),
        ([*map(str, range(99))], "release more"),
    ],
)
def test_what_cannot_be_dealt_is_refused(
    passages: Sequence[KitPassage], names: list[str], why: str
) -> None:
    with pytest.raises(DecisionError, match=why):
        deal(passages, names, 0.6)


def test_a_live_campaign_has_kits_too() -> None:
    whole, posts = all_released()
    live = replace(whole.campaign.schedule, mode=Mode.LIVE)
    whole = replace(whole, campaign=replace(whole.campaign, schedule=live))

    assert len(passages_of(whole, posts[:3], NOW)) == 3


def test_share_links_carry_the_text_and_nothing_else(passages: Sequence[KitPassage]) -> None:
    texts = [text for each in passages for text in each.texts]

    assert {text.platform for text in texts} == {"x", "mastodon", "bluesky"}
    for text in texts:
        parts = urlsplit(text.share)
        assert parse_qs(parts.query) == {"text": [text.parts[0]]}
        assert parts.scheme == "https"
        assert not parts.fragment
        assert text.length <= text.max_length


@pytest.fixture(scope="module")
def kit(bot: RunningBot, where: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit") / "out"
    names = [word for name in PARTNERS for word in ("--partner", name)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.public.kit.draw", lambda card: f"a picture {card.size}".encode())
        assert run(["kit", str(folder), *names, *where]) == 0
    return folder


def test_each_link_of_a_kit_leads_somewhere_and_nobody_is_named(kit: Path, bot: RunningBot) -> None:
    files = files_of(kit)
    names = [path.name for path in kit.iterdir() if path.is_dir()]
    pages = {name: files[f"{name}/index.html"].decode() for name in names}

    assert broken_links(files) == []
    assert len(names) == len(PARTNERS)
    assert [each for each in UNSEEN for raw in files.values() if each.encode() in raw] == []
    for name, page in pages.items():
        assert "<script" not in page
        assert "Not before" in page
        assert "Do not change the words" in page
        assert [other for other in PARTNERS if other in page and f"<bdi>{other}" not in page] == []
        with zipfile.ZipFile(io.BytesIO(files[f"{name}.zip"])) as archive:
            inside = {each: archive.read(each) for each in archive.namelist()}
            assert {each.external_attr >> 16 for each in archive.infolist()} == {0o644}
        assert {f"{name}/{each}": raw for each, raw in inside.items()}.items() <= files.items()
        assert broken_links(inside) == []
        assert any(each.endswith("/qr.svg") for each in inside)
    assert bot.store.audit.rows(limit=1)[0].verb == "kit"
    assert kit.stat().st_mode & 0o777 == 0o700, "it has words that are not out yet"


def test_the_texts_of_the_zips_pass_through_check(
    kit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for path in kit.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if re.search(r"/(mastodon|x)\.txt", name)]
            texts += [(Path(name).stem, archive.read(name).decode()) for name in names]
    tree = CampaignTree(tmp_path, shipped=True)
    for path in tree.posts.rglob("*.yaml"):
        if "sources" not in path.parts:
            path.unlink()
    posts = []
    for number, (platform, text) in enumerate(texts):
        quoted = marked_spans(text)[0][0]
        own = text[: quoted.start - 1].strip("… \n")
        attribution = text[quoted.end + 1 :].strip("… \n").splitlines()[0]
        assert attribution == shipped().sources["letter"].attribution
        words = {
            "id": f"kit-{number}", "queue": "excerpts", "author": "a-partner",
            "quote": {"source": "letter", "text": quoted.text},
            "accounts": [f"coalition-{platform}"], **({"text": own} if own else {}),
        }  # fmt: skip
        posts.append(words)
    tree.put("posts/kit.yaml", json.dumps({"posts": posts}, ensure_ascii=False))

    assert run(["check", *tree.places(tmp_path)]) == 0, capsys.readouterr().out
    assert len(posts) >= 4


def test_cards_have_three_shapes_and_all_words(passages: Sequence[KitPassage]) -> None:
    shortest = min(passages, key=lambda each: len(each.shown))

    cards = shortest.cards()

    assert {shape: Image.open(io.BytesIO(raw)).size for shape, raw in cards.items()} == SHAPES
    assert shortest.shown in shortest.alt


def test_a_folded_warning_is_a_file_of_its_own(
    passages: Sequence[KitPassage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.public.kit.draw", lambda _card: b"a picture")
    (graphic,) = (each for each in passages if each.post.id == "camps-millions-even-children")

    files = kit_files({"a": [graphic]}, shipped())

    assert files[f"a/{graphic.post.id}/mastodon-warning.txt"].startswith(b"Content warning: ")
    assert files[f"a/{graphic.post.id}/x.txt"].startswith(b"CW: torture")


def test_the_same_kit_has_the_same_bytes(
    passages: Sequence[KitPassage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.public.kit.draw", lambda _card: b"a picture")
    dealt = deal(passages[:3], ["a"], 0.6)

    assert kit_files(dealt, shipped()) == kit_files(dealt, shipped())
    assert zipped({"a": b"1"}) == zipped({"a": b"1"})


def test_a_translation_says_who_answers_for_it(tmp_path: Path) -> None:
    tree, text = CampaignTree(tmp_path), "Ce sont nos mères et nos pères.\n"
    tree.put_source("french", text, lang="fr", **TRANSLATED)
    tree.change("posts/main.yaml", "    queue: main\n", """\
    queue: main
    partners_from: 2026-12-09 09:00
  - id: french
    quote:
      source: french
      text: "Ce sont nos mères et nos pères."
      original: "They are our mothers and fathers"
    queue: main
    partners_from: 2026-12-09 09:00
""")  # fmt: skip
    campaign = tree.campaign()
    whole = render_campaign(campaign, specs=spec(), limits={})

    first, _ = passages_of(whole, campaign.posts, NOW)

    assert [(of.lang, of.confirmed_by) for _text, of in first.translations] == [("fr", ("Tursun",))]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("partners_from: 2027-03-14 02:30", "time-skipped"),
        ("partners_from: tomorrow", "value"),
        ("partners_from: 2036-01-01 09:00", "time-far"),
    ],
)
def test_a_moment_that_cannot_be_is_refused_with_its_line(
    tmp_path: Path, line: str, rule: str
) -> None:
    tree = CampaignTree(tmp_path)
    tree.put_post('text: "We ask."', "queue: main", line)

    (problem,) = tree.load().errors

    assert (problem.rule, problem.line) == (rule, 5)


def test_what_is_past_is_open_to_partners(tmp_path: Path) -> None:
    tree = CampaignTree(tmp_path)
    tree.put_post('text: "We ask."', "queue: main", "partners_from: 2025-01-01 09:00")

    assert tree.post().partners_from == datetime(2025, 1, 1, 14, tzinfo=UTC)
    assert tree.problems() == []


def test_the_desk_deals_kits_too(desk: RunningBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.public.kit.draw", lambda _card: b"a picture")
    browser, names = HttpBrowser(desk.origin), "\n".join(PARTNERS[:2])

    first = browser.get("/kit").text
    dealt = browser.post("/kit", {"partners": names}).text
    answer = browser.post("/kit/zip", {"partners": names, "partner": PARTNERS[0]})
    wrong = browser.post("/kit/zip", {"partners": names, "partner": "Nobody"})

    assert "Not before" in first
    assert "Zip<span" in dealt
    assert answer.headers["content-type"] == "application/zip"
    assert "acme-rights.zip" in answer.headers["content-disposition"]
    assert wrong.status == 400
    assert browser.post("/kit", {"partners": "a\nA"}).status == 409
