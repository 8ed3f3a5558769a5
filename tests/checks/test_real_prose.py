"""What people really write must pass the rules against fake quotations."""

import pytest

from bot.checks.attribution import attribution_shape
from bot.checks.quotation_marks import problems_of_marks
from bot.content.characters import fault_of_words
from bot.content.comparing import Folded, fold
from tests.fakes.written import source

REAL = (
    "Don’t look away: it’s the partners’ choice, and Lorex's.",
    "A camera 5′ tall, a 30″ screen, 6'2\" and 6’2” of wall.",
    "👩‍❤️‍👨 🧑🏽‍🚀 🏳️‍⚧️ 1️⃣ ✊🏽",
    "ئۇيغۇرلارنىڭ ئاۋازى – Dahuaنىڭ كامېرالىرى",
    "می‌خواهیم بدانیم",
    'צה״ל, ג׳ורג׳ וארה"ב',
    "Hawaiʻi, ʿulamāʾ, Oʻzbekiston, Qurʾān",
    "Рабочие Dahua не молчат; Η Dahua σιωπά",
    "大华Dahua公司的摄像头",
    "Read the open letter of 9 December 2022.",
    "Three things:\n- cameras\n– people\n* partners",
    "I <3 this; 5 > 3; a -> b",
    "From the letter's reading list.",
    "On this day in 2022, four Uyghur organizations wrote an open letter to the partners of Dahua "
    "and Lorex. It begins:",
    "October 17, 2023: a briefing of the Uyghur Human Rights Project on Dahua.",
    "Dahua — the letter says so — helps.",
    "Rock ’n’ roll of the ’90s: ’tis the season",
    "IT-компания, PR-отдел, Dahua’ның; WhatsApp'ом, #Stop_Дахуа",
    "β-carotene, α-particles, T-лимфоциты",
    "12° 30′ 15″ N, 5 << 7, 1 kΩ, 3 μm",
)


@pytest.mark.parametrize("words", REAL)
def test_real_prose_passes(words: str) -> None:
    letter = source(
        title="Open letter to Dahua and Lorex partners",
        attribution="— Open letter from four Uyghur organizations, December 9, 2022",
        signatories=("Uyghur Human Rights Project", "Campaign for Uyghurs"),
    )

    assert list(problems_of_marks(words, [letter], [])) == []
    assert attribution_shape(words, [letter]) is None
    assert fault_of_words(words) is None


def test_a_text_is_folded_once_however_many_sources_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = [source(id=f"letter-{number}") for number in range(20)]
    attribution_shape("Warm up.", letters)
    folded: list[str] = []

    def counted(text: str) -> Folded:
        folded.append(text)
        return fold(text)

    monkeypatch.setattr("bot.checks.attribution.fold", counted)

    attribution_shape("A sentence of words. " * 20, letters)

    assert len(folded) == 1
