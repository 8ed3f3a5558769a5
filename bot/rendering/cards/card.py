"""Draws a quotation as a picture: text in, PNG bytes out, the same for the same text."""

import io
import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageDraw

from bot.errors import PictureError
from bot.rendering.cards.layout import Block, Style, fit, shaping
from bot.rendering.cards.typefaces import BOLD, REGULAR, load, missing_letters, typeface_for
from bot.rendering.layout import direction

Colour = tuple[int, int, int]

PAPER: Colour = (250, 247, 241)
INK: Colour = (24, 26, 30)
#: The campaign line; quieter than ink and still 7:1 on paper.
QUIET: Colour = (74, 76, 82)
#: The bar over the quotation.
ACCENT: Colour = (15, 76, 117)
HAIRLINE: Colour = (205, 198, 184)

#: Width and height in pixels, as timelines show a card (16:9), and where things stand on it.
CARD_SIZE = (1200, 675)
MARGIN = 90
_TOP, _BOTTOM = 60, 54
_BAR = (88, 8)
#: Between bar and quotation, and at least between quotation and footer.
_GAP = 32
#: The smallest is what can still be read where a telephone shows the card 375 wide.
_QUOTATION_SIZES = (78, 72, 66, 60, 55, 50, 46, 42, 39, 36, 34, 32)
_ATTRIBUTION_SIZE, _CAMPAIGN_SIZE = 28, 24
#: Between attribution and campaign line.
_STEP = 6
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
    #: Width and height in pixels.
    size: tuple[int, int] = CARD_SIZE


def card_alt(quotation: str, attribution: str) -> str:
    """Return what a card says to those who cannot see it: all its words, in their order."""
    return f"{quotation}\n{attribution}"


def draw(card: CardText) -> bytes:
    """Draw a quote card as PNG.

    Raises:
        PictureError: the text is too long, has letters the typeface lacks, or is empty.
        SettingsError: Raqm is missing, see `require_raqm`.
    """
    if not card.quotation.strip() or not card.attribution.strip():
        raise PictureError("a card needs a quotation and its attribution")
    missing = missing_letters(
        typeface_for(card.lang), card.quotation + card.attribution + card.campaign
    )
    if missing:
        raise PictureError(
            f"the typeface for {card.lang!r} cannot write {missing!r};"
            " set `lang` to the quotation's language or post it without a card"
        )
    layout = Layout.of(card)
    sheet = Image.new("RGB", (card.size[0] * _FINE, card.size[1] * _FINE), PAPER)
    pen = ImageDraw.Draw(sheet)
    _draw_bar(pen, layout, layout.quotation_top - _GAP - _BAR[1], _BAR, ACCENT)
    hairline = (card.size[0] - 2 * MARGIN, 1)
    _draw_bar(pen, layout, layout.attribution_top - _GAP * 0.55, hairline, HAIRLINE)
    _draw_block(pen, layout, layout.quotation, layout.quotation_top, INK)
    _draw_block(pen, layout, layout.attribution, layout.attribution_top, INK)
    if layout.campaign:
        below = layout.attribution_top + layout.attribution.height + _STEP
        _draw_block(pen, layout, layout.campaign, below, QUIET)
    out = io.BytesIO()
    sheet.resize(card.size, Image.Resampling.BOX).save(out, "PNG", compress_level=9)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Layout:
    """A card's three paragraphs, broken and sized, and where they begin."""

    #: Where lines begin.
    edge: int
    rtl: bool
    quotation: Block
    attribution: Block
    campaign: Block | None
    #: Upper edge of the quotation and of the attribution.
    quotation_top: float
    attribution_top: float

    @classmethod
    def of(cls, card: CardText) -> Self:
        """Lay out a card.

        Raises:
            PictureError: something on it is too long; says how long it may be.
        """
        attribution = _footer_block(card, card.attribution, BOLD, _ATTRIBUTION_SIZE)
        campaign, footer = None, attribution.height
        if card.campaign.strip():
            campaign = _footer_block(card, card.campaign, REGULAR, _CAMPAIGN_SIZE)
            footer += campaign.height + _STEP
        top = _TOP + _BAR[1] + _GAP
        attribution_top = card.size[1] - _BOTTOM - footer
        room = attribution_top - 2 * _GAP - top
        quotation = _quotation_block(card, room)
        rtl = direction(card.quotation) == "R"
        return cls(
            edge=card.size[0] - MARGIN if rtl else MARGIN,
            rtl=rtl,
            quotation=quotation,
            attribution=attribution,
            campaign=campaign,
            # The optical middle is above the measured one.
            quotation_top=top + (room - quotation.height) * 0.42,
            attribution_top=attribution_top,
        )


def _footer_block(card: CardText, text: str, weight: int, size: int) -> Block:
    typeface = typeface_for(card.lang)
    style = Style(typeface, card.lang, direction(text) == "R", weight)
    box = (card.size[0] - 2 * MARGIN, math.inf)
    block = fit(text, style, box=box, sizes=(size * typeface.scale,))
    if block is None or len(block.lines) > 2:
        raise PictureError(f"{text!r} is longer than the two lines it has on a card; shorten it")
    return block


def _quotation_block(card: CardText, room: float) -> Block:
    typeface = typeface_for(card.lang)
    style = Style(typeface, card.lang, direction(card.quotation) == "R")
    box = (card.size[0] - 2 * MARGIN, room)
    sizes = [size * typeface.scale for size in _QUOTATION_SIZES]
    block = fit(card.quotation, style, box=box, sizes=sizes, hangs=True)
    if block is not None:
        return block

    def is_too_long(length: int) -> bool:
        return not fit(card.quotation[:length], style, box=box, sizes=sizes[-1:], hangs=True)

    longest = bisect_left(range(1, len(card.quotation)), True, key=is_too_long)
    raise PictureError(
        f"the quotation has {len(card.quotation)} characters; about {longest} of them fit on a"
        f" card of {card.size[0]} by {card.size[1]} in letters that can be read: quote less, or"
        " post it as text"
    )


def _draw_bar(
    pen: ImageDraw.ImageDraw, layout: Layout, top: float, size: tuple[int, int], colour: Colour
) -> None:
    left = layout.edge - size[0] if layout.rtl else layout.edge
    box = (left, top, left + size[0], top + size[1])
    x0, y0, x1, y1 = (round(side * _FINE) for side in box)
    pen.rectangle((x0, y0, x1 - 1, y1 - 1), fill=colour)


def _draw_block(
    pen: ImageDraw.ImageDraw, layout: Layout, block: Block, top: float, colour: Colour
) -> None:
    style = block.style
    font = load(style.typeface, block.size * _FINE, style.weight)
    ascent, descent = font.getmetrics()
    drop = (block.leading * _FINE - ascent - descent) / 2 + ascent
    for row, line in enumerate(block.lines):
        hang = block.hang if row == 0 else 0
        x = layout.edge + (hang if layout.rtl else -hang)
        pen.text(
            (round(x * _FINE), round((top + row * block.leading) * _FINE + drop)),
            line,
            fill=colour,
            font=font,
            anchor="rs" if layout.rtl else "ls",
            **shaping(line, style),
        )
