"""The vendored fonts: which one writes a language, and what it cannot write."""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont, features

from bot.errors import SettingsError

FONTS = Path(__file__).with_name("fonts")
REGULAR, BOLD = 400, 600


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font and how it wants to be set."""

    file: str
    #: Distance of lines, in font sizes.
    leading: float
    #: What its letters must be enlarged by, to look as large as Latin ones.
    scale: float = 1.0
    #: Has a weight axis from 400 to 700.
    varies: bool = True


LATIN = Typeface("NotoSerif-Variable.ttf", 1.34)
ARABIC = Typeface("NotoNaskhArabic-Variable.ttf", 1.54, scale=1.16)
CHINESE = Typeface("NotoSerifSC-GB2312.otf", 1.5, scale=0.96, varies=False)
_BY_LANGUAGE = {
    **dict.fromkeys(("ug", "ar", "fa", "ur", "ps", "sd", "ckb"), ARABIC),
    "zh": CHINESE,
}


def require_raqm() -> None:
    """Make sure that Arabic letters will be joined and Uyghur runs from right to left.

    Raises:
        SettingsError: Pillow's text shaping is not there.
    """
    if not features.check("raqm"):
        raise SettingsError(
            "quote cards need Pillow's Raqm text layout, and Raqm needs the FriBiDi library:"
            " install the system package libfribidi0"
        )


def typeface_for(lang: str) -> Typeface:
    """Return what writes a BCP 47 language; Latin, Greek and Cyrillic by default."""
    tag = lang.lower().replace("_", "-")
    script = next((part for part in tag.split("-")[1:] if len(part) == 4), "")
    if script in ("latn", "cyrl"):
        return LATIN
    return _BY_LANGUAGE.get(tag.split("-", maxsplit=1)[0], LATIN)


@lru_cache(maxsize=64)
def load(typeface: Typeface, size: float, weight: int = REGULAR) -> ImageFont.FreeTypeFont:
    require_raqm()
    font = ImageFont.truetype(FONTS / typeface.file, size, layout_engine=ImageFont.Layout.RAQM)
    if typeface.varies:
        font.set_variation_by_axes([weight])
    return font


def missing_letters(typeface: Typeface, text: str) -> str:
    """List the letters that the typeface would draw as an empty box, each once, in order."""
    return "".join(
        letter for letter in dict.fromkeys(text) if letter != "\n" and not _has(typeface, letter)
    )


@cache
def _has(typeface: Typeface, letter: str) -> bool:
    if unicodedata.category(letter) == "Cf":
        return True  # never drawn: joiners, direction marks
    if unicodedata.category(letter) in ("Cc", "Cn", "Co", "Cs"):
        return False
    return letter.isspace() or _shape(typeface, letter) != _shape(typeface, "\uffff")


def _shape(typeface: Typeface, letter: str) -> tuple[tuple[int, int], bytes]:
    # Pillow does not tell which letters a font has; what it lacks looks like what no font has.
    font = ImageFont.truetype(FONTS / typeface.file, 24, layout_engine=ImageFont.Layout.BASIC)
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
