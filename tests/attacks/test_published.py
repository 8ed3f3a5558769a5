"""Attacks by way of files: kits, the site, verified texts, letters, spreadsheets, addresses."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from time import process_time

import pytest

from bot.app.content import Paths
from bot.app.sheets import import_sheet
from bot.authority.notices import Addresses
from bot.cli.main import run
from bot.content.documents import read_document
from bot.content.sheetfile import rows_of, written
from bot.content.sheets import COLUMNS
from bot.delivery.answers import ASK, REFUSE, Answers
from bot.delivery.lifecycle import Event
from bot.errors import ContentError, DecisionError, OperatorError
from bot.operations.personal_address import prove_taken
from bot.public.kit import released
from bot.public.record import record_of
from bot.public.site import posts_of
from bot.public.verifying import FINE, RecordVerifier
from tests.attacks.attack import Attacker, attack
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, enlist, post
from tests.public.records import published

OUT = "We write to urge that you decouple from Dahua."
LETTER = "https://campaignforuyghurs.org/open-letter-to-dahua-and-lorex-partners/"


@attack(
    Attacker.APPROVER,
    tried="a post that has all approvals and that an approver refused, or wants changed, is given "
    "to partners in a kit",
    comes_of_it="it is in no kit while anybody objects",
)
@pytest.mark.parametrize("verb", [ASK, REFUSE])
def test_no_partner_gets_what_an_approver_objects_to(new_bot: RunningBot, verb: str) -> None:
    new_bot.start_approved(post("one", "partners_from: 2026-01-01 09:00", at=NINE))
    enlist(new_bot.store, "Cy")
    whole = new_bot.services.contents.rendered
    assert [each.id for each in released(whole, new_bot.store)] == ["one"]

    Answers(new_bot.store, new_bot.clock).object_to(verb, "one", "Not so.", by="Cy")

    assert released(whole, new_bot.store) == ()


@attack(
    Attacker.VISITOR,
    tried="exact words with unseen marks that turn their order, or with a link to another site "
    "that begins as the letter's own, are shown as verified",
    comes_of_it="neither is called exact; only whole lines are isolated by us, and after the "
    "letter's address nothing follows but a place in it",
)
@pytest.mark.parametrize("text", [
    OUT.replace("urge", "ur\u2068ge\u2069"),
    OUT.replace(" that", "\u2069\u2068 that"),
    f"“{OUT}”\n{LETTER}donate",
    f"“{OUT}”\n{LETTER.removesuffix('/')}.evil.example/",
    f"{OUT}\n{LETTER}?to=https://evil.example",
])  # fmt: skip
def test_nothing_is_hidden_in_or_behind_exact_words(text: str) -> None:
    verifier = RecordVerifier(published())

    assert verifier.verify(f"\u2068“{OUT}”\u2069\n{LETTER}#:~:text=We").answer in FINE
    assert verifier.verify(text).answer not in FINE


@attack(
    Attacker.VISITOR,
    tried="a source that nobody else published is read in the public record after the one post "
    "that quoted it was retracted",
    comes_of_it="the source is in the record no more, and its post has neither passage nor card",
    remains="copies of the site and the record from before",
)
def test_a_retraction_takes_a_source_out_of_the_record(new_bot: RunningBot) -> None:
    bot, words = new_bot, "They are our mothers and fathers"
    bot.tree.change("posts/sources/letter.yaml", "address: https://example.org/letter", "address:")
    bot.start_approved(post("one", f'quote: {{source: letter, text: "{words}"}}', at=NINE))
    bot.wait(NINE + MINUTE)
    campaign = bot.services.contents.campaign()
    assert [each.id for each in record_of(bot.store, campaign, (), NINE).sources] == ["letter"]

    bot.store.outbox.move(bot.row().id, Event.RETRACT, now=NINE + MINUTE, actor="Ann")
    record = record_of(bot.store, campaign, (), NINE)

    assert record.sources == ()
    assert [(each.words, each.card) for each in posts_of(record)] == [
        ("A post that was taken down", None)
    ]


SLOW = {
    "links": "[a](" * 8_000, "brackets": "[" * 40_000, "addresses": "<https://" * 8_000,
    "spaces": " " * 40_000 + "x", "emphasis": "*a " * 20_000, "bytes": "a " * 600_000,
}  # fmt: skip


@attack(
    Attacker.EDITOR,
    tried="a letter in Markdown that makes the search for links and emphasis take hours",
    comes_of_it="it is read or refused within seconds",
)
@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_letter_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("bot.content.documents._SECONDS", 0.2)
    letter, begun = tmp_path / "letter.md", process_time()
    letter.write_text(text, encoding="utf-8")

    with suppress(ContentError):
        read_document(letter)

    assert process_time() - begun < 2


def workbook_in_utf16() -> bytes:
    """Return a workbook one part of which declares an entity, with two bytes a letter."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(written([{"id": "a"}], is_csv=False))) as book,
        zipfile.ZipFile(target, "w") as packed,
    ):
        for name in book.namelist():
            packed.writestr(name, book.read(name))
        packed.writestr("xl/more.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"))
    return target.getvalue()


STRINGS = (
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    f"<si><t>{'x&#13;&#10;' * 9_000}</t></si></sst>"
)
KIND = (
    '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def workbook_of_one_text(rows: int) -> bytes:
    """Return a workbook whose cells all have one long text, which is written once."""
    target, header = io.BytesIO(), {name: name for name in COLUMNS}
    with (
        zipfile.ZipFile(io.BytesIO(written([header], is_csv=False))) as book,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in book.namelist():
            part = book.read(name).decode()
            if name.endswith("sheet1.xml"):
                cells = '<c t="s"><v>0</v></c>' * len(COLUMNS)
                row = f"<row>{cells}</row>"
                part = part.replace("</sheetData>", f"{row * rows}</sheetData>")
            packed.writestr(name, part.replace("</Types>", KIND))
        packed.writestr("xl/sharedStrings.xml", STRINGS)
    return target.getvalue()


@attack(
    Attacker.EDITOR,
    tried="a spreadsheet of a few kB whose cells share one long text, to fill the memory",
    comes_of_it="refused: the cells' text is counted as often as it stands there",
)
def test_no_spreadsheet_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.content.sheetfile.MOST_UNPACKED", 2_000_000)
    raw = workbook_of_one_text(20)
    assert len(raw) < 20_000

    with pytest.raises(OperatorError, match="too large"):
        rows_of(raw, is_csv=False)


@attack(
    Attacker.EDITOR,
    tried="a spreadsheet with entities in another encoding, a cell that no reader takes, or "
    "control characters that no workbook can hold",
    comes_of_it="refused with the reason; the copy of the sheet shows such characters as escapes",
)
def test_no_spreadsheet_breaks_what_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = CampaignTree(tmp_path)
    paths = Paths(tree.schedule, tree.posts, tmp_path / "data")
    sheet = tmp_path / "posts.csv"

    with pytest.raises(OperatorError, match="entities"):
        rows_of(workbook_in_utf16(), is_csv=False)
    sheet.write_text('id,text\na,"' + "x" * 200_000 + '"\n', encoding="utf-8")
    with pytest.raises(OperatorError, match="no CSV from line 2"):
        import_sheet(paths, sheet)
    sheet.write_text("id,text,queue,\x1b[31m\na,b\x07c,main,x\n", encoding="utf-8")
    assert import_sheet(paths, sheet).errors
    copied = (tmp_path / "posts-problems.xlsx").read_bytes()
    assert rows_of(copied, is_csv=False)[1][0].cells["text"] == r"b\u0007c"
    assert run(["sheet", "import", str(sheet), *tree.places(paths.data)]) == 1
    assert "\x1b" not in "".join(capsys.readouterr())


@attack(
    Attacker.DATABASE,
    tried="a user whose name is a path, so that a file of the machine is read as their address",
    comes_of_it="no file but one in the folder of addresses is read",
)
@pytest.mark.parametrize("name", ["../audit.key", "..", ".", "", "/etc/hostname", "a/b", "a\0b"])
def test_no_name_of_a_user_leads_to_another_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "addresses").mkdir()
    (tmp_path / "audit.key").write_text("mailto://not-an-address", encoding="utf-8")

    assert Addresses(tmp_path / "addresses").get(name) == ""


@attack(
    Attacker.SHELL,
    tried="an address that is none, of several words, so that Apprise writes a password of it into "
    "the log",
    comes_of_it="refused before Apprise reads it, with a message that does not repeat it",
)
@pytest.mark.parametrize("address", ["us secret-words", "json://a.example/x\nsecret-words", ""])
def test_no_address_of_several_words_reaches_the_log(
    caplog: pytest.LogCaptureFixture, address: str
) -> None:
    with pytest.raises(DecisionError, match="one address") as refused:
        prove_taken("Ann", address)

    assert "secret" not in f"{refused.value} {caplog.text}"
