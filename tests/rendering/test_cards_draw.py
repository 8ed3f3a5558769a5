"""Cards are legible, complete, the same for the same text, and refuse what they cannot show."""

import hashlib
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from bot.errors import PictureError, SettingsError
from bot.rendering.cards.card import (
    ACCENT,
    CARD_SIZE,
    INK,
    PAPER,
    QUIET,
    CardText,
    Layout,
    card_alt,
    draw,
)
from bot.rendering.cards.typefaces import (
    ARABIC,
    CHINESE,
    FONTS,
    LATIN,
    Typeface,
    missing_letters,
    require_raqm,
    typeface_for,
)
from tests.conftest import require_shared
from tools.sample_cards import CAMPAIGN, LETTER, SAMPLES

ROOT = Path(__file__).resolve().parents[2]


def pixels(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance by WCAG 2.2."""
    shares = (one / 255 for one in colour)
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [INK, QUIET, ACCENT])
def test_everything_written_has_a_contrast_of_seven(colour: tuple[int, int, int]) -> None:
    assert contrast(colour, PAPER) >= 7


@pytest.mark.parametrize("name", SAMPLES)
def test_the_drawn_letters_reach_that_contrast(name: str) -> None:
    card = SAMPLES[name]
    layout, sheet = Layout.of(card), pixels(draw(card))

    for top, block in (
        (layout.quotation_top, layout.quotation),
        (layout.attribution_top, layout.attribution),
        (layout.attribution_top + layout.attribution.height, layout.campaign),
    ):
        assert block is not None
        band = np.asarray(sheet)[round(top) : round(top + block.height)].reshape(-1, 3)
        red, green, blue = (int(one) for one in band[band.sum(axis=1).argmin()])
        assert contrast((red, green, blue), PAPER) >= 7


@pytest.mark.parametrize("name", SAMPLES)
def test_margins_stay_empty(name: str) -> None:
    card = SAMPLES[name]
    sheet = np.asarray(pixels(draw(card)))
    edge = 48

    sheet_edges = (sheet[:edge], sheet[-edge:], sheet[:, :edge], sheet[:, -edge:])

    assert all((part == PAPER).all() for part in sheet_edges)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_committed_samples_are_what_is_drawn(name: str) -> None:
    card = SAMPLES[name]
    committed = Image.open(ROOT / "docs" / "cards" / f"{name}.png").convert("RGB")

    drawn = pixels(draw(card))

    # Another FreeType may shade an edge differently; another text or layout differs everywhere.
    difference = np.asarray(drawn, dtype=float) - np.asarray(committed, dtype=float)
    assert abs(difference).mean() < 0.2


def test_the_same_text_gives_the_same_bytes() -> None:
    card = SAMPLES["uyghur"]

    assert draw(card) == draw(card)


def test_a_card_holds_no_time_and_no_metadata() -> None:
    png, kinds, at = draw(SAMPLES["english-short"]), [], 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        kinds.append(kind)
        at += length + 12

    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_a_card_has_its_size() -> None:
    png = draw(SAMPLES["chinese"])

    assert pixels(png).size == CARD_SIZE
    assert len(png) < 950_000  # Bluesky takes a million bytes


@pytest.mark.parametrize(
    "change", [{"quotation": "“b”"}, {"attribution": "b"}, {"campaign": "b"}, {"campaign": ""}]
)
def test_everything_on_a_card_is_drawn(change: dict[str, str]) -> None:
    card: dict[str, Any] = {"quotation": "“a”", "attribution": "a", "campaign": "a"}

    assert draw(CardText(**card)) != draw(CardText(**{**card, **change}))


def test_every_excerpt_of_the_letter_fits_on_a_card() -> None:
    excerpts = json.loads(require_shared("letter/excerpts.json").read_text())["excerpts"]

    for excerpt in excerpts:
        layout = Layout.of(CardText(f"“{excerpt['text']}”", LETTER, CAMPAIGN))
        assert layout.quotation.size >= 32
        assert layout.quotation_top + layout.quotation.height < layout.attribution_top - 20


def test_the_english_samples_quote_the_letter() -> None:
    letter = require_shared("letter/2022-12-09-open-letter.txt").read_text(encoding="utf-8")

    for name in ("english-short", "english-long"):
        assert SAMPLES[name].quotation[1:-1] in letter


def test_a_quotation_that_is_too_long_is_told_how_long_it_may_be() -> None:
    words = "word " * 400

    with pytest.raises(
        PictureError, match=r"has 2000 characters; about (\d+) of them fit"
    ) as caught:
        draw(CardText(words, LETTER))

    fitting = int(str(caught.value).split("about ")[1].split()[0])
    assert Layout.of(CardText(words[:fitting], LETTER)).quotation.size == 32
    with pytest.raises(PictureError):
        Layout.of(CardText(words[: fitting + 6], LETTER))


@pytest.mark.parametrize(
    ("lang", "text", "missing"),
    [
        ("en", "ئۇ", "ئۇ"),
        ("en", "我人", "我人"),
        ("ug", "人", "人"),
        ("zh", "ئ", "ئ"),
        ("zh", "龘", "龘"),
        ("en", "a😀b", "😀"),
        ("en", "a\tb\x00", "\t\x00"),
    ],
)
def test_letters_that_the_typeface_lacks_are_named(lang: str, text: str, missing: str) -> None:
    with pytest.raises(PictureError) as caught:
        draw(CardText(text, "a", lang=lang))

    assert repr(missing) in str(caught.value)


@pytest.mark.parametrize(
    ("typeface", "text"),
    [
        (LATIN, "Ááßçøñ“”‘’«»…–—·№€ Ўў Ωω 0123\u00a0\u200b\u200d"),
        (
            ARABIC,
            "ئاەېىوۇۆۈۋڭگغچپژشقكلمنھيبتجدرزسخ،؟؛«»(2017) Dahua @#%[…]\u200c\u200f\u2067\u2069",
        ),
        (CHINESE, "人权“”‘’，。、；：！？《》（）——……「」 Dahua 2022 % […]"),
    ],
)
def test_letters_and_marks_that_campaigns_write_are_there(typeface: Typeface, text: str) -> None:
    assert missing_letters(typeface, text) == ""


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (CardText("", "a"), "needs a quotation and its attribution"),
        (CardText("a", ""), "needs a quotation and its attribution"),
        (CardText(" ", "a"), "needs a quotation and its attribution"),
        (CardText("a" * 90, LETTER), "of them fit"),
        (CardText("“a”", "too long " * 30), "longer than the two lines"),
        (CardText("“a”", "a", "too long " * 30), "longer than the two lines"),
    ],
)
def test_a_card_without_words_or_with_too_long_ones_is_refused(card: CardText, says: str) -> None:
    with pytest.raises(PictureError, match=says):
        draw(card)


@pytest.mark.parametrize(
    ("lang", "typeface"),
    [
        ("en", LATIN),
        ("tr", LATIN),
        ("ug", ARABIC),
        ("ug-Arab", ARABIC),
        ("ug-Latn", LATIN),
        ("ug-Cyrl-KZ", LATIN),
        ("ar-EG", ARABIC),
        ("zh", CHINESE),
        ("zh_Hans_CN", CHINESE),
        ("ZH-CN", CHINESE),
    ],
)
def test_each_language_has_its_typeface(lang: str, typeface: Typeface) -> None:
    assert typeface_for(lang) is typeface


def test_the_alternative_text_says_all_that_is_quoted() -> None:
    assert card_alt("“Whole.”", LETTER) == f"“Whole.”\n{LETTER}"


def test_missing_text_shaping_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _feature: False)

    with pytest.raises(SettingsError, match="libfribidi0"):
        require_raqm()


def test_the_fonts_are_those_that_their_readme_names() -> None:
    readme = (FONTS / "README.md").read_text(encoding="utf-8")

    files = sorted(FONTS.glob("*.[ot]tf"))
    assert files
    for file in files:
        assert f"| {file.name} | `{hashlib.sha256(file.read_bytes()).hexdigest()}` |" in readme
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
