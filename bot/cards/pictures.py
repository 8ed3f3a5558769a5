"""Pictures from outside: judged before they are decoded, and re-encoded before they are posted.

Limits follow row "Images" of the security notes: 40 megapixels, one frame, known formats only.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

from PIL import Image

from bot.cards.anatomy import Anatomy, MalformedError, dissect
from bot.errors import PictureError

#: Bytes of a file as an editor gives it; larger ones are refused unread.
MAX_FILE_BYTES = 30_000_000
#: Width times height; Pillow needs four bytes for each.
MAX_PIXELS = 40_000_000
#: Neither side may be longer, as no decoder promises more (and WebP ends at 16,383).
MAX_SIDE = 16_000
#: What is posted has no more than this: 3840 by 2160, the smallest bound of a platform.
MAX_POSTED_PIXELS = 8_294_400
#: A picture that is made to fit never gets smaller than this on its longer side.
MIN_SIDE = 480

_JPEG, _PNG = "image/jpeg", "image/png"
_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
}
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
_QUALITIES = (92, 88, 84, 80, 75, 70)
#: Each try is smaller than the last by this at least, and by no more than the other.
_SHRINK, _SHRINK_MOST = 0.85, 0.35
#: What each EXIF orientation asks for (EXIF 2.3, 4.6.4 A).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED_SIDEWAYS = (5, 6, 7, 8)
#: All that Pillow's decoders raise on broken files, seen by fuzzing them.
_DECODER_ERRORS = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, struct.error)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# Second line of defence: `dissect` has already refused what these would.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a picture file is, proved by decoding it; pixels as a person sees it, turned upright."""

    mime: str
    width: int
    height: int
    #: Always 1: moving pictures are refused.
    frames: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A picture ready to post: upright, without metadata, within the byte limit."""

    data: bytes
    mime: str
    width: int
    height: int


def inspect(data: bytes, *, name: str = "") -> Inspected:
    """Tell what a picture file is, if it is safe and whole.

    Args:
        data: The whole file.
        name: Its file name; where given, its ending must fit what the file holds.

    Raises:
        PictureError: with a sentence that says what is wrong and what to do.
    """
    anatomy = _judged(data, name)
    _decode(anatomy, (1, 1))  # reads every byte, keeps little
    width, height = anatomy.width, anatomy.height
    if anatomy.turn in _TURNED_SIDEWAYS:
        width, height = height, width
    return Inspected(anatomy.mime, width, height, anatomy.frames)


def clean(
    data: bytes, *, max_bytes: int, mimes: Collection[str], max_pixels: int | None = None
) -> Cleaned:
    """Re-encode a picture for one platform; the same input gives the same bytes.

    Nothing but the visible picture survives: no EXIF, GPS, XMP, colour profile or comment. Files
    that are too large lose quality first and size after that.

    Args:
        data: The whole file.
        max_bytes: What the platform takes.
        mimes: Types that the platform takes; JPEG or PNG must be among them.
        max_pixels: Width times height that the platform takes, where it says.

    Raises:
        PictureError: as `inspect`, or the picture cannot be made to fit.
    """
    anatomy = _judged(data, "")
    scale = _scale_to(max_pixels or MAX_POSTED_PIXELS, anatomy)
    least = (max(1, int(anatomy.width * scale)), max(1, int(anatomy.height * scale)))
    image = _upright(_plain(_decode(anatomy, least)), anatomy.turn)
    image.info.clear()  # Pillow would write what it remembers of the source
    size = least if anatomy.turn not in _TURNED_SIDEWAYS else least[::-1]
    if _PNG in mimes and (anatomy.mime in (_PNG, "image/gif") or image.mode == "RGBA"):
        # What came without loss goes out without, where there is room.
        encoded = _encoded(_resized(image, size), _PNG, max_bytes)
        if encoded.fits:
            return Cleaned(encoded.data, _PNG, *size)
    wanted = next((one for one in (_JPEG, _PNG) if one in mimes), None)
    if wanted is None:
        raise PictureError(f"the account takes neither JPEG nor PNG but {', '.join(sorted(mimes))}")
    return _shrunk(image, size, mime=wanted, max_bytes=max_bytes)


def _scale_to(pixels: int, anatomy: Anatomy) -> float:
    allowed = min(pixels, MAX_POSTED_PIXELS)
    return min(1.0, math.sqrt(allowed / (anatomy.width * anatomy.height)))


def _shrunk(image: Image.Image, size: tuple[int, int], *, mime: str, max_bytes: int) -> Cleaned:
    """The picture at the first size, from this one down, that fits."""
    width, height = size
    while True:
        encoded = _encoded(_resized(image, (width, height)), mime, max_bytes)
        if encoded.fits:
            return Cleaned(encoded.data, mime, width, height)
        # Bytes grow about as pixels do: the guess saves most of the tries.
        guess = math.sqrt(max_bytes / len(encoded.data))
        step = max(_SHRINK_MOST, min(_SHRINK, guess))
        width, height = int(width * step), int(height * step)
        if max(width, height) < MIN_SIDE or not min(width, height):
            raise PictureError(
                f"the picture cannot be made to fit {max_bytes} bytes; choose another"
            )


def _judged(data: bytes, name: str) -> Anatomy:
    """Everything that can be refused without decoding."""
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(
            f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are taken: save it smaller"
        )
    try:
        anatomy = dissect(data)
    except MalformedError as e:
        raise PictureError(str(e)) from e
    _refuse_size(anatomy)
    if anatomy.frames > 1:
        raise PictureError("the picture moves; give a still one (one frame)")
    suffix = PurePath(name).suffix.lower()
    if name and suffix not in _SUFFIXES[anatomy.mime]:
        raise PictureError(
            f"the file is {_FORMATS[anatomy.mime]} but its name ends in {suffix or 'nothing'!r};"
            f" name it *{_SUFFIXES[anatomy.mime][0]}"
        )
    return anatomy


def _refuse_size(anatomy: Anatomy) -> None:
    width, height = anatomy.width, anatomy.height
    if not width or not height:
        raise PictureError(f"the picture is {width} by {height} pixels: there is nothing to see")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PictureError(
            f"the picture is {width} by {height} pixels; at most {MAX_PIXELS // 1_000_000} million"
            f" in all and {MAX_SIDE} a side are taken: save it smaller"
        )


def _decode(anatomy: Anatomy, least: tuple[int, int]) -> Image.Image:
    """Decode the bare picture; a JPEG at the smallest scale that is at least ``least``."""
    try:
        image = Image.open(io.BytesIO(anatomy.bare), formats=(_FORMATS[anatomy.mime],))
        if image.size != (anatomy.width, anatomy.height):
            raise PictureError("the picture's header and content tell different sizes")
        image.draft(None, least)
        image.load()
    except (*_DECODER_ERRORS, *_BOMBS) as e:
        raise PictureError(f"the picture cannot be read ({e}); save or copy it again") from e
    return image


def _plain(image: Image.Image) -> Image.Image:
    """Bring any colour mode to 8 bit grey or RGB, with transparency only where it is used."""
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion would clip 16 bit at 255 and leave a white sheet.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        opaque = image.getchannel("A").getextrema() == (255, 255)
        return image.convert("RGB") if opaque else image
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


@dataclass(frozen=True, slots=True)
class _Encoded:
    data: bytes
    fits: bool


def _encoded(image: Image.Image, mime: str, max_bytes: int) -> _Encoded:
    """The best quality that fits, or else the smallest there is."""
    if mime == _PNG:
        data = _saved(image, "PNG")
        return _Encoded(data, len(data) <= max_bytes)
    flat = _on_white(image)
    smallest = _jpeg(flat, _QUALITIES[-1])
    if len(smallest) > max_bytes:
        return _Encoded(smallest, fits=False)
    better = (_jpeg(flat, quality) for quality in _QUALITIES[:-1])
    return _Encoded(next((one for one in better if len(one) <= max_bytes), smallest), fits=True)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    # 4:4:4 keeps the edges of coloured writing; a third larger, so only while there is room.
    # Not optimised, not progressive: Pillow's buffer for those is too small for rich pictures.
    return _saved(image, "JPEG", quality=quality, subsampling=0 if quality > 80 else 2)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    sheet = Image.new("RGB", image.size, "white")
    sheet.paste(image, mask=image.getchannel("A"))
    return sheet


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
