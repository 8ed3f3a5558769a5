"""What is read of a letter as people send it."""

from __future__ import annotations

from pathlib import Path

from bot.content.documents import read_document
from tests.fakes.documents import odt


def test_what_no_office_program_shows_is_no_word_of_the_letter(tmp_path: Path) -> None:
    letter = tmp_path / "letter.odt"
    letter.write_bytes(odt("<text:p>We ask you to stop.</text:p>Never.<text:p>Thank you.</text:p>"))

    assert read_document(letter).text == "We ask you to stop.\n\nThank you.\n"
