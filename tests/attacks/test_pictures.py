"""Pictures made to break, to swell or to hide something, in a tree that comes into force."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bot.app.content import prove_files
from bot.platforms.spec import Limits
from bot.rendering.cards import pictures
from tests.attacks.attack import Attacker, attack
from tests.fakes.campaign_tree import ROOT, CampaignTree
from tests.fakes.running_bot import RunningBot, post


def encoded(
    kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def solid_webp(width: int, height: int) -> bytes:
    """A whole, valid picture of one colour, of 28 bytes whatever its size."""
    bits, at = width - 1 | height - 1 << 14, 28 + 4 + 3
    for code in (1, 1, 1, 1, 1):  # five codes of one symbol each, 0
        bits |= code << at
        at += 4
    body = b"\x2f" + bits.to_bytes(-(-at // 8), "little")
    body += b"\0" * (len(body) % 2)
    return riff(b"VP8L" + struct.pack("<I", len(body)) + body)


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def wide_canvas(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X" + struct.pack("<IB3x", 10, 0) + sides + encoded("WEBP")[12:])


def huge_png(width: int, height: int) -> bytes:
    whole = bytearray(encoded("PNG", (4, 4)))
    whole[16:24] = struct.pack(">II", width, height)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return bytes(whole)


def huge_jpeg(width: int, height: int) -> bytes:
    whole = bytearray(encoded("JPEG"))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def huge_gif(width: int, height: int) -> bytes:
    whole = bytearray(encoded("GIF", mode="P"))
    whole[6:10] = struct.pack("<HH", width, height)
    return bytes(whole)


def swollen_text() -> bytes:
    notes = PngImagePlugin.PngInfo()
    for number in range(40):
        notes.add_text(f"n{number}", "x" * 4_000_000, zip=True)
    return encoded("PNG", pnginfo=notes)


def moving(kind: str) -> bytes:
    frames = [Image.new("RGB", (9, 9), shade) for shade in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


SWOLLEN: dict[str, Callable[[], bytes]] = {
    "webp": lambda: solid_webp(16_000, 2_500),
    "webp-canvas": lambda: wide_canvas(16_000, 16_000),
    "png": lambda: huge_png(60_000, 60_000),
    "jpeg": lambda: huge_jpeg(65_000, 65_000),
    "gif": lambda: huge_gif(65_535, 65_535),
    "png-text": swollen_text,
}
DISGUISED: dict[str, Callable[[], bytes]] = {
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": lambda: b"<!doctype html><script>alert(1)</script>",
    "zip-behind": lambda: encoded("PNG") + b"PK\x03\x04" + b"\0" * 60,
    "html-behind": lambda: encoded("JPEG") + b"<script>alert(1)</script>",
    "gif-as-png": lambda: encoded("GIF", mode="P"),
    "moving-png": lambda: moving("PNG"),
    "moving-webp": lambda: moving("WEBP"),
    "moving-gif": lambda: moving("GIF"),
    "half": lambda: encoded("PNG", (400, 300))[:-30],
    "nothing": lambda: b"",
    "noise": lambda: bytes(range(256)) * 40,
}


@pytest.fixture
def tree(tmp_path: Path) -> CampaignTree:
    tree = CampaignTree(tmp_path)
    tree.put_post("text: Look", "queue: main", "media: [{file: media/a.png, alt: A door}]")
    return tree


def errors_of(tree: CampaignTree) -> list[str]:
    found = prove_files(tree.schedule, tree.posts).errors
    return [f"{Path(each.file).name}:{each.line} {each.where} {each.message}" for each in found]


@pytest.mark.parametrize("make", SWOLLEN.values(), ids=SWOLLEN)
@attack(
    Attacker.EDITOR,
    tried="a picture of few bytes that swells when it is opened: a WebP of 28 bytes and 40 "
    "megapixels, huge PNG, JPEG and GIF headers, text of a PNG that unpacks to 160 MB",
    comes_of_it="an error at its line, by its header or by the decoder's limits (288 MB, 20 s)",
)
def test_a_picture_that_swells_is_an_error_at_its_line(
    tree: CampaignTree, make: Callable[[], bytes]
) -> None:
    data = make()
    suffix = {b"RIFF": "webp", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
    kind = next((name for magic, name in suffix.items() if data.startswith(magic)), "png")
    tree.change("posts/p.yaml", "media/a.png", f"media/a.{kind}")
    tree.put(f"posts/media/a.{kind}", data)

    (error,) = errors_of(tree)

    assert error.startswith("p.yaml:5 p.media[0].file ")
    assert re.search(r"pixels; at most|memory|cannot be read", error)


@pytest.mark.parametrize("make", DISGUISED.values(), ids=DISGUISED)
@attack(
    Attacker.EDITOR,
    tried="a file that is no still picture, under a picture's name: SVG, HTML, one file behind "
    "another, another type, a moving or a cut one, noise",
    comes_of_it="an error at its line; nothing of it is uploaded",
)
def test_what_is_no_still_picture_is_an_error_at_its_line(
    tree: CampaignTree, make: Callable[[], bytes]
) -> None:
    tree.put("posts/media/a.png", make())

    (error,) = errors_of(tree)

    assert error.startswith("p.yaml:5 p.media[0].file ")


@attack(
    Attacker.EDITOR,
    tried="words, a program or a place in what a picture carries besides its pixels",
    comes_of_it="it is encoded anew: nothing but the pixels is uploaded",
    remains="what the pixels show is for approvers to see",
)
def test_nothing_but_pixels_survives() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>")
    exif = Image.Exif()
    exif[0x010E] = "a home address"
    png = encoded("PNG", pnginfo=notes, exif=exif, icc_profile=b"p" * 4000)

    cleaned, _picture = pictures.clean(png, Limits(1, picture_mimes=("image/png",)))

    assert not {b"script", b"home address", b"pppp"} & {
        word for word in (b"script", b"home address", b"pppp") if word in cleaned
    }


@attack(
    Attacker.EDITOR,
    tried="a picture that makes its decoder die",
    comes_of_it="an error at its line; the last good tree stays in force, and people are told",
)
def test_a_decoder_that_dies_ends_no_service(
    new_bot: RunningBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = new_bot
    bot.start_with(post("good"))
    deadly = tmp_path / "decoder.py"
    deadly.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(pictures, "_DECODER", deadly)
    bot.tree.put("posts/media/a.png", encoded("PNG", (33, 31)))
    bot.write(post("good"), post("bad", "media: [{file: media/a.png, alt: A door}]"))

    bot.watch(broken=True)

    assert "bad.media[0].file: the picture cannot be read" in bot.services.contents.broken()
    assert [known.id for known in bot.services.contents.campaign().posts] == ["good"]


@attack(
    Attacker.EDITOR,
    tried="the largest pictures of each kind, to fill a container of 512 MB",
    comes_of_it="one decoder at a time, in 288 MB of address space; the bot itself needs 115 MB",
)
def test_a_decoder_cannot_take_more_than_its_share() -> None:
    largest = solid_webp(4_000, 3_000)
    program = """
import resource, sys
from bot.platforms.spec import Limits
from bot.rendering.cards.pictures import clean
clean(sys.stdin.buffer.read(), Limits(1, max_picture_bytes=1_000_000))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, input=largest, capture_output=True, check=True
    )

    assert int(ran.stdout) < 288
