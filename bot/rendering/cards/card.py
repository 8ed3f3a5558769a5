"""Draws a quotation as a picture: text in, PNG bytes out, the same for the same text."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from bot.errors import CardError
from bot.rendering.cards.breaking import is_rtl
from bot.rendering.cards.layout import Block, Style, fit, shaping
from bot.rendering.cards.typefaces import BOLD, REGULAR, load, missing_letters, typeface_for

Colour = tuple[int, int, int]

#: Width and height in pixels: for a timeline (16:9), and for a telephone held upright (4:5).
LANDSCAPE = (1200, 675)
PORTRAIT = (1080, 1350)

PAPER: Colour = (250, 247, 241)
INK: Colour = (24, 26, 30)
#: The campaign line; quieter than ink and still 7:1 on paper.
QUIET: Colour = (74, 76, 82)
#: The bar over the quotation.
ACCENT: Colour = (15, 76, 117)
HAIRLINE: Colour = (205, 198, 184)

#: Drawn this much larger and scaled down: curves come out smooth and places finer than a pixel.
_FINE = 3


@dataclass(frozen=True, slots=True)
class CardText:
    """What stands on a card. The quotation is drawn as it is given, marks and ellipses included."""

    quotation: str
    #: Who, what and the date: the source's own attribution line.
    attribution: str
    #: One short line that says whose campaign this is; may be empty.
    campaign: str = ""
    #: BCP 47 tag of the quotation; chooses the typeface and the letter forms.
    lang: str = "en"
    direction: Literal["ltr", "rtl"] = "ltr"


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where things stand on a card of one size, in pixels."""

    margin: int
    top: int
    bottom: int
    bar: tuple[int, int]
    #: Between bar and quotation, and at least between quotation and footer.
    gap: int
    quotation: tuple[int, ...]
    attribution: int
    campaign: int
    #: Between attribution and campaign line.
    step: int


#: The smallest sizes are what can still be read where a telephone shows the card 375 wide.
GEOMETRIES = {
    LANDSCAPE: Geometry(
        margin=90,
        top=60,
        bottom=54,
        bar=(88, 8),
        gap=32,
        quotation=(78, 72, 66, 60, 55, 50, 46, 42, 39, 36, 34, 32),
        attribution=28,
        campaign=24,
        step=6,
    ),
    PORTRAIT: Geometry(
        margin=100,
        top=108,
        bottom=92,
        bar=(104, 10),
        gap=52,
        quotation=(96, 88, 80, 74, 68, 62, 57, 52, 48, 44, 40, 37, 34),
        attribution=33,
        campaign=28,
        step=10,
    ),
}


def card_alt(quotation: str, attribution: str) -> str:
    """What a card says to those who cannot see it: all its words, in their order."""
    return f"{quotation}\n{attribution}"


def draw(card: CardText, *, size: tuple[int, int] = LANDSCAPE) -> bytes:
    """Draw a quote card as PNG.

    Args:
        card: What stands on it.
        size: `LANDSCAPE` or `PORTRAIT`.

    Raises:
        CardError: the text is too long, has letters the typeface lacks, or is empty.
        SettingsError: Raqm is missing, see `require_raqm`.
    """
    _refuse_unwritable(card)
    layout = Layout.of(card, size)
    sheet = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), PAPER)
    _Pen(ImageDraw.Draw(sheet), layout).draw()
    out = io.BytesIO()
    sheet.resize(size, Image.Resampling.BOX).save(out, "PNG", compress_level=9)
    return out.getvalue()


def _refuse_unwritable(card: CardText) -> None:
    if not card.quotation.strip() or not card.attribution.strip():
        raise CardError("a card needs a quotation and its attribution")
    typeface = typeface_for(card.lang)
    missing = missing_letters(typeface, card.quotation + card.attribution + card.campaign)
    if missing:
        raise CardError(
            f"the typeface for {card.lang!r} cannot write {missing!r};"
            " set `lang` to the quotation's language or post it without a card"
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """A card's three paragraphs, broken and sized, and where they begin."""

    size: tuple[int, int]
    geometry: Geometry
    rtl: bool
    quotation: Block
    attribution: Block
    campaign: Block | None
    #: Upper edge of the quotation and of the attribution.
    quotation_top: float
    attribution_top: float

    @classmethod
    def of(cls, card: CardText, size: tuple[int, int]) -> Layout:
        """Lay out a card.

        Raises:
            CardError: something on it is too long; says how long it may be.
        """
        if size not in GEOMETRIES:
            raise CardError(f"cards are drawn in {list(GEOMETRIES)}, not {size}")
        geometry = GEOMETRIES[size]
        width = size[0] - 2 * geometry.margin
        attribution = _footer_block(card, card.attribution, BOLD, geometry.attribution, width)
        campaign = None
        if card.campaign.strip():
            campaign = _footer_block(card, card.campaign, REGULAR, geometry.campaign, width)
        footer = attribution.height + (campaign.height + geometry.step if campaign else 0)
        top = geometry.top + geometry.bar[1] + geometry.gap
        attribution_top = size[1] - geometry.bottom - footer
        room = attribution_top - 2 * geometry.gap - top
        quotation = _quotation_block(card, geometry, (width, room), size)
        rest = room - quotation.height
        return cls(
            size=size,
            geometry=geometry,
            rtl=card.direction == "rtl",
            quotation=quotation,
            attribution=attribution,
            campaign=campaign,
            quotation_top=top + rest * 0.42,  # the optical middle is above the measured one
            attribution_top=attribution_top,
        )


def _footer_block(card: CardText, text: str, weight: int, size: int, width: int) -> Block:
    typeface = typeface_for(card.lang)
    style = Style(typeface, card.lang, is_rtl(text), weight)
    block = fit(text, style, box=(width, math.inf), sizes=(size * typeface.scale,))
    if block is None or len(block.lines) > 2:
        raise CardError(f"{text!r} is longer than the two lines it has on a card; shorten it")
    return block


def _quotation_block(
    card: CardText, geometry: Geometry, box: tuple[float, float], size: tuple[int, int]
) -> Block:
    typeface = typeface_for(card.lang)
    style = Style(typeface, card.lang, card.direction == "rtl")
    sizes = [one * typeface.scale for one in geometry.quotation]
    block = fit(card.quotation, style, box=box, sizes=sizes, hangs=True)
    if block is None:
        longest = _longest(card.quotation, style, box, sizes[-1])
        raise CardError(
            f"the quotation has {len(card.quotation)} characters; about {longest} of them fit on a"
            f" card of {size[0]} by {size[1]} in letters that can be read: quote less, choose"
            " another size, or post it as text"
        )
    return block


def _longest(text: str, style: Style, box: tuple[float, float], size: float) -> int:
    """How many characters of a text fit at its smallest size."""
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        if fit(text[:middle], style, box=box, sizes=(size,), hangs=True):
            low = middle
        else:
            high = middle
    return low


class _Pen:
    """Draws a layout on a sheet that is `_FINE` times as large."""

    def __init__(self, sheet: ImageDraw.ImageDraw, layout: Layout) -> None:
        self._sheet = sheet
        self._layout = layout
        self._edge = (
            layout.size[0] - layout.geometry.margin if layout.rtl else layout.geometry.margin
        )

    def draw(self) -> None:
        layout, geometry = self._layout, self._layout.geometry
        bar_top = layout.quotation_top - geometry.gap - geometry.bar[1]
        self._bar(bar_top, geometry.bar, ACCENT)
        wide = layout.size[0] - 2 * geometry.margin
        self._bar(layout.attribution_top - geometry.gap * 0.55, (wide, 1), HAIRLINE)
        self._block(layout.quotation, layout.quotation_top, INK)
        self._block(layout.attribution, layout.attribution_top, INK)
        if layout.campaign:
            below = layout.attribution_top + layout.attribution.height + geometry.step
            self._block(layout.campaign, below, QUIET)

    def _bar(self, top: float, size: tuple[int, int], colour: Colour) -> None:
        left = self._edge - size[0] if self._layout.rtl else self._edge
        box = (left, top, left + size[0], top + size[1])
        x0, y0, x1, y1 = (round(one * _FINE) for one in box)
        self._sheet.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)

    def _block(self, block: Block, top: float, colour: Colour) -> None:
        style = block.style
        font = load(style.typeface, block.size * _FINE, style.weight)
        ascent, descent = font.getmetrics()
        drop = (block.leading * _FINE - ascent - descent) / 2 + ascent
        for row, line in enumerate(block.lines):
            hang = block.hang if row == 0 else 0
            x = self._edge + (hang if self._layout.rtl else -hang)
            self._sheet.text(
                (round(x * _FINE), round((top + row * block.leading) * _FINE + drop)),
                line,
                fill=colour,
                font=font,
                anchor="rs" if self._layout.rtl else "ls",
                **shaping(line, style),
            )
