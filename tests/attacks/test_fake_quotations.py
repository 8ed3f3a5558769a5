"""Invented words made to look like the letter's, wherever an editor may write words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from bot.app.content import prove_files
from bot.delivery.model import State
from bot.errors import DecisionError
from bot.planning.corrections import Corrections
from tests.attacks.attack import Attacker, attack
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import NINE, RunningBot, post

ATTRIBUTION = "— Open letter from four Uyghur organizations, December 9, 2022"
#: Signs that readers take for quotation marks; most are found by Unicode's names alone.
PAIRS = """\
′ ′;″ ″;‶ ″;‵ ′;ʺ ʺ;ʻ ʼ;ʹ ʹ;`` '';'' '';,, '';,, “;‚‚ ‘‘
` ';` `;´ ´;<< >>;≪ ≫;❛ ❜;❝ ❞;❟ ❜;❠ ❞;🙶 🙷;🙸 🙷;❮ ❯
〈 〉;《 》;⟨ ⟩;⟪ ⟫;⌜ ⌝;⸢ ⸣;「 」;『 』;﹁ ﹂;｢ ｣;〝 〞;〝 〟
＂ ＂;＇ ＇;› ‹;» «;” ”;’ ’;‟ ”;‛ ’;״ ״;׳ ׳;˝ ˝;ˮ ˮ
« »;„ “;„ ”;‚ ‘;⹂ ”;⸂ ⸃;〃 〃;‘ ’;“ ”;" ";' ';「 』
“ ";﴾ ﴿;ˈ ˈ;⁗ ⁗;՚ ՚""".replace("\n", ";").split(";")
SIGNED = (
    f"We knew all along.\n{ATTRIBUTION}",
    f"We knew all along. {ATTRIBUTION}",
    f"We knew all along. {ATTRIBUTION[2:]}",
    f"We knew all along.\nSource: {ATTRIBUTION[2:]}",
    f"{ATTRIBUTION[2:]}: We knew all along.",
    "We knew all along.\n-- Open letter, December 9, 2022",
    "We knew all along.\n- Open letter of four Uyghur organizations, 2022",
    "We knew all along (Open letter from 4 Uyghur organizations, December 2022)",
    "We knew — Uyghur Human Rights Project, Campaign for Uyghurs, 2022",
    "We knew. Campaign for Uyghurs, 9 December 2022",
    "We knew. Open letter to Dahua and Lorex partners, 2022",
    "WE KNEW. OPEN LETTER FROM FOUR UYGHUR ORGANIZATIONS, DECEMBER 9, 2022",
    "We knew. Open  letter\nfrom four Uyghur organizations\nDecember 9, 2022",
    "We knew | Open letter from four Uyghur organizations, December 9, 2022",
    "We knew all along - Open letter, December 9, 2022",
    "We knew all along -- Open letter, December 9, 2022",
    "We knew all along * Open letter, December 9, 2022",
    "We knew all along → Open letter, December 2022",
    "We knew all along -> Open letter, December 2022",
    "We knew all along… Open letter, December 2022",
    "We knew all along ★ Open letter of Uyghur groups, 2022",
    "We knew.\n- Open letter of Uyghur families, 2022",
    "We knew.\n* Open letter of Uyghur families, 2022",
    "We knew.\nOpen letter - December 9, 2022",
    "We knew. Open letter — December 9, 2022",
    "We knew. Open letter * December 2022",
    "We knew. Open letter • December 2022",
)
BLOCKS = (
    "> We knew.",
    "＞ We knew.",
    "— We knew.",
    "― We knew.",
    "-- We knew.",
    "Hear:\n> We knew.",
)
LOOKALIKE = {
    "cyrillic in a name": "Dаhua knew",
    "greek in a name": "Dahυa knew",
    "cyrillic in a word": "genоcide",
    "cyrillic in a half": "camera-mаkers",
    "armenian": "Dahսa",
    "cherokee": "Ꭰahua",
    "soft hyphen": "geno\u00adcide",
    "zero width space": "geno\u200bcide",
    "joiner": "Da\u200dhua",
    "word joiner": "Da\u2060hua",
    "filler": "Da\u3164hua",
    "selector": "Da\ufe0fhua",
    "direction mark": "Da\u200ehua",
    "tag": "Dahua\U000e0041",
    "invisible plus": "Da\u2064hua",
    "braille blank": "Da\u2800hua",
}
#: Where an editor writes words that readers see.
PLACES = ("text", "variant", "warning", "alt")


def placed(place: str, words: str) -> dict[str, object]:
    """Return a post that says these words there."""
    written: dict[str, object] = {"id": "p", "text": "Look at this.", "queue": "main"}
    match place:
        case "text":
            written["text"] = words
        case "variant":
            written["variants"] = {"mastodon": {"text": words}}
        case "warning":
            written["warning"] = words
        case "alt":
            written["media"] = [{"file": "media/a.png", "alt": words}]
    return written


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> CampaignTree:
    tree = CampaignTree(tmp_path_factory.mktemp("campaign"), shipped=True)
    picture = tree.posts / "media" / "a.png"
    picture.parent.mkdir(exist_ok=True)
    for file in tree.posts.rglob("*.yaml"):
        if "sources" not in file.parts:
            file.unlink()
    Image.new("RGB", (40, 30)).save(picture)
    tree.change("schedule.yaml", "queues:", "queues:\n  main: {slots: [weekday-morning]}")
    return tree


def rules_of(tree: CampaignTree, *cases: tuple[str, str]) -> dict[tuple[str, str], set[str]]:
    """Return the rules of errors that words break at a place, all of them checked at once."""
    posts = [
        placed(place, words) | {"id": f"p{number}"} for number, (place, words) in enumerate(cases)
    ]
    tree.put("posts/p.yaml", json.dumps({"posts": posts}, ensure_ascii=False))
    found: dict[tuple[str, str], set[str]] = {case: set() for case in cases}
    for error in prove_files(tree.schedule, tree.posts).errors:
        number = re.match(r"p(\d+)\.", error.where)
        assert number, error
        found[cases[int(number[1])]].add(error.rule)
    return found


def everywhere(*words: str) -> list[tuple[str, str]]:
    return [(place, each) for each in words for place in PLACES]


def assert_refused(found: dict[tuple[str, str], set[str]], rule: str) -> None:
    assert {case: rules for case, rules in found.items() if rules != {rule}} == {}


@attack(
    Attacker.EDITOR,
    tried="invented words between any signs that look like quotation marks: primes, ornaments, "
    "guillemets, corner brackets, low and doubled marks, accents, letters, in prose and in "
    "Chinese; in texts, variants, warnings and alternative texts",
    comes_of_it="an error: what stands between such marks must be a source's words",
    remains="brackets, italics and capitals, which nobody takes for a quotation's marks",
)
def test_no_sign_passes_for_a_quotation_mark(tree: CampaignTree) -> None:
    pairs = [pair.split(" ") for pair in PAIRS]
    words = [
        text
        for a, b in pairs
        for text in (
            f"It says: {a}We knew all along in 2017{b}. So it is.",
            f"{a} We knew all along {b}",
            f"信中说{a}我们早就知道{b}。",
        )
    ]

    found = rules_of(tree, *(("text", each) for each in words), *everywhere("It says: ″We knew″"))

    assert_refused(found, "quote-altered")


@attack(
    Attacker.EDITOR,
    tried="invented words without marks, with the true attribution after or before them, whole or "
    "in part; also in variants, warnings and alternative texts",
    comes_of_it="an error: words of one's own may not read as an attribution",
    remains="a sentence of one's own about the letter; approvers read it",
)
def test_no_own_words_are_signed_as_the_letter(tree: CampaignTree) -> None:
    assert_refused(rules_of(tree, *everywhere(*SIGNED)), "attribution-shape")


@attack(
    Attacker.EDITOR,
    tried="invented words before exact ones in marks and their attribution, in a text",
    comes_of_it="an error; only the alternative text of a picture may say what the picture shows",
)
def test_an_attribution_after_exact_words_is_for_pictures(tree: CampaignTree) -> None:
    exact = f"“We write to urge that you decouple from Dahua.” {ATTRIBUTION}"

    found = rules_of(tree, ("alt", f"A card: {exact}"), ("text", f"We knew. {exact}"))

    assert list(found.values()) == [set(), {"attribution-shape"}]


@attack(
    Attacker.EDITOR,
    tried="invented words in the shape of a quoted block or of speech: `>`, a dash before a line",
    comes_of_it="an error",
)
def test_no_line_is_shaped_as_a_quotation(tree: CampaignTree) -> None:
    assert_refused(rules_of(tree, *everywhere(*BLOCKS)), "attribution-shape")


@attack(
    Attacker.EDITOR,
    tried="another word under the look of one: letters of another alphabet, characters that nobody "
    "sees, in texts, variants, warnings and alternative texts",
    comes_of_it="an error that names the character",
    remains="a whole word of another alphabet",
)
def test_no_word_is_another_one_in_disguise(tree: CampaignTree) -> None:
    assert_refused(rules_of(tree, *everywhere(*LOOKALIKE.values())), "character")


@attack(
    Attacker.EDITOR,
    tried="a letter of another alphabet in a title, an attribution, an owner's or an author's name",
    comes_of_it="an error at that key",
)
def test_no_name_is_another_one_in_disguise(tmp_path: Path) -> None:
    tree = CampaignTree(tmp_path)
    tree.change("posts/sources/letter.yaml", "Open letter, Dec", "Оpen letter, Dec")
    tree.change("posts/sources/investigations.yaml", "Paper, title: A t", "Pаper, title: A t")
    tree.put_post("text: Look", "queue: main", "author: Аnn")

    found = [line for line in tree.errors() if "mixes alphabets" in line]

    assert [line.split(": ")[1] for line in found] == [
        "p.author", "investigations[0].outlet", "attribution",
    ]  # fmt: skip


@attack(
    Attacker.EDITOR,
    tried="an id that looks like the one of a known post, source or theme, in other letters",
    comes_of_it="an error that names the letter: no two ids of a kind look alike",
    remains="the id of a post that is gone may be imitated; what it says is approved anew",
)
def test_no_id_passes_for_another_one(tmp_path: Path) -> None:
    tree = CampaignTree(tmp_path)
    tree.change("posts/sources/investigations.yaml", "id: known", "id: 1etter")
    tree.change("posts/main.yaml", "id: first", "id: соса")
    tree.put("posts/other.yaml", 'posts:\n  - {id: coca, text: "Look", queue: main}\n')
    tree.put_post("text: Look there", "queue: main", "theme: оther")

    found = dict(line.split(": ", 2)[1:] for line in tree.errors())

    assert "'coca' looks like 'соса' (" in found["coca.id"]
    assert "'1etter' looks like 'letter' (" in found["investigations[0].id"]
    assert "mixes letters of two scripts" in found["p.theme"]


@attack(
    Attacker.EDITOR,
    tried="invented words in the preview of a link",
    comes_of_it="an error at the post that links there",
)
def test_no_preview_quotes_what_nobody_wrote(tree: CampaignTree) -> None:
    name = "posts/sources/letter.yaml"
    card = "description: Four Uyghur organizations, December 9, 2022"
    tree.change(name, card, "description: '‹We knew all along›, they say'")
    whole = {"posts": [placed("text", "Read it.") | {"link": "letter"}]}
    tree.put("posts/p.yaml", json.dumps(whole))

    errors = prove_files(tree.schedule, tree.posts).errors
    tree.change(name, "description: '‹We knew all along›, they say'", card)

    assert {each.rule for each in errors} == {"quote-altered"}
    assert "its preview" in errors[0].message


@attack(
    Attacker.APPROVER,
    tried="invented words in a correction, or in the public reason of one or of a retraction: in"
    " marks, signed, with unseen or look-alike characters",
    comes_of_it="refused, as in any post",
)
def test_no_correction_quotes_what_nobody_wrote(tmp_path: Path) -> None:
    bot = RunningBot(tmp_path, tree=CampaignTree(tmp_path / "campaign"))
    bot.set("timezone: America/New_York", "timezone: UTC\nmode: live")
    bot.use("m")
    bot.start_approved(post("one", at=NINE))
    bot.wait(NINE)
    assert bot.row("one").state is State.SENT
    contents, platform = bot.services.contents, bot.services.publisher.platform
    desk = Corrections(bot.store, bot.clock, lambda: contents.rendered, platform)

    signed = "We knew. — Open letter, December 9, 2022"
    for words in ("They wrote ‹We knew›.", signed, "Dаhua", "a\u200bb"):
        with pytest.raises(DecisionError):
            desk.correct("one", words, by="Ann", why="wrong")
        with pytest.raises(DecisionError, match="readers see the reason"):
            desk.correct("one", "It was four.", by="Ann", why=words)
        with pytest.raises(DecisionError, match="readers see the reason"):
            desk.retract("one", by="Ann", why=words)
    assert bot.rows("correction-1-of-one") == []
    assert desk.listed() == ()
    bot.stop()
