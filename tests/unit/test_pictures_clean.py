"""What is posted is the visible picture and nothing else, as large as the platform takes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageCms

from bot.errors import PictureError
from bot.rendering.cards import picture_decoder
from bot.rendering.cards.pictures import clean, inspect

MIMES = ("image/jpeg", "image/png")
MEGABYTE = 1_000_000
SECRETS = (b"Exif", b"GPS", b"Urumchi", b"xmpmeta", b"ICC_PROFILE", b"iCCP", b"eXIf", b"tEXt")


def noise(size: tuple[int, int]) -> Image.Image:
    """A photograph's worth of detail, the same every time."""
    wave = [(x * x * 31 + x * 17) % 251 for x in range(size[0] * size[1] * 3)]
    return Image.frombytes("RGB", size, bytes(wave))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def telling() -> dict[str, Any]:
    """Everything a camera tells about who stood where."""
    exif = Image.Exif()
    exif[0x010F] = "Urumchi camera"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {"exif": exif, "icc_profile": profile, "xmp": b"<x:xmpmeta>Urumchi</x:xmpmeta>"}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_that_a_camera_tells_is_left(kind: str) -> None:
    data = encoded(noise((80, 60)), kind, **telling())
    assert b"Urumchi" in data

    cleaned = clean(data, max_bytes=MEGABYTE, mimes=MIMES)

    assert not [secret for secret in SECRETS if secret in cleaned.data]
    assert not {"exif", "icc_profile", "xmp"} & set(opened(cleaned.data).info)


def test_a_comment_in_a_gif_and_a_jpeg_is_dropped() -> None:
    image = noise((40, 30))
    for data in (
        encoded(image, "GIF", comment=b"Urumchi"),
        encoded(image, "JPEG", comment=b"Urumchi"),
    ):
        assert b"Urumchi" not in clean(data, max_bytes=MEGABYTE, mimes=MIMES).data


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_picture_is_turned_upright(turn: int) -> None:
    upright = Image.new("RGB", (40, 20), "white")
    upright.paste("red", (0, 0, 20, 10))  # a red upper left corner
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[turn]) if turn in undo else upright
    exif = Image.Exif()
    exif[0x0112] = turn

    cleaned = clean(encoded(stored, "PNG", exif=exif), max_bytes=MEGABYTE, mimes=MIMES)

    assert (cleaned.width, cleaned.height) == (40, 20)
    assert opened(cleaned.data).convert("RGB").tobytes() == upright.tobytes()


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_unreadable_camera_data_means_upright(exif: bytes) -> None:
    data = encoded(noise((40, 30)), "JPEG", exif=exif)

    assert clean(data, max_bytes=MEGABYTE, mimes=MIMES).width == 40


def test_sixteen_bits_keep_their_shades() -> None:
    deep = Image.new("I;16", (16, 16), 32_768)

    cleaned = clean(encoded(deep, "PNG"), max_bytes=MEGABYTE, mimes=MIMES)

    assert opened(cleaned.data).convert("L").getpixel((3, 3)) == 128


def test_printing_colours_become_screen_colours() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)

    cleaned = clean(data, max_bytes=MEGABYTE, mimes=MIMES)

    red, green, blue = opened(cleaned.data).convert("RGB").tobytes()[:3]
    assert red > 240
    assert max(green, blue) < 15


def test_transparency_is_kept_in_a_png_and_white_in_a_jpeg() -> None:
    data = encoded(Image.new("RGBA", (16, 16), (0, 0, 0, 0)), "PNG")

    png = clean(data, max_bytes=MEGABYTE, mimes=MIMES)
    jpeg = clean(data, max_bytes=MEGABYTE, mimes=["image/jpeg"])

    assert opened(png.data).getpixel((2, 2)) == (0, 0, 0, 0)
    assert opened(jpeg.data).convert("RGB").getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("PNG", "image/png"), ("GIF", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/jpeg")],
)
def test_drawings_stay_sharp_and_photographs_small(kind: str, mime: str) -> None:
    assert clean(encoded(noise((64, 64)), kind), max_bytes=MEGABYTE, mimes=MIMES).mime == mime


@pytest.mark.parametrize("limit", [900_000, 300_000, 100_000])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_fitted_to_the_limit(kind: str, limit: int) -> None:
    data = encoded(noise((1200, 900)), kind)

    cleaned = clean(data, max_bytes=limit, mimes=MIMES)

    assert len(cleaned.data) <= limit
    assert inspect(cleaned.data) == (cleaned.mime, cleaned.width, cleaned.height)
    assert abs(cleaned.width / cleaned.height - 4 / 3) < 0.01


def test_a_large_drawing_stays_a_png_where_only_that_is_taken() -> None:
    data = encoded(noise((1200, 900)), "PNG")

    cleaned = clean(data, max_bytes=MEGABYTE, mimes=["image/png"])

    assert cleaned.mime == "image/png"
    assert len(cleaned.data) <= MEGABYTE


def test_a_limit_of_pixels_is_kept() -> None:
    cleaned = clean(
        encoded(noise((1000, 800)), "JPEG"), max_bytes=MEGABYTE, mimes=MIMES, max_pixels=400_000
    )

    assert cleaned.width * cleaned.height <= 400_000
    assert cleaned.width == 707


def test_what_cannot_be_made_to_fit_is_refused() -> None:
    with pytest.raises(PictureError, match="cannot be made to fit 900 bytes"):
        clean(encoded(noise((600, 600)), "JPEG"), max_bytes=900, mimes=MIMES)


def test_an_account_that_takes_neither_kind_is_named() -> None:
    with pytest.raises(PictureError, match="neither JPEG nor PNG but image/heic"):
        clean(encoded(noise((60, 60)), "PNG"), max_bytes=MEGABYTE, mimes=["image/heic"])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_two_processes_make_the_same_bytes_of_a_picture(kind: str) -> None:
    data = encoded(noise((300, 200)), kind)

    here = picture_decoder.clean(data, max_bytes=60_000, mimes=MIMES, max_pixels=None)

    there = clean(data, max_bytes=60_000, mimes=MIMES)
    assert here == (there.data, there.mime, there.width, there.height)


def test_a_small_picture_is_not_made_larger() -> None:
    cleaned = clean(encoded(noise((20, 10)), "PNG"), max_bytes=MEGABYTE, mimes=MIMES)

    assert (cleaned.width, cleaned.height) == (20, 10)


def test_hostile_files_are_refused_here_too() -> None:
    with pytest.raises(PictureError, match="SVG"):
        clean(b"<svg/>", max_bytes=MEGABYTE, mimes=MIMES)
