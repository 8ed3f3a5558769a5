"""Decodes one picture in a process of its own: a hostile file can break nothing but this process.

`bot.rendering.cards.pictures` starts this file as a script, isolated (``python -I``), so it imports
nothing of the bot. The request is the first argument, as JSON, and the picture comes on standard
input; the answer is a line of JSON, then the bytes of the new picture where one was asked for.
"""

import io
import json
import math
import resource
import struct
import sys
import warnings
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from PIL import Image, WebPImagePlugin  # noqa: F401 - else Pillow loads all of its 45 plugins

#: Width times height; Pillow needs four bytes for each.
MAX_PIXELS = 40_000_000
#: Neither side may be longer, as no decoder promises more (and WebP ends at 16,383).
MAX_SIDE = 16_000
#: Of a WebP, for which libwebp takes sixteen bytes a pixel, four times as much as others.
MAX_WEBP_PIXELS = 12_000_000
#: What is posted has no more than this: 3840 by 2160, the smallest bound of a platform.
MAX_POSTED_PIXELS = 8_294_400
#: A picture that is made to fit never gets smaller than this on its longer side.
MIN_SIDE = 480

_JPEG, _PNG = "image/jpeg", "image/png"
#: By Pillow's name of a format; an MPO is a JPEG behind which a phone keeps another one.
_MIMES = {"PNG": _PNG, "JPEG": _JPEG, "MPO": _JPEG, "WEBP": "image/webp", "GIF": "image/gif"}
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
#: How a file ends; a WebP says its length at its beginning.
_ENDS = {_PNG: b"IEND\xaeB`\x82", _JPEG: b"\xff\xd9", "image/gif": b"\0;"}
_QUALITIES = (92, 88, 84, 80, 75, 70)
#: Each try is smaller than the last by this at least, and by no more than the other.
_SHRINK, _SHRINK_MOST = 0.85, 0.35
_ORIENTATION = 0x0112
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
_DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, RuntimeError, struct.error,
)  # fmt: skip

# Pillow refuses, before it takes memory, what has twice as many pixels as this.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2


class RefusedPictureError(Exception):
    """The picture is not taken; the message is a sentence for the editor."""


def inspect(data: bytes) -> tuple[str, int, int]:
    """Return type, width and height of a whole, still picture, as a person sees it.

    Raises:
        RefusedPictureError: it is none, or unsafe.
    """
    image, mime = _open(data)
    width, height = image.size
    turn = _load(image, (1, 1))  # reads every byte, keeps little
    return (mime, height, width) if turn in _TURNED_SIDEWAYS else (mime, width, height)


def clean(
    data: bytes, *, max_bytes: int, mimes: Collection[str], max_pixels: int | None
) -> tuple[bytes, str, int, int]:
    """Return a picture encoded anew for one platform, its type, width and height.

    Raises:
        RefusedPictureError: as `inspect`, or the picture cannot be made to fit.
    """
    image, source = _open(data)
    allowed = min(max_pixels or MAX_POSTED_PIXELS, MAX_POSTED_PIXELS)
    scale = min(1.0, math.sqrt(allowed / math.prod(image.size)))
    size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    turn = _load(image, size)
    image = _plain(image)
    if turn in _TURNS:
        image = image.transpose(_TURNS[turn])
    if turn in _TURNED_SIDEWAYS:
        size = size[::-1]
    image.info.clear()  # Pillow would write what it remembers of the source
    if _PNG in mimes and (source in (_PNG, "image/gif") or image.mode == "RGBA"):
        # What came without loss goes out without, where there is room.
        encoded = _saved(_resized(image, size), "PNG")
        if len(encoded) <= max_bytes:
            return encoded, _PNG, *size
    wanted = next((mime for mime in (_JPEG, _PNG) if mime in mimes), None)
    if wanted is None:
        raise RefusedPictureError(
            f"the account takes neither JPEG nor PNG but {', '.join(sorted(mimes))}"
        )
    return _shrunk(image, size, mime=wanted, max_bytes=max_bytes)


def _open(data: bytes) -> tuple[Image.Image, str]:
    """Return a picture, judged by all that can be known without decoding it, and its type."""
    width, height = _webp_size(data)  # Pillow takes memory for all of it when it is opened
    if width * height > MAX_WEBP_PIXELS:
        raise RefusedPictureError(_too_large(f"{width} by {height}", MAX_WEBP_PIXELS))
    try:
        # Compares the checksums of a PNG; Pillow cannot decode the same object afterwards.
        Image.open(io.BytesIO(data), formats=_FORMATS).verify()
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        moves = image.format != "MPO" and getattr(image, "is_animated", False)
    except Image.DecompressionBombError as e:
        raise RefusedPictureError(_too_large(f"more than {MAX_PIXELS // 1_000_000} million")) from e
    except _DECODER_ERRORS as e:
        raise RefusedPictureError(_unreadable(data, e)) from e
    if max(image.size) > MAX_SIDE:
        raise RefusedPictureError(_too_large(f"{image.width} by {image.height}"))
    if moves:
        raise RefusedPictureError("the picture moves; give a still one (one frame)")
    mime = _MIMES[image.format or ""]
    _refuse_tail(data, mime)
    return image, mime


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return what a WebP's header says of its canvas (RFC 9649); (0, 0) for anything else."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0, 0
    head = data[20:30].ljust(10, b"\0")
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:], "little")
        case b"VP8L":
            bits = int.from_bytes(head[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[6:])
            return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _too_large(pixels: str, most: int = MAX_PIXELS) -> str:
    return (
        f"the picture has {pixels} pixels; at most {most // 1_000_000} million in all and"
        f" {MAX_SIDE} a side are taken: save it smaller"
    )


def _unreadable(data: bytes, error: Exception) -> str:
    if data.startswith(_MAGICS) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return f"the picture cannot be read ({error}); save or copy it again"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = "not a picture of a kind that is posted"
    if not data:
        kind = "empty"
    elif head.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        kind = "an SVG drawing (or XML), which can carry scripts"
    elif head.startswith((b"%!ps", b"\xc5\xd0\xd3\xc6", b"%pdf")):
        kind = "a PostScript or PDF file, which is a program"
    elif data.startswith(b"\x1a\x45\xdf\xa3") or data[4:8] == b"ftyp":
        kind = "a film, or a picture in a film's format (HEIC, AVIF)"
    return f"the file is {kind}; give a PNG, JPEG, WebP or GIF picture"


def _refuse_tail(data: bytes, mime: str) -> None:
    if mime in _ENDS:
        found = data.rfind(_ENDS[mime])
        end = found + len(_ENDS[mime]) if found >= 0 else len(data) + 1
    else:
        end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise RefusedPictureError("the picture is cut off; save or copy it again")
    # A few zero or line-end bytes of padding are what some cameras write.
    if data[end:].strip(b"\0\r\n"):
        raise RefusedPictureError(
            f"{len(data) - end} bytes follow the end of the picture, which may be another file"
            " hidden in it; open it in an image editor and save it again"
        )


def _load(image: Image.Image, least: tuple[int, int]) -> int:
    """Decode in place, a JPEG at the smallest scale that is at least ``least``.

    Return how the picture must be turned to stand upright, as EXIF numbers it.
    """
    try:
        image.draft(None, least)
        image.load()
    except _DECODER_ERRORS as e:
        raise RefusedPictureError(f"the picture cannot be read ({e}); save or copy it again") from e
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DECODER_ERRORS:
        return 1  # what a camera says of a picture may be broken; the picture is not


def _plain(image: Image.Image) -> Image.Image:
    """Return any colour mode as 8 bit grey or RGB, with transparency only where it is used."""
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion would clip 16 bit at 255 and leave a white sheet.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        opaque = image.getchannel("A").getextrema() == (255, 255)
        return image.convert("RGB") if opaque else image
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _shrunk(
    image: Image.Image, size: tuple[int, int], *, mime: str, max_bytes: int
) -> tuple[bytes, str, int, int]:
    """Return the picture at the first size, from this one down, that fits."""
    width, height = size
    while True:
        encoded = _encoded(_resized(image, (width, height)), mime, max_bytes)
        if len(encoded) <= max_bytes:
            return encoded, mime, width, height
        # Bytes grow about as pixels do: the guess saves most of the tries.
        step = max(_SHRINK_MOST, min(_SHRINK, math.sqrt(max_bytes / len(encoded))))
        width, height = int(width * step), int(height * step)
        if max(width, height) < MIN_SIDE or not min(width, height):
            raise RefusedPictureError(
                f"the picture cannot be made to fit {max_bytes} bytes; choose another"
            )


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(image: Image.Image, mime: str, max_bytes: int) -> bytes:
    """Return the best quality that fits, or else the smallest there is."""
    if mime == _PNG:
        return _saved(image, "PNG")
    if image.mode == "RGBA":
        sheet = Image.new("RGB", image.size, "white")
        sheet.paste(image, mask=image.getchannel("A"))
        image = sheet
    smallest = _jpeg(image, _QUALITIES[-1])
    if len(smallest) > max_bytes:
        return smallest
    better = (_jpeg(image, quality) for quality in _QUALITIES[:-1])
    return next((encoded for encoded in better if len(encoded) <= max_bytes), smallest)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    # 4:4:4 keeps the edges of coloured writing; a third larger, so only while there is room.
    # Not optimised, not progressive: Pillow's buffer for those is too small for rich pictures.
    return _saved(image, "JPEG", quality=quality, subsampling=0 if quality > 80 else 2)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound what this process may take; no file may be written, and no memory image of it."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        with suppress(ValueError, OSError):  # macOS knows no limit of memory; the header's holds
            resource.setrlimit(kind, (value, value))
    with suppress(OSError):  # where memory ends all the same, this process goes, not the bot
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main() -> None:
    """Answer the request in the first argument about the picture on standard input."""
    request = json.loads(sys.argv[1])
    _limit(request.pop("memory_bytes"), request.pop("cpu_seconds"))
    warnings.simplefilter("ignore")  # Pillow's half-way warnings; what it refuses it raises
    data, cleaned = sys.stdin.buffer.read(), b""
    answer: dict[str, object]
    try:
        if request:
            cleaned, *seen = clean(data, **request)
        else:
            seen = list(inspect(data))
        answer = {"seen": seen}
    except RefusedPictureError as e:
        answer = {"refused": str(e)}
    except MemoryError:
        answer = {"refused": "the picture needs too much memory to be read; save it smaller"}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + cleaned)


if __name__ == "__main__":
    main()
