"""Takes a picture file apart without decoding it: its type, its size, and what it carries besides.

Everything a hostile file could make a decoder allocate is known after this walk, and the `bare`
bytes that are left hold only what decoding needs: no EXIF, GPS, XMP, colour profile, comment,
thumbnail or appended file ever reaches Pillow's parsers.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: More scans than this is a file built to keep a decoder busy (libjpeg-turbo's own advice).
MAX_SCANS = 100

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP1, _APP14 = 0xE1, 0xEE
#: Start-of-frame markers: all of 0xC0-0xCF but DHT, JPG and DAC.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")
_EXIF = b"Exif\0\0"


class MalformedError(ValueError):
    """The file is not what it claims to be; the message is a sentence for the editor."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a picture file says of itself, before anything is decoded."""

    mime: str
    width: int
    height: int
    #: 1, or 2 for "more than one": counting stops there.
    frames: int
    #: The same picture without metadata and without anything after its end.
    bare: bytes
    #: How the picture must be turned to stand upright, as EXIF numbers it; 1 is upright.
    turn: int = 1


def dissect(data: bytes) -> Anatomy:
    """Walk over a PNG, JPEG, WebP or GIF file.

    Raises:
        MalformedError: another kind of file, cut off, broken, or with something behind it.
    """
    if not data:
        raise MalformedError("the file is empty")
    for magic, walk in _WALKS.items():
        if data.startswith(magic):
            return _walked(walk, data)
    raise MalformedError(f"{_what(data)}; give a PNG, JPEG, WebP or GIF picture")


def _walked(walk: Callable[[bytes], Anatomy], data: bytes) -> Anatomy:
    try:
        return walk(data)
    except (IndexError, struct.error) as e:
        raise MalformedError("the picture is cut off; save or copy it again") from e


def _what(data: bytes) -> str:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        return "this is an SVG drawing (or XML), which can carry scripts"
    if head.startswith((b"%!ps", b"\xc5\xd0\xd3\xc6", b"%pdf")):
        return "this is a PostScript or PDF file, which is a program"
    return "this is not a picture of a kind that is posted"


def _refuse_tail(tail: bytes) -> None:
    # A few zero or line-end bytes of padding are what some cameras write.
    if tail.strip(b"\0\r\n"):
        raise MalformedError(
            f"{len(tail)} bytes follow the end of the picture, which may be another file hidden"
            " in it; open it in an image editor and save it again"
        )


def _png(data: bytes) -> Anatomy:
    kept, exif, frames, end = [_PNG], b"", 1, 0
    header = b""
    for kind, chunk, body, stop in _png_chunks(data):
        if not header and kind != b"IHDR":
            raise MalformedError("the picture's header is missing")
        header = header or body
        if kind in _PNG_KEPT:
            kept.append(chunk)
        elif kind == b"eXIf":
            exif = body
        elif kind == b"acTL":
            frames = min(2, max(1, *struct.unpack_from(">I", body)))
        end = stop
    _refuse_tail(data[end:])
    width, height = struct.unpack_from(">II", header)
    return Anatomy("image/png", width, height, frames, b"".join(kept), _turn(exif))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        stop = at + length + 12
        chunk = data[at:stop]
        (crc,) = struct.unpack_from(">I", data, stop - 4)
        if zlib.crc32(chunk[4:-4]) != crc:
            raise MalformedError("a checksum in the picture is wrong; save or copy it again")
        yield kind, chunk, chunk[8:-4], stop
        at = stop


def _jpeg(data: bytes) -> Anatomy:
    kept, exif, size, scans, end = [b"\xff\xd8"], b"", None, 0, 0
    for marker, segment, body, stop in _jpeg_segments(data):
        end = stop
        scans += marker == _SOS
        _refuse_scans(scans)
        if marker == _APP1 and body.startswith(_EXIF):
            exif = exif or body[len(_EXIF) :]
        if marker in _SOF:
            size = struct.unpack_from(">HH", body, 1)
        if _is_needed(marker):
            kept.append(segment)
    if size is None or not scans:
        raise MalformedError("the picture holds no image")
    # Phones append a second JPEG (depth, HDR); it is left behind, anything else is refused.
    if not data[end:].startswith(b"\xff\xd8\xff"):
        _refuse_tail(data[end:])
    return Anatomy("image/jpeg", size[1], size[0], 1, b"".join(kept), _turn(exif))


def _refuse_scans(scans: int) -> None:
    if scans > MAX_SCANS:
        raise MalformedError(f"more than {MAX_SCANS} scans in one JPEG; save it again")


def _is_needed(marker: int) -> bool:
    """APP14 says how the colours are coded; other APPn and COM only say things about people."""
    return marker == _APP14 or not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Marker, whole segment (a scan with its coded data), its body and its end, up to EOI."""
    marker, at = _SOI, 2
    while marker != _EOI:
        start = at
        if data[at] != 0xFF:
            raise MalformedError("the picture is broken inside; save or copy it again")
        while data[at + 1] == 0xFF:  # fill bytes are allowed before any marker
            at += 1
        marker = data[at + 1]
        at = body_end = at + 2 + _jpeg_length(data, marker, at + 2)
        if marker == _SOS:
            at = _scan_end(data, at)
        yield marker, data[start:at], data[start + 4 : body_end], at


def _jpeg_length(data: bytes, marker: int, at: int) -> int:
    if marker in (_EOI, 0x01) or 0xD0 <= marker <= _SOI:
        return 0
    (length,) = struct.unpack_from(">H", data, at)
    if length < 2 or at + length > len(data):
        raise IndexError(at)
    return int(length)


def _scan_end(data: bytes, at: int) -> int:
    """Where coded data ends: the next marker that is neither a restart nor a stuffed zero."""
    found = _MARKER.search(data, at)
    if found is None:
        raise IndexError(at)
    return found.start()


def _webp(data: bytes) -> Anatomy:
    magic, size, kind = struct.unpack_from("<4sI4s", data)
    if (magic, kind) != (b"RIFF", b"WEBP"):
        raise MalformedError(f"{_what(b'')}; give a PNG, JPEG, WebP or GIF picture")
    end = size + 8
    if end > len(data):
        raise IndexError(end)
    _refuse_tail(data[end:])
    parts = list(_riff_chunks(data, end))
    chunks = dict(reversed(parts))  # of two alike, the first holds
    names = [name for name, _ in parts]
    frames = 2 if b"ANIM" in chunks or b"ANMF" in chunks else 1
    if frames == 1 and names.count(b"VP8 ") + names.count(b"VP8L") != 1:
        raise MalformedError("the picture holds no image, or several")
    width, height = _webp_size(chunks)
    exif = chunks.get(b"EXIF", b"").removeprefix(_EXIF)
    return Anatomy("image/webp", width, height, frames, _webp_bare(parts), _turn(exif))


def _riff_chunks(data: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > end:
            raise IndexError(at)
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _webp_size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """The largest of what the canvas and the image claim, for a lying header to gain nothing."""
    sizes = []
    if b"VP8X" in chunks:
        wide, high = chunks[b"VP8X"][4:7], chunks[b"VP8X"][7:10]
        sizes.append((int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1))
    if b"VP8 " in chunks:
        wide16, high16 = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
        sizes.append((wide16 & 0x3FFF, high16 & 0x3FFF))
    if b"VP8L" in chunks:
        (bits,) = struct.unpack_from("<I", chunks[b"VP8L"], 1)
        sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
    widths, heights = [size[0] for size in sizes], [size[1] for size in sizes]
    return max(widths, default=0), max(heights, default=0)


def _webp_bare(parts: list[tuple[bytes, bytes]]) -> bytes:
    """A WebP file of the image alone, its flags telling of nothing but transparency."""
    kept = b"".join(
        _riff_chunk(name, _alpha_only(body) if name == b"VP8X" else body)
        for name, body in parts
        if name in (b"VP8X", b"ALPH", b"VP8 ", b"VP8L")
    )
    return struct.pack("<4sI4s", b"RIFF", len(kept) + 4, b"WEBP") + kept


def _riff_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def _alpha_only(vp8x: bytes) -> bytes:
    return bytes([vp8x[0] & 0x10]) + vp8x[1:]


def _gif(data: bytes) -> Anatomy:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _table_size(flags)
    kept, frames = [data[:at]], 0
    while data[at] != 0x3B:
        kind, start = data[at], at
        if kind == 0x2C:
            frames += 1
            left, top, wide, high, local = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, left + wide), max(height, top + high)
            at = _skip_blocks(data, at + 11 + _table_size(local))
        elif kind == 0x21:
            at = _skip_blocks(data, at + 2)
        else:
            raise MalformedError("the picture is broken inside; save or copy it again")
        if kind == 0x2C or data[start + 1] == 0xF9:  # F9 says which colour is transparent
            kept.append(data[start:at])
    _refuse_tail(data[at + 1 :])
    if not frames:
        raise MalformedError("the picture holds no image")
    return Anatomy("image/gif", width, height, min(frames, 2), b"".join(kept) + b"\x3b")


def _table_size(flags: int) -> int:
    """Bytes of a colour table that a GIF's flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _turn(exif: bytes) -> int:
    """Orientation (tag 0x0112 of the first directory); upright where EXIF is not readable."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, at)
        for entry in range(at + 2, at + 2 + count * 12, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if (tag, kind) == (0x0112, 3) and 1 <= value <= 8:
                return int(value)
    except struct.error:
        return 1
    return 1


_WALKS: dict[bytes, Callable[[bytes], Anatomy]] = {
    _PNG: _png,
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
}
