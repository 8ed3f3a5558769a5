"""Our line breaks, widths, glyphs and their order are a browser's, with the same fonts."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from playwright.sync_api import Page

from bot.rendering.cards.card import CARD_SIZE, MARGIN, Layout
from bot.rendering.cards.layout import Style, length, line_of, shaping, stretches
from bot.rendering.cards.typefaces import (
    ARABIC,
    CHINESE,
    FONTS,
    LATIN,
    Typeface,
    load,
    typeface_for,
)
from tests.browser.chromium import chromium, new_window
from tools import sample_cards as samples

pytestmark = pytest.mark.browser

Profile = NDArray[np.float64]

#: CSS pixels; the browser draws two device pixels for each.
SIZE, FINE = 48, 2
UYGHUR = f"{samples.UYGHUR_1} {samples.UYGHUR_2}"
#: Text and language. Uyghur, Arabic and Chinese are article 1; what is mixed in tests only order.
TEXTS = {
    "english": (samples.SAMPLES["english-long"].quotation, "en"),
    "attribution": (samples.LETTER, "en"),
    "hyphens": ("a state-sponsored, well-known (so-called) “re-education” of 1990–2000, -5", "en"),
    "uyghur": (f"«{UYGHUR}»", "ug"),
    "arabic": (f"«{samples.ARABIC}»", "ar"),
    "chinese": (f"“{samples.CHINESE}”", "zh-Hans"),
    "chinese marks": (
        "世界人权宣言（一九四八年）：“人人生而自由。”《宣言》第一条，在尊严上。",
        "zh-Hans",
    ),
    "isolated latin": (f"«{samples.UYGHUR_1}» (\u2066“{samples.ENGLISH}”\u2069) 1948", "ug"),
    "latin in uyghur": (f"{samples.UYGHUR_1} Dahua Technology (2017), 100% {UYGHUR}", "ug"),
    "latin over edges": (f"{UYGHUR} one, two (three); four 5, 6 seven. 8 nine {UYGHUR}", "ug"),
    "latin in chinese": (
        f"{samples.CHINESE}Dahua Technology 2022年12月9日,{samples.CHINESE}",
        "zh",
    ),
    "arabic in latin": (f"Article 1: {samples.ARABIC} (1948, 2022) and {samples.ARABIC}", "ar-001"),
}
#: One that runs from left to right although its letters do not.
LTR = {name for name, (_, lang) in TEXTS.items() if lang not in ("ug", "ar")}
NAMES = list(TEXTS)

SCRIPT = """
({text, lang, dir, family, size, width}) => {
  const box = document.getElementById('box');
  Object.assign(box, {lang, dir, textContent: text});
  Object.assign(box.style, {
    width: width + 'px', fontFamily: family, fontSize: size + 'px', lineHeight: 2,
  });
  const node = box.firstChild, range = document.createRange(), lines = [];
  for (let at = 0; at < text.length; at++) {
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    const rect = [...range.getClientRects()].find((one) => one.width > 0);
    if (!rect || /\\s/.test(text[at])) continue;
    const line = lines[lines.length - 1];
    if (line && Math.abs(line.top - rect.top) < size / 2) {
      line.left = Math.min(line.left, rect.left);
      line.right = Math.max(line.right, rect.right);
    } else {
      lines.push({start: at, top: rect.top, height: rect.height, left: rect.left,
                  right: rect.right});
    }
  }
  return lines;
}
"""


@dataclass(frozen=True)
class Line:
    """One line as the browser broke it; places in CSS pixels."""

    start: int
    end: int
    text: str
    left: float
    right: float
    top: float
    height: float


@dataclass(frozen=True)
class Browser:
    page: Page

    def lines(self, name: str, width: float, text: str | None = None) -> list[Line]:
        text, style = text or TEXTS[name][0], style_of(name)
        asked: dict[str, Any] = {
            "text": text,
            "lang": style.lang,
            "dir": shaping("", style)["direction"],
        }
        asked |= {"family": family(style.typeface), "size": SIZE, "width": width}
        raw = self.page.evaluate(SCRIPT, asked)
        ends = [*(line["start"] for line in raw[1:]), len(text)]
        return [self._line(text, one, end) for one, end in zip(raw, ends, strict=True)]

    def _line(self, text: str, raw: dict[str, Any], end: int) -> Line:
        start = int(raw["start"])
        while start and text[start - 1] in "\u2066\u2067\u2068":
            start -= 1  # an isolate begins with what it holds
        while end and text[end - 1] in "\u2066\u2067\u2068":
            end -= 1
        place = (float(raw[key]) for key in ("left", "right", "top", "height"))
        return Line(start, end, text[start:end].strip(), *place)

    def ink(self, line: Line) -> Image.Image:
        """The line as it was drawn; black on white, with room around."""
        middle, margin = line.top + line.height / 2, 40
        clip = {"x": line.left - margin, "width": line.right - line.left + 2 * margin}
        clip |= {"y": middle - SIZE, "height": 2.0 * SIZE}
        png = self.page.screenshot(clip=clip)  # type: ignore[arg-type] # a dict is its FloatRect
        return Image.open(io.BytesIO(png)).convert("L")


def family(typeface: Typeface) -> str:
    return typeface.file.partition(".")[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    faces = "".join(
        f"@font-face {{font-family: {family(one)}; font-weight: 400 700; src: url(data:font/otf;"
        f"base64,{base64.b64encode((FONTS / one.file).read_bytes()).decode()})}}"
        for one in (LATIN, ARABIC, CHINESE)
    )
    page_css = "body {margin: 60px} #box {text-rendering: geometricPrecision}"
    probes = "".join(
        f"<i style='font-family:{family(one)}'>a</i>" for one in (LATIN, ARABIC, CHINESE)
    )
    with chromium("--font-render-hinting=none") as chrome:
        size = {"width": 2400, "height": 2400}
        page = new_window(chrome, viewport=size, device_scale_factor=FINE).new_page()
        page.set_content(f"<style>{faces}{page_css}</style><div id=box>x</div>{probes}")
        page.evaluate("document.fonts.ready")
        yield Browser(page)


def style_of(name: str) -> Style:
    lang = TEXTS[name][1]
    return Style(typeface_for(lang), lang, rtl=name not in LTR)


def greedy(text: str, style: Style, width: float) -> list[str]:
    """Fill each line as far as it goes, as browsers do, from our pieces and our widths."""
    lines, start, end = [], 0, 0
    for piece_start, piece_end in stretches(text):
        if end > start and length(text[start:piece_end].strip(), style) * SIZE > width:
            lines.append(text[start:end].strip())
            start = piece_start
        end = piece_end
    return [*lines, text[start:end].strip()]


def drawn(line: str, style: Style) -> Image.Image:
    font = load(style.typeface, SIZE * FINE, style.weight)
    wide = round(length(line, style) * SIZE * FINE)
    sheet = Image.new("L", (wide + 80 * FINE, 2 * SIZE * FINE), 255)
    at = (40 * FINE, 1.3 * SIZE * FINE)
    ImageDraw.Draw(sheet).text(at, line, 0, font, anchor="ls", **shaping(line, style))
    return sheet


def profiles(image: Image.Image) -> tuple[Profile, Profile]:
    """Ink per column and per row, cut to the ink's own box."""
    ink = 255.0 - np.asarray(image, dtype=np.float64)
    columns, rows = ink.sum(axis=0), ink.sum(axis=1)
    held, high = np.flatnonzero(columns > 200), np.flatnonzero(rows > 200)
    return columns[held[0] : held[-1] + 1], rows[high[0] : high[-1] + 1]


def alike(one: Profile, other: Profile, bins: int) -> float:
    """Correlation over equal shares of both, so that half a pixel here or there says nothing."""
    if abs(len(one) - len(other)) > 2 + len(one) / 50:
        return 0.0
    return float(np.corrcoef(binned(one, bins), binned(other, bins))[0, 1])


def binned(profile: Profile, bins: int) -> Profile:
    summed = np.concatenate([[0.0], np.cumsum(profile)])
    edges = np.linspace(0, len(profile), bins + 1)
    return np.diff(np.interp(edges, np.arange(len(summed)), summed))


def likeness(one: Image.Image, other: Image.Image) -> float:
    """The lesser correlation of the columns and of the rows: 1 for the same line."""
    (columns, rows), (other_columns, other_rows) = profiles(one), profiles(other)
    bins = max(12, len(columns) // (SIZE * FINE // 8))
    return min(alike(columns, other_columns, bins), alike(rows, other_rows, 24))


@pytest.mark.parametrize("name", NAMES)
def test_lines_may_end_where_the_browser_lets_them(browser: Browser, name: str) -> None:
    text = TEXTS[name][0]

    ours = [text[start:end].strip() for start, end in stretches(text)]

    assert ours == [line.text for line in browser.lines(name, width=1)]


@pytest.mark.parametrize("width", [420, 555, 700, 845, 1010, 1200])
@pytest.mark.parametrize("name", NAMES)
def test_lines_break_where_the_browser_breaks_them(browser: Browser, name: str, width: int) -> None:
    text = TEXTS[name][0]

    assert greedy(text, style_of(name), width) == [line.text for line in browser.lines(name, width)]


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_as_wide_as_the_browser_draws_them(browser: Browser, name: str) -> None:
    style = style_of(name)

    for line in browser.lines(name, 700):
        ours = length(line.text, style) * SIZE
        # Closing Chinese marks count half at a line's end, where their other half is empty.
        empty = SIZE / 2 if style.typeface is CHINESE and line.text[-1] in "》）”" else 0
        shown = line.right - line.left
        assert ours == pytest.approx(shown, rel=0.005, abs=1) or ours == pytest.approx(
            shown - empty, rel=0.005, abs=1
        )


@pytest.mark.deep
@pytest.mark.parametrize("width", [420, 1010])
@pytest.mark.parametrize("name", NAMES)
def test_glyphs_stand_where_the_browser_puts_them(browser: Browser, name: str, width: int) -> None:
    text, style = TEXTS[name][0], style_of(name)

    for line in browser.lines(name, width):
        ours = drawn(line_of(text, line.start, line.end, rtl=style.rtl), style)
        assert likeness(ours, browser.ink(line)) > 0.95, line.text


@pytest.mark.parametrize("name", ["uyghur", "arabic", "latin in uyghur", "latin over edges"])
def test_a_line_in_the_wrong_direction_would_be_seen(browser: Browser, name: str) -> None:
    text, right = TEXTS[name][0], style_of(name)
    wrong = Style(right.typeface, right.lang, rtl=not right.rtl)

    assert any(
        likeness(drawn(text[line.start : line.end].strip(), wrong), browser.ink(line)) < 0.9
        for line in browser.lines(name, 700)
    )


def test_a_line_without_its_neighbours_marks_would_be_seen(browser: Browser) -> None:
    style = style_of("latin over edges")

    assert any(
        likeness(drawn(line.text, style), browser.ink(line)) < 0.9
        for width in range(400, 1000, 50)
        for line in browser.lines("latin over edges", width)
    )


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_the_lines_of_each_sample_card_fit_their_card(browser: Browser, name: str) -> None:
    card = samples.SAMPLES[name]
    layout = Layout.of(card)
    room = CARD_SIZE[0] - 2 * MARGIN

    for row, line in enumerate(layout.quotation.lines):
        by = next(one for one, (_, lang) in TEXTS.items() if lang == card.lang)
        (shown,) = browser.lines(by, width=9999, text=line)
        wide = (shown.right - shown.left) * layout.quotation.size / SIZE
        assert wide <= room + (layout.quotation.hang if row == 0 else 0) + 1
