"""Cuts the fonts of `bot/rendering/cards/fonts` from the packages named in its README, by hand.

Usage: python tools/cut_fonts.py UNPACKED_WHEELS_DIR TARGET_DIR   (needs fonttools, a tool only)
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

SERIF = "fontpkg_noto_serif/files/NotoSerif[wdth,wght].ttf"
NASKH = "pylopdf_fonts_ar/NotoNaskhArabic-Variable.ttf"
CHINESE = "pylopdf_fonts_zh_cn/NotoSerifSC-Regular.otf"

#: Whole blocks: Latin with all its marks, IPA's neighbours left out; Greek and Cyrillic for names.
EUROPEAN = [
    *range(0x20, 0x250),
    *range(0x2B0, 0x530),
    *range(0x1E00, 0x2000),
    *range(0x2000, 0x2070),
    *range(0x20A0, 0x20C1),
    0x2116,
    0x2122,
    0x2212,
    0xFB01,
    0xFB02,
]


def gb2312() -> set[int]:
    """Every character of GB 2312: 6,763 Han characters and the punctuation round them."""
    pairs = ((row, cell) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    letters = (bytes(pair).decode("gb2312", errors="ignore") for pair in pairs)
    return {ord(letter) for letter in letters if letter}


def cut(font: TTFont, keep: set[int], target: Path) -> None:
    """Keep these characters with all their shaping; hints are dropped, as cards are drawn large."""
    options = subset.Options(layout_features=["*"], hinting=False, notdef_outline=True)
    options.name_IDs, options.name_languages = ["*"], ["*"]
    options.drop_tables += ["vhea", "vmtx", "VORG"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=keep)
    cutter.subset(font)
    save(font, target)


def save(font: TTFont, target: Path) -> None:
    font["head"].modified = font["head"].created  # the same input gives the same bytes
    font.recalcTimestamp = False
    font.save(target, reorderTables=None)


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    serif = target / "NotoSerif-Variable.ttf"
    cut(TTFont(source / SERIF), set(EUROPEAN), serif)
    narrowed = instancer.instantiateVariableFont(
        TTFont(serif), {"wdth": 100, "wght": (400, 700)}, updateFontNames=False
    )
    save(narrowed, serif)
    (target / "NotoNaskhArabic-Variable.ttf").write_bytes((source / NASKH).read_bytes())
    chinese = gb2312() | set(range(0x20, 0x180)) | set(range(0x2010, 0x2045))
    chinese |= set(range(0x3000, 0x3020)) | set(range(0xFF01, 0xFF66))
    cut(TTFont(source / CHINESE), chinese, target / "NotoSerifSC-GB2312.otf")


if __name__ == "__main__":
    main()
