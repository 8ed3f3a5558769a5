"""Posts in a spreadsheet: nothing is lost on the way there and back, nothing is guessed."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.app.content import Paths
from bot.app.sheets import Imported, export_sheet, import_sheet
from bot.cli.main import root
from bot.content.sheetfile import MOST_BYTES, rows_of, written
from bot.content.sheets import (
    COLUMNS,
    SheetError,
    cells_of,
    entries_of,
    entry_lines,
    post_of,
    with_post,
)
from bot.content.yamlfile import parse
from bot.errors import OperatorError
from tests.fakes.campaign_tree import CampaignTree

OWN = """\
# Kept: a comment above.
posts:
  # About the first.
  - id: first
    quote: {source: letter, text: "They are our mothers and fathers"}
    queue: main

  # About the second.
  - id: second
    text: "We count every month: #Uyghur"  # an aside
    at: 2027-01-09 09:00
    accounts: [masto]
  - id: third
    text: |-
      Two lines,
      #Uyghur
    at: 2027-02-09 09:00
    variants: {blue: {text: "Shorter, and other."}}
    accounts: [blue, masto]
"""


@pytest.fixture
def tree(tmp_path: Path) -> CampaignTree:
    tree = CampaignTree(tmp_path)
    tree.change("schedule.yaml", "queues:", "hashtags: [Uyghur]\nqueues:")
    tree.put("posts/main.yaml", OWN)
    return tree


@pytest.fixture
def paths(tree: CampaignTree, tmp_path: Path) -> Paths:
    return Paths(tree.schedule, tree.posts, tmp_path / "data")


Edit = Callable[[Callable[[int, str], Any]], None]


def edited(paths: Paths, *changes: tuple[int, str, object]) -> Imported:
    """Export, change cells as a person would, and import."""
    file = paths.posts.parent / "sheet.xlsx"
    export_sheet(paths, file)
    book = openpyxl.load_workbook(file)
    for row, column, value in changes:
        book.worksheets[0].cell(row, COLUMNS.index(column) + 1).value = value  # type: ignore[assignment] # an editor writes anything
    book.save(file)
    return import_sheet(paths, file)


def files_of(paths: Paths) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in paths.posts.rglob("*") if path.is_file()}


# -- there and back


@pytest.mark.parametrize("name", ["sheet.xlsx", "sheet.csv"])
def test_what_is_exported_and_imported_changes_no_byte(paths: Paths, name: str) -> None:
    before = files_of(paths)
    file = paths.posts.parent / name

    assert export_sheet(paths, file) == 3
    found = import_sheet(paths, file)

    assert (found.problems, found.changed, found.added, found.absent) == ([], [], [], [])
    assert files_of(paths) == before


def test_a_changed_row_changes_its_post_and_nothing_else(paths: Paths) -> None:
    found = edited(paths, (4, "text", "Three – and more:\nin two lines, #Uyghur"))

    text = (paths.posts / "main.yaml").read_text(encoding="utf-8")
    assert (found.errors, found.changed) == ([], ["third"])
    assert text.startswith(OWN[: OWN.index("  - id: third")])
    assert entries_of(text)[2].text("text") == "Three – and more:\nin two lines, #Uyghur"


def test_a_new_row_goes_into_a_file(paths: Paths) -> None:
    found = edited(paths, (5, "id", "new"), (5, "text", "We meet."), (5, "thread", False),
                   (5, "at", "2027-03-09 09:00"), (5, "file", "posts/more/new.yaml"))  # fmt: skip

    text = (paths.posts / "more" / "new.yaml").read_text(encoding="utf-8")
    assert (found.errors, found.added) == ([], ["new"])
    assert text == ('posts:\n  - id: new\n    text: "We meet."\n    at: "2027-03-09 09:00"\n'
                    "    thread: false\n")  # fmt: skip


def test_a_post_without_a_row_and_a_key_without_a_column_stay(paths: Paths) -> None:
    file = paths.posts.parent / "sheet.csv"
    file.write_text("id;note\nsecond;\nfirst;Ask Ann\n", encoding="utf-8")

    found = import_sheet(paths, file)

    first, second, third = entries_of((paths.posts / "main.yaml").read_text(encoding="utf-8"))
    assert (found.errors, found.changed, found.absent) == ([], ["first"], ["third"])
    assert first.plain() == {"id": "first", "queue": "main", "note": "Ask Ann", "quote": {
        "source": "letter", "text": "They are our mothers and fathers"}}  # fmt: skip
    assert second.text("at") == "2027-01-09 09:00"
    assert third.text("id") == "third"


texts = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\n#=+-@'\"\\:,"),
    min_size=1, max_size=40,
)  # fmt: skip
posts = st.fixed_dictionaries(
    {"id": st.just("p"), "text": texts},
    optional={
        "note": texts, "quote": st.fixed_dictionaries({"source": st.just("letter"), "text": texts}),
        "accounts": st.lists(texts, min_size=1, max_size=3),
        "media": st.lists(st.fixed_dictionaries({"file": texts, "alt": texts}), min_size=1,
                          max_size=2),
        "variants": st.dictionaries(texts, st.fixed_dictionaries({"text": texts}), min_size=1,
                                    max_size=2),
    },
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(posts)
def test_whatever_a_post_says_comes_back_from_the_sheet_and_from_yaml(post: Any) -> None:
    text = "\n".join(["posts:", "  -", *entry_lines(post, 4)]).replace("-\n   ", "-", 1) + "\n"
    node, problems = parse(text.encode(), file="")
    assume(node is not None and not problems)  # characters that no file may have
    (entry,) = entries_of(text)
    assert entry.plain() == post

    cells = cells_of(entry, "posts/main.yaml")
    _header, (row,) = rows_of(written([cells], is_csv=False), is_csv=False)

    assert row.cells == cells
    assert post_of(row.cells) == post
    assert entries_of(with_post("", post_of(row.cells)))[0].plain() == post


# -- what a spreadsheet makes of cells


@pytest.mark.parametrize(("column", "value", "rule", "says"), [
    ("at", datetime(2027, 1, 9, 9), "sheet-date", "perhaps: 2027-01-09 09:00"),  # noqa: DTZ001 - a cell has no zone
    ("text", '=HYPERLINK("https://x.example")', "sheet-formula", "is a formula"),
    ("theme", 7, "sheet-number", "drops zeros"),
    ("text", True, "sheet-number", "truth value"),
    ("media", "a.png", "sheet-json", '[{"file": "media/a.png", "alt": "A door"}]'),
    ("id", "Not an id", "sheet-id", "small letters of one script"),
    ("id", "third", "sheet-id", "row 4 has it already"),
    ("file", "posts/other.yaml", "sheet-file", "stands in posts/main.yaml"),
    ("note", "long " * 6_001, "sheet-long", "30,005 characters"),
    ("quote.text", "They were our mothers", "quote-altered", "They"),
])  # fmt: skip
def test_a_wrong_cell_is_named_and_nothing_is_written(
    paths: Paths, column: str, value: object, rule: str, says: str
) -> None:
    before, row = files_of(paths), 2 if column == "quote.text" else 4 if column != "id" else 5

    found = edited(paths, (row, column, value), (3, "note", "Fine."))

    wrong = [each for each in found.errors if each.rule == rule]
    assert [each.line for each in wrong] == [row]
    assert wrong[0].column == COLUMNS.index(column) + 1
    assert says in wrong[0].message
    assert files_of(paths) == before
    copy = openpyxl.load_workbook(paths.posts.parent / "sheet-problems.xlsx").worksheets[0]
    assert f"[{rule}]" in str(copy.cell(row, len(COLUMNS)).value)
    assert copy.cell(row, COLUMNS.index(column) + 1).fill.fgColor.rgb == "00FFD9D2"


def test_a_new_row_goes_to_no_file_that_holds_no_posts(paths: Paths) -> None:
    for name in ("posts/sources/letter.yaml", "posts/../schedule.yaml", "/etc/x.yaml", "x.yaml"):
        found = edited(paths, (5, "id", "new"), (5, "text", "Hi."), (5, "file", name))

        assert [each.rule for each in found.errors] == ["sheet-file"]


def test_csv_of_excel_is_read_with_its_separator_and_its_formulas_told(paths: Paths) -> None:
    file = paths.posts.parent / "sheet.csv"
    file.write_bytes('id;note;accounts\r\nfirst;=1+1;"[""masto""]"\r\n'.encode("utf-8-sig"))
    assert [each.rule for each in import_sheet(paths, file).errors] == ["sheet-formula"]

    file.write_bytes('id;note;accounts\r\nfirst;"a\r\nb";"[""masto""]"\r\n'.encode("utf-8-sig"))
    assert import_sheet(paths, file).changed == ["first"]
    first = entries_of((paths.posts / "main.yaml").read_text(encoding="utf-8"))[0]
    assert (first.text("note"), first.texts("accounts")) == ("a\nb", ["masto"])

    file.write_bytes("id\nmüller\n".encode("latin-1"))
    with pytest.raises(OperatorError, match="no UTF-8"):
        import_sheet(paths, file)
    with pytest.raises(OperatorError, match=r"ends in \.xlsx or \.csv"):
        import_sheet(paths, file.with_suffix(".ods"))


@pytest.mark.parametrize(
    ("text", "post"),
    [
        ("sep=;\r\nId;Text;Queue\r\np;We ask;main\r\n", {"text": "We ask"}),
        ("id,text,queue,thread\np,We ask,main,TRUE\n", {"thread": "true"}),
        ("id,text,queue,accounts\np,We ask,main,masto; blue\n", {"accounts": ["masto", "blue"]}),
        ('id,text,queue\np,"One\rTwo",main\n', {"text": "One\nTwo"}),
    ],
)
def test_what_spreadsheets_make_of_a_sheet_is_read(
    paths: Paths, tmp_path: Path, text: str, post: dict[str, object]
) -> None:
    file = tmp_path / "sheet.CSV"
    file.write_bytes(text.encode())

    found = import_sheet(paths, file)

    assert (found.problems, found.added) == ([], ["p"])
    (entry,) = entries_of((paths.posts / "sheet.yaml").read_text(encoding="utf-8"))
    assert {key: each.plain() for key in post if (each := entry.child(key))} == post


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,text,queue\np,We ask, all of you,main\n", "2:0: something stands in no column"),
        ("id,text,queue\np,We ask,main,extra\n", "2:0: something stands in no column"),
        ("id,text,queue,\np,We ask,main,extra\n", "2:4: something stands in no column"),
        ("id,text,queue,accounts\np,We ask,main,mastto\n", "2:4: p.accounts[0]: no account"),
        ("id,text,queue\nMy Post,We ask,main\n", "write my-post"),
    ],
)
def test_what_would_be_lost_is_told_at_its_cell(
    paths: Paths, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "sheet.csv"
    file.write_bytes(text.encode())

    found = import_sheet(paths, file)

    assert said in "\n".join(map(str, found.errors))
    assert not (paths.posts / "sheet.yaml").exists()


def test_every_wrong_row_is_told_at_once(paths: Paths) -> None:
    found = edited(paths, (2, "quote.text", "They were our mothers"), (4, "at", 7))

    assert {each.rule for each in found.errors} >= {"quote-altered", "sheet-number"}


def test_a_comment_is_never_lost(paths: Paths) -> None:
    found = edited(paths, (3, "note", "Changed."))

    assert [each.rule for each in found.errors] == ["sheet-comment"]
    assert "line 10 of its file" in found.errors[0].message


def test_a_file_laid_out_otherwise_is_left_alone() -> None:
    for text in (
        "posts: [{id: p, text: Hi}]\n",
        "posts:\n  -\n    id: p\n    text: Hi\n",
        "a: b\n",
    ):
        with pytest.raises(SheetError, match="laid out"):
            with_post(text, {"id": "p", "text": "Ho"})


def test_csv_refuses_what_a_spreadsheet_would_run(paths: Paths) -> None:
    tree_file = paths.posts / "main.yaml"
    tree_file.write_text(OWN.replace('"We count', '"=We count'), encoding="utf-8")

    with pytest.raises(OperatorError, match=r"second: .* write sheet\.xlsx"):
        export_sheet(paths, paths.posts.parent / "sheet.csv")
    export_sheet(paths, paths.posts.parent / "sheet.xlsx")
    assert import_sheet(paths, paths.posts.parent / "sheet.xlsx").changed == []


@pytest.mark.parametrize("text", ["posts:\n  - id: a\n   b: c\n", "posts:\n  - text: Hi\n",
                                  "posts:\n  - id: first\n    text: Hi\n"])  # fmt: skip
def test_no_post_is_left_out_in_silence(tree: CampaignTree, paths: Paths, text: str) -> None:
    tree.put("posts/wrong.yaml", text)

    with pytest.raises(OperatorError, match=r"wrong\.yaml|has no id, or another"):
        export_sheet(paths, paths.posts.parent / "sheet.xlsx")


@pytest.mark.parametrize(("words", "is_lost"), [("Another post", True), (None, False)])
def test_what_stands_on_another_sheet_is_not_left_out(
    paths: Paths, words: str | None, is_lost: bool
) -> None:
    file = paths.posts.parent / "sheet.xlsx"
    export_sheet(paths, file)
    book = openpyxl.load_workbook(file)
    book.create_sheet("Notes").cell(7, 3).value = words
    book.save(file)

    if is_lost:
        with pytest.raises(OperatorError, match="on another sheet, 'Notes', which would be lost"):
            import_sheet(paths, file)
    else:
        assert import_sheet(paths, file).changed == []


# -- hostile files


def test_no_other_sheet_is_read_for_ever(paths: Paths) -> None:
    file = paths.posts.parent / "sheet.xlsx"
    export_sheet(paths, file)
    book = openpyxl.load_workbook(file)
    book.create_sheet("Notes").cell(1_048_576, 16_384).value = "far away"
    book.save(file)

    with pytest.raises(OperatorError, match="too large"):
        import_sheet(paths, file)


def packed(content: bytes, count: int = 1) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"xl/{number}.xml", content)
    return target.getvalue()


@pytest.mark.parametrize(("raw", "says"), [
    (packed(b"0" * 41_000_000), "unpacks to"), (packed(b"", 201), "in 201 parts"),
    (packed(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"), "declares entities"),
    (b"0" * (MOST_BYTES + 1), "too large"), (packed(b"<x/>"), "can be read"),
    (b"PK\x03\x04", "is no"), (b"", "is no workbook"),
])  # fmt: skip
def test_no_workbook_makes_the_bot_work_long(paths: Paths, raw: bytes, says: str) -> None:
    file = paths.posts.parent / "bad.xlsx"
    file.write_bytes(raw)

    with pytest.raises(OperatorError, match=says):
        import_sheet(paths, file)


@pytest.mark.parametrize(("text", "says"), [
    ("text\nx\n", "no column `id`"), ("id,id\na,b\n", "column twice"),
    ("id\n" + "a\n" * 5_001, "too large"), ("id" + "," * 70 + "\n", "too large"),
])  # fmt: skip
def test_a_table_that_is_no_sheet_of_posts_is_refused(paths: Paths, text: str, says: str) -> None:
    file = paths.posts.parent / "bad.csv"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(OperatorError, match=says):
        import_sheet(paths, file)


def test_the_verb_prints_what_it_did_and_what_is_wrong(paths: Paths, tmp_path: Path) -> None:
    def say(*words: str) -> tuple[int, str]:
        places = ("--config", str(paths.config), "--posts", str(paths.posts), "--data",
                  str(paths.data))  # fmt: skip
        done = CliRunner().invoke(root, ["sheet", *words, *places], standalone_mode=False)
        return done.return_value or 0, done.output.replace("\n    ", " ")

    file = str(tmp_path / "sheet.csv")
    assert say("export", file) == (0, f"{file}: 3 posts\n")
    rows = csv.reader(io.StringIO(Path(file).read_text(encoding="utf-8-sig")))
    assert next(rows) == list(COLUMNS)
    assert say("import", file)[1] == "0 changed, 0 added, 0 without a row stay as they are\n"
    Path(file).write_text("id,themes\nfirst,x\n", encoding="utf-8")
    code, text = say("import", file)
    assert code == 1
    assert (
        f"{file}:2:2: themes: no such column 'themes'; did you mean 'theme'? [sheet-column]" in text
    )
