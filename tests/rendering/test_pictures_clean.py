"""What is posted is the visible picture and nothing else, as large as the platform takes."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image, ImageCms

from bot.errors import PictureError
from bot.platforms.spec import Limits
from bot.platforms.status import Picture
from bot.rendering.cards import picture_decoder, pictures
from bot.rendering.cards.pictures import inspect

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


def clean(
    data: bytes, *, max_bytes: int, mimes: Sequence[str], max_pixels: int | None = None
) -> tuple[bytes, Picture]:
    limits = Limits(
        1, max_picture_bytes=max_bytes, picture_mimes=tuple(mimes), max_pixels=max_pixels
    )
    return pictures.clean(data, limits)


def cleaned_of(data: bytes) -> tuple[bytes, Picture]:
    return clean(data, max_bytes=MEGABYTE, mimes=MIMES)


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

    content, _picture = cleaned_of(data)

    assert not [secret for secret in SECRETS if secret in content]
    assert not {"exif", "icc_profile", "xmp"} & set(opened(content).info)


@pytest.mark.parametrize("kind", ["GIF", "JPEG"])
def test_a_comment_is_dropped(kind: str) -> None:
    data = encoded(noise((40, 30)), kind, comment=b"Urumchi")

    assert b"Urumchi" not in cleaned_of(data)[0]


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_picture_is_turned_upright(turn: int) -> None:
    upright = Image.new("RGB", (40, 20), "white")
    upright.paste("red", (0, 0, 20, 10))  # a red upper left corner
    undo = [
        *(None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180),
        *(Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90),
        *(Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270),
    ][turn - 1]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = turn

    content, picture = cleaned_of(encoded(stored, "PNG", exif=exif))

    assert (picture.width, picture.height) == (40, 20)
    assert opened(content).convert("RGB").tobytes() == upright.tobytes()


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_unreadable_camera_data_means_upright(exif: bytes) -> None:
    data = encoded(noise((40, 30)), "JPEG", exif=exif)

    assert cleaned_of(data)[1].width == 40


def test_sixteen_bits_keep_their_shades() -> None:
    deep = Image.new("I;16", (16, 16), 32_768)

    content, _picture = cleaned_of(encoded(deep, "PNG"))

    assert opened(content).convert("L").getpixel((3, 3)) == 128


def test_printing_colours_become_screen_colours() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)

    content, _picture = cleaned_of(data)

    red, green, blue = opened(content).convert("RGB").tobytes()[:3]
    assert red > 240
    assert max(green, blue) < 15


def test_transparency_is_kept_in_a_png_and_white_in_a_jpeg() -> None:
    data = encoded(Image.new("RGBA", (16, 16), (0, 0, 0, 0)), "PNG")

    png, _picture = cleaned_of(data)
    jpeg, _picture = clean(data, max_bytes=MEGABYTE, mimes=["image/jpeg"])

    assert opened(png).getpixel((2, 2)) == (0, 0, 0, 0)
    assert opened(jpeg).convert("RGB").getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "mime"),
    [("PNG", "image/png"), ("GIF", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/jpeg")],
)
def test_drawings_stay_sharp_and_photographs_small(kind: str, mime: str) -> None:
    assert cleaned_of(encoded(noise((64, 64)), kind))[1].mime == mime


@pytest.mark.parametrize("limit", [900_000, 300_000, 100_000])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_fitted_to_the_limit(kind: str, limit: int) -> None:
    data = encoded(noise((1200, 900)), kind)

    content, picture = clean(data, max_bytes=limit, mimes=MIMES)

    assert len(content) <= limit
    assert inspect(content) == (picture.mime, picture.width, picture.height)
    assert abs(picture.width / picture.height - 4 / 3) < 0.01


def test_a_large_drawing_stays_a_png_where_only_that_is_taken() -> None:
    content, picture = clean(
        encoded(noise((1200, 900)), "PNG"), max_bytes=MEGABYTE, mimes=["image/png"]
    )

    assert picture.mime == "image/png"
    assert len(content) <= MEGABYTE


def test_a_limit_of_pixels_is_kept() -> None:
    _content, picture = clean(
        encoded(noise((1000, 800)), "JPEG"), max_bytes=MEGABYTE, mimes=MIMES, max_pixels=400_000
    )

    assert picture.width * picture.height <= 400_000
    assert picture.width == 707


@pytest.mark.parametrize(
    ("data", "bytes_", "mimes", "says"),
    [
        (encoded(noise((600, 600)), "JPEG"), 900, MIMES, "cannot be made to fit 900 bytes"),
        (encoded(noise((60, 60)), "PNG"), MEGABYTE, ["image/heic"], "neither JPEG nor PNG but"),
        (b"<svg/>", MEGABYTE, MIMES, "SVG"),
    ],
    ids=["too large", "an account that takes neither kind", "hostile"],
)
def test_what_cannot_be_posted_is_refused(
    data: bytes, bytes_: int, mimes: Sequence[str], says: str
) -> None:
    with pytest.raises(PictureError, match=says):
        clean(data, max_bytes=bytes_, mimes=mimes)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_two_processes_make_the_same_bytes_of_a_picture(kind: str) -> None:
    data = encoded(noise((300, 200)), kind)

    here = picture_decoder.clean(data, max_bytes=60_000, mimes=MIMES, max_pixels=None)

    there, picture = clean(data, max_bytes=60_000, mimes=MIMES)
    assert here == (there, picture.mime, picture.width, picture.height)


def test_a_small_picture_is_not_made_larger() -> None:
    _content, picture = cleaned_of(encoded(noise((20, 10)), "PNG"))

    assert (picture.width, picture.height) == (20, 10)
