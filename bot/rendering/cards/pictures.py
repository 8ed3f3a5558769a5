"""Pictures as they will be uploaded: files judged and cleaned, quote cards drawn, each once.

Files are from outside: they are decoded in `bot.rendering.cards.picture_decoder` only, a process
with hard limits, one for each picture.
"""

import io
import json
import math
import subprocess
import sys
import threading
from bisect import bisect_left
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from PIL import Image, ImageDraw

from bot.canonical import sha256_hex
from bot.content.model import Campaign, MediaFile, Post
from bot.errors import PictureError
from bot.platforms.spec import Limits
from bot.platforms.status import Picture
from bot.rendering.cards.layout import Block, Style, fit, shaping
from bot.rendering.cards.typefaces import BOLD, REGULAR, load, missing_letters, typeface_for
from bot.rendering.layout import direction, passage

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
    words = card.quotation + card.attribution + card.campaign
    missing = missing_letters(typeface_for(card.lang), words)
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

    #: Of the card.
    width: int
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
        campaign = None
        if card.campaign.strip():
            campaign = _footer_block(card, card.campaign, REGULAR, _CAMPAIGN_SIZE)
        footer = attribution.height + (campaign.height + _STEP if campaign else 0)
        top = _TOP + _BAR[1] + _GAP
        attribution_top = card.size[1] - _BOTTOM - footer
        room = attribution_top - 2 * _GAP - top
        quotation = _quotation_block(card, room)
        return cls(
            width=card.size[0],
            rtl=direction(card.quotation) == "R",
            quotation=quotation,
            attribution=attribution,
            campaign=campaign,
            # The optical middle is above the measured one.
            quotation_top=top + (room - quotation.height) * 0.42,
            attribution_top=attribution_top,
        )

    @property
    def edge(self) -> int:
        """Where lines begin."""
        return self.width - MARGIN if self.rtl else MARGIN


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

    def is_too_long(most: int) -> bool:
        part = card.quotation[: most + 1]
        return fit(part, style, box=box, sizes=sizes[-1:], hangs=True) is None

    longest = bisect_left(range(len(card.quotation)), True, key=is_too_long)
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
        place = (round(x * _FINE), round((top + row * block.leading) * _FINE + drop))
        anchor = "rs" if layout.rtl else "ls"
        pen.text(place, line, fill=colour, font=font, anchor=anchor, **shaping(line, style))


#: Bytes of a file as an editor gives it; larger ones are refused unread.
MAX_FILE_BYTES = 30_000_000
#: What one decoder may take: beside the bot (115 MB) it must fit in a container of 512 MB.
MEMORY_BYTES = 288_000_000
#: The slowest honest picture takes about a tenth of it.
CPU_SECONDS = 20
_WALL_SECONDS = 120
#: Answers that are kept, so that a picture of many posts and accounts is decoded once.
_KEPT_BYTES = 32_000_000
_DECODER = Path(__file__).with_name("picture_decoder.py")

_answers: dict[str, tuple[dict[str, Any], bytes]] = {}
#: One decoder at a time: two would not fit.
_lock = threading.Lock()


def inspect(data: bytes) -> tuple[str, int, int]:
    """Return a picture's type, width and height as a person sees it; proved by decoding it.

    Raises:
        PictureError: with a sentence that says what is wrong and what to do.
    """
    (mime, width, height), _ = _decoded(data, {})
    return mime, width, height


def clean(
    data: bytes, *, max_bytes: int, mimes: Collection[str], max_pixels: int | None = None
) -> tuple[bytes, Picture]:
    """Re-encode a picture for one platform, upright; the same input gives the same bytes.

    Nothing but the visible picture survives: no EXIF, GPS, XMP, colour profile or comment. Files
    that are too large lose quality first and size after that.

    Args:
        mimes: Types that the platform takes; JPEG or PNG must be among them.
        max_pixels: Width times height that the platform takes, where it says.

    Raises:
        PictureError: as `inspect`, or the picture cannot be made to fit.
    """
    wanted = {"max_bytes": max_bytes, "mimes": sorted(mimes), "max_pixels": max_pixels}
    (mime, width, height), cleaned = _decoded(data, wanted)
    return cleaned, Picture(sha256_hex(cleaned), mime, "", width, height, len(cleaned))


def _decoded(data: bytes, wanted: dict[str, Any]) -> tuple[tuple[str, int, int], bytes]:
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(
            f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are taken: save it smaller"
        )
    request = json.dumps({**wanted, "memory_bytes": MEMORY_BYTES, "cpu_seconds": CPU_SECONDS})
    key = sha256_hex(data) + request
    with _lock:
        answer, cleaned = _answers.get(key) or _run(data, request)
        _answers[key] = answer, cleaned
        while sum(len(kept) + len(key) for key, (_, kept) in _answers.items()) > _KEPT_BYTES:
            del _answers[next(iter(_answers))]
    if "refused" in answer:
        raise PictureError(answer["refused"])
    mime, width, height = answer["seen"]
    return (mime, width, height), cleaned


def _run(data: bytes, request: str) -> tuple[dict[str, Any], bytes]:
    """Ask the decoder; without the environment, which holds the tokens."""
    command = [sys.executable, "-I", "-B", str(_DECODER), request]
    try:
        ran = subprocess.run(  # noqa: S603 - our own file, by its path
            command, input=data, capture_output=True, env={}, timeout=_WALL_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as e:
        raise PictureError(
            f"the picture cannot be read in {CPU_SECONDS} s and {MEMORY_BYTES // 1_000_000} MB;"
            " save it smaller, or choose another"
        ) from e
    head, _, cleaned = ran.stdout.partition(b"\n")
    return json.loads(head), cleaned


@dataclass(frozen=True, slots=True)
class PreparedPictures:
    """Makes the pictures of one campaign ready, and keeps their bytes."""

    #: Returns a picture file's bytes as they stand in ``posts/media``.
    read: Callable[[MediaFile], bytes]
    #: Bytes of what was made ready, by hash.
    contents: dict[str, bytes] = field(default_factory=dict)
    _fitted: dict[tuple[MediaFile, Limits], Picture] = field(default_factory=dict)
    _cards: dict[str, Picture] = field(default_factory=dict)

    def fitted(self, file: MediaFile, limits: Limits) -> Picture:
        """Return a picture as it will be uploaded where these limits hold.

        Raises:
            PictureError: it cannot be made to fit.
        """
        if (file, limits) not in self._fitted:
            most, mimes = limits.max_picture_bytes, limits.picture_mimes
            data, picture = clean(
                self.read(file), max_bytes=most, mimes=mimes, max_pixels=limits.max_pixels
            )
            self.contents[picture.sha256] = data
            self._fitted[file, limits] = replace(picture, alt=file.alt)
        return self._fitted[file, limits]

    def card(self, post: Post, campaign: Campaign) -> Picture:
        """Return a post's quote card, with the whole quotation as its alternative text.

        The same quotation gives the same bytes.

        Raises:
            PictureError: the post quotes nothing, or the quotation is too long for a card.
        """
        if post.id in self._cards:
            return self._cards[post.id]
        quote = post.quote
        source = campaign.sources.get(quote.source) if quote else None
        if quote is None or source is None:
            raise PictureError(f"{post.id}: a card needs a quotation")
        shown = passage(quote, source)
        data = draw(CardText(shown.marked, source.attribution, source.title, source.lang))
        alt, sha256 = card_alt(shown.marked, source.attribution), sha256_hex(data)
        self.contents[sha256] = data
        card = Picture(sha256, "image/png", alt, *CARD_SIZE, len(data))
        self._cards[post.id] = card
        return card
