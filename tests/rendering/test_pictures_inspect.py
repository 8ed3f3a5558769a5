"""Pictures are judged by what they hold, before anything is decoded (row 23 of the bad inputs)."""

import io
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.errors import PictureError
from bot.rendering.cards import picture_decoder, pictures
from bot.rendering.cards.pictures import MAX_FILE_BYTES, inspect

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


def encoded(
    kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any
) -> bytes:
    image = Image.radial_gradient("L").resize(size).convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(side: tuple[int, int], bits: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", *side, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def black_png(side: int) -> bytes:
    """A whole, valid PNG of one bit a pixel, a few kilobytes small."""
    packer, row = zlib.compressobj(9), b"\0" * (1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png((side, side), 1, 0, rows)


def small_png(size: tuple[int, int], rows: bytes) -> bytes:
    return png(size, 8, 2, rows)


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def moving_gif(frames: int, side: int = 2000) -> bytes:
    """Valid frames of ten pixels on a large screen, as many as asked."""
    one = [Image.new("P", (10, 10), number % 256) for number in range(frames)]
    out = io.BytesIO()
    one[0].save(out, "GIF", save_all=True, append_images=one[1:], optimize=False)
    data = bytearray(out.getvalue())
    data[6:10] = struct.pack("<HH", side, side)
    return bytes(data)


def turned(turn: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = turn
    return encoded(kind, (64, 48), exif=exif)


@pytest.mark.parametrize(("kind", "mime"), KINDS.items())
def test_the_four_kinds_are_told_by_their_content(kind: str, mime: str) -> None:
    assert inspect(encoded(kind)) == (mime, 64, 48)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("turn", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64))])
def test_the_size_is_what_a_person_sees(kind: str, turn: int, size: tuple[int, int]) -> None:
    assert inspect(turned(turn, kind))[1:] == size


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "P"), ("PNG", "I;16"), ("GIF", "L")]
)
def test_unusual_colours_are_taken(kind: str, mode: str) -> None:
    assert inspect(encoded(kind, mode=mode))[1] == 64


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_cut_a_picture_off_is_refused(kind: str) -> None:
    whole = encoded(kind)

    for end in range(len(whole)):
        with pytest.raises(picture_decoder.RefusedPictureError):
            picture_decoder.inspect(whole[:end])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_hidden_behind_a_picture_is_refused(kind: str) -> None:
    with pytest.raises(PictureError, match=r"bytes follow the end"):
        inspect(encoded(kind) + b"PK\x03\x04 a zip file")


ODD = {
    "a second picture, as phones append": encoded("JPEG") + encoded("JPEG", (8, 8)),
    "padding": encoded("JPEG") + b"\0\0\r\n",
    "fill bytes": encoded("JPEG")[:2] + b"\xff\xff" + encoded("JPEG")[2:],
    "lossless": encoded("WEBP", lossless=True),
    "a GIF whose screen is smaller": patched(encoded("GIF"), 6, struct.pack("<H", 10)),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_what_is_odd_but_no_fault_is_taken(data: bytes) -> None:
    assert inspect(data)[1] == 64


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"%PDF-1.7", "PostScript or PDF"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 60, "a film"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 60, "a film"),
        (b"BM" + b"\0" * 60, "not a picture of a kind"),
        (b"II*\0" + b"\0" * 60, "not a picture of a kind"),
        (b"\0\0\0\x1cftypavif" + b"\0" * 60, "HEIC, AVIF"),
        (b"RIFF\x24\0\0\0WAVE" + b"\0" * 60, "not a picture of a kind"),
        (b"GIF89a\x01\0\x01\0\0\0\0;", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""), "cannot be read"),
        (b"\xff\xd8\xff\xd9", "cannot be read"),
        (b"\xff\xd8\xff\xe0\0\x02 ", "cannot be read"),
        (b"GIF89a\x01\0\x01\0\0\0\0\x99;", "cannot be read"),
    ],
)
def test_other_files_are_refused_and_named(data: bytes, says: str) -> None:
    with pytest.raises(PictureError, match=says):
        inspect(data)


DAMAGED = {
    "data that only decoding finds broken": small_png((64, 64), b"not packed rows"),
    "a broken checksum": patched(encoded("PNG"), 20, b"\xff"),
    "a canvas and an image that differ": patched(
        turned(1, "WEBP"), turned(1, "WEBP").index(b"VP8X") + 12, b"\xc8"
    ),
    "a header that contradicts the data": riff(
        b"VP8X" + struct.pack("<IB3x", 10, 0) + (99).to_bytes(3, "little") * 2
        + encoded("WEBP")[12:]
    ),
    "a moving WebP without an image": riff(b"ANIM\0\0\0\0"),
    "a WebP of camera data only": riff(b"EXIF\0\0\0\0"),
}  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        inspect(data)


def test_moving_pictures_are_refused() -> None:
    moving_webp = io.BytesIO()
    frames = [Image.new("RGB", (9, 9), shade) for shade in ("red", "blue")]
    frames[0].save(moving_webp, "WEBP", save_all=True, append_images=frames[1:])
    moving_png = io.BytesIO()
    frames[0].save(moving_png, "PNG", save_all=True, append_images=frames[1:])

    for data in (moving_gif(2, 10), moving_webp.getvalue(), moving_png.getvalue()):
        with pytest.raises(PictureError, match="moves"):
            inspect(data)


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(PictureError, match="at most 30000000"):
        inspect(b"\0" * (MAX_FILE_BYTES + 1))


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (6400, 6400), (40_000, 10)])
def test_sizes_beyond_the_limits_are_refused_from_the_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"cannot be read|at most 40 million"):
        inspect(small_png(size, b""))


def test_a_picture_that_keeps_the_decoder_busy_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "CPU_SECONDS", 1)
    out = io.BytesIO()
    Image.new("L", (4000, 4000)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]

    with pytest.raises(PictureError, match="cannot be read in 1 s"):
        inspect(data[:-2] + scan * (5_000_000 // len(scan)) + data[-2:])


def test_a_huge_colour_profile_is_refused() -> None:
    profile = zlib.compress(b"\0" * 50_000_000)
    data = encoded("PNG")
    swollen = data[:33] + png_chunk(b"iCCP", b"x\0\0" + profile) + data[33:]

    with pytest.raises(PictureError, match="Decompressed data too large"):
        inspect(swollen)


def empty_webp(width: int, height: int) -> bytes:
    """A lossless WebP of 38 bytes that claims any size and holds no picture."""
    bits = b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + bytes(13)
    return riff(b"VP8L" + struct.pack("<I", len(bits)) + bits)


#: Made when they are asked for: each worker reads this file.
BOMBS = {
    "PNG of 13000 by 13000": (partial(black_png, 13_000), "at most 40 million"),
    "PNG of 19000 by 19000": (partial(black_png, 19_000), "at most 40 million"),
    "GIF of 300 frames": (partial(moving_gif, 300), "moves"),
    "WebP of 40 megapixels": (
        partial(empty_webp, 8000, 5000),
        "8000 by 5000 pixels; at most 12 million",
    ),
    "WebP of 268 megapixels": (partial(empty_webp, 16_383, 16_383), "at most 12 million"),
}


@pytest.mark.parametrize(("make", "says"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_in_little_memory(make: Callable[[], bytes], says: str) -> None:
    program = """
        import pathlib, re, resource, sys
        from bot.rendering.cards.pictures import inspect
        from bot.errors import PictureError
        try:
            inspect(sys.stdin.buffer.read())
        except PictureError as e:
            status = pathlib.Path("/proc/self/status").read_text()
            own = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
            decoder = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            print(e, own // 1000, decoder // 1000, sep="|")
    """

    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        input=make(),
        capture_output=True,
        check=True,
    )

    reason, own, decoder = ran.stdout.decode().strip().split("|")
    assert says in reason
    assert int(own) < 60
    assert int(decoder) < 200


def test_an_honest_picture_that_needs_too_much_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MEMORY_BYTES", 60_000_000)

    with pytest.raises(PictureError, match=r"too much memory|cannot be read in 20 s and 60 MB"):
        inspect(black_png(6000))


def test_a_picture_is_decoded_once_and_one_that_cannot_be_is_an_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encoded("PNG", (31, 17))
    assert inspect(data) == ("image/png", 31, 17)

    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    assert inspect(data) == ("image/png", 31, 17)
    with pytest.raises(PictureError, match="cannot be read in 20 s and 288 MB"):
        inspect(encoded("PNG", (32, 17)))


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(
    kind: str, edits: list[tuple[float, int]]
) -> None:
    data = bytearray(encoded(kind, (16, 12)))
    for place, value in edits:
        data[int(place * (len(data) - 1))] = value

    try:
        _, width, height = picture_decoder.inspect(bytes(data))
    except picture_decoder.RefusedPictureError:
        return
    assert width * height <= 40_000_000
