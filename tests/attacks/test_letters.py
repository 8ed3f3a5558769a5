"""Letters that come by mail are read by nothing that they could attack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli.main import run
from bot.content.documents import read_document
from bot.errors import ContentError
from tests.attacks.attack import Attacker, attack
from tests.fakes.documents import docx, odt, zipped


def entities(parts: str) -> str:
    return f'<!DOCTYPE x [<!ENTITY a "{parts}"><!ENTITY b "&a;&a;&a;&a;">]>'


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a bomb": ("docx", lambda: zipped({"word/document.xml": b"\0" * 51_000_000}), "letter-size"),
    "a bomb of parts": (
        "odt", lambda: zipped({f"{number}.xml": "" for number in range(2001)}), "letter-size",
    ),
    "entities": ("docx", lambda: docx(before=entities("ha" * 1000)), "letter-xml"),
    "entities of another alphabet": (
        "odt", lambda: zipped({"content.xml": (entities("ha") + "<x/>").encode("utf-16")}),
        "letter-xml",
    ),
    "an outside file": (
        "odt",
        lambda: odt(before='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), "letter-xml",
    ),
    "depth": ("odt", lambda: odt("<text:p>" * 900 + "x" + "</text:p>" * 900), "letter-xml"),
    "a cut file": ("docx", lambda: docx()[:-200], "letter-kind"),
    "no archive": ("odt", lambda: b"Dear all, we write.", "letter-kind"),
    "broken XML": ("odt", lambda: zipped({"content.xml": "<x"}), "letter-xml"),
    "a prefix of nothing": ("odt", lambda: zipped({"content.xml": "<a:x/>"}), "letter-xml"),
    "no letter": ("docx", lambda: zipped({"a.xml": "<x/>"}), "letter-kind"),
    "no text": ("odt", lambda: odt(" "), "letter-size"),
    "much": ("txt", lambda: b"We write. " * 1_100_000, "letter-size"),
    "too much text": ("md", lambda: b"We write. " * 110_000, "letter-size"),
    "controls": ("txt", lambda: b"We write\x1b[2J to you.", "character"),
    "hidden marks": (
        "docx", lambda: docx("<w:p><w:r><w:t>a\u202eb</w:t></w:r></w:p>"), "character",
    ),
    "unseen spaces": ("txt", lambda: "We\u200b write.".encode(), "character"),
    "misread letters": ("odt", lambda: odt("<text:p>We donâ€™t know.</text:p>"), "character"),
    "another encoding": ("txt", lambda: "Où".encode("latin-1"), "utf-8"),
    "another kind": ("pdf", lambda: b"%PDF-1.7", "letter-kind"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@attack(
    Attacker.EDITOR,
    tried="a letter for `init` that is an attack: an archive that swells or has thousands of "
    "parts, entities in any encoding, an outside file, deep nesting, a cut file, controls and "
    "hidden marks in its text",
    comes_of_it="refused by a rule before it is unpacked or understood; nothing is written",
    remains="a flaw of expat or mammoth itself, with the rights of whoever calls `init`",
)
def test_a_hostile_file_is_refused_by_a_rule_and_nothing_is_written(
    tmp_path: Path, name: str
) -> None:
    ending, content, rule = HOSTILE[name]
    letter = tmp_path / f"letter.{ending}"
    letter.write_bytes(content())

    with pytest.raises(ContentError) as refused:
        read_document(letter)

    assert {problem.rule for problem in refused.value.problems} == {rule}
    assert run(["init", str(tmp_path / "new"), "--letter", str(letter)]) == 1
    assert not (tmp_path / "new").exists()
