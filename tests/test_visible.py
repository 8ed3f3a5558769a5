"""Text made visible, and that nothing goes round it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bot import visible
from bot.engagement.export import cell
from tests.conftest import ROOT


def test_numbers_and_prose_are_left_alone() -> None:
    for value in (-1, 0.5, None, "", "Dahua – a name; well-being = being well", "a - b", "1+1"):
        assert cell(value) == value


def test_one_printer_writes_to_terminals() -> None:
    writers = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "bot").rglob("*.py"))
        if re.search(r"click\.s?echo\(|[^.\w]print\(|sys\.stdout\.write\(|stderr\.write\(",
                     file.read_text(encoding="utf-8"))
    ]  # fmt: skip

    # Schemas are our own words; JSON is made visible; the log has its own test.
    assert writers == ["bot/cli/content.py", "bot/cli/output.py", "bot/cli/terminal.py"]


def test_every_template_makes_text_visible() -> None:
    makers = [
        text
        for file in (ROOT / "bot").rglob("*.py")
        if "Environment(" in (text := file.read_text(encoding="utf-8")) and "jinja2" in text
    ]

    assert len(makers) == 3
    assert all("finalize=visible.shown" in text for text in makers)


def test_mail_leaves_by_one_function() -> None:
    senders = [
        file.name
        for file in (ROOT / "bot").rglob("*.py")
        if re.search(r"\.notify\(", file.read_text(encoding="utf-8"))
    ]

    assert senders == ["channels.py"]


@pytest.mark.parametrize(
    "text",
    ["می‌خواهم", "क्‍ष", "👩‍❤️‍👨 🧑🏽‍🚀 🏳️‍⚧️ 1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "葛󠄀", "שלום‏ (2022)", "naïve café", "🪽"],
)  # fmt: skip
@pytest.mark.parametrize("way", [visible.line, visible.block, visible.indented])
def test_what_languages_and_emoji_need_is_left_alone(
    text: str, way: Callable[[object], str]
) -> None:
    assert way(text) == text
