"""Spreadsheets as rows of text: what Excel made of a cell is told, never guessed back."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import zip_longest
from typing import Any

from bot.content.sheets import BOOLEANS, COLUMNS, Cells, SheetError
from bot.content.values import quoted
from bot.errors import OperatorError

#: Bytes of a file, and of all that is packed in it; rows and columns; characters of a cell.
MOST_BYTES, MOST_UNPACKED, MOST_PARTS = 5_000_000, 40_000_000, 200
MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 5_000, 60, 30_000
_TOO_LARGE = "is too large for a sheet of posts; split it"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a sheet: its number from 1, its cells, and what is wrong with others."""

    number: int
    cells: Cells
    faults: tuple[SheetError, ...] = ()


_NO_COLUMN = ("something stands in no column, and would be lost: a text with a comma needs "
              "quotation marks, a column its name in the first row", "sheet-column")  # fmt: skip


def rows_of(raw: bytes, *, is_csv: bool) -> tuple[Sequence[str], Sequence[SheetRow]]:
    """Read the header and the rows of a sheet.

    Raises:
        OperatorError: it is too large, is packed to explode, or is no sheet of posts.
    """
    if len(raw) > MOST_BYTES:
        raise OperatorError(f"has {len(raw):,} bytes; it {_TOO_LARGE}")
    table = _csv(raw) if is_csv else _xlsx(raw)
    header = [str(value or "").strip().lower() for value in next(table, [])]
    if "id" not in header:
        raise OperatorError(
            "has no column `id` in its first row; `sheet export` writes all columns"
        )
    if len(set(filter(None, header))) < len(list(filter(None, header))):
        raise OperatorError("has a column twice; keep one")
    rows, size = list[SheetRow](), 0
    for number, values in enumerate(table, 2):
        row = _row(number, header, values)
        rows += [row] if row.cells or row.faults else []
        size += sum(map(len, row.cells.values()))
        if size > MOST_UNPACKED:  # cells may share one long text
            raise OperatorError(_TOO_LARGE)
    return header, rows


def _row(number: int, header: Sequence[str], values: Iterable[Any]) -> SheetRow:
    cells, faults = {}, []
    for column, value in zip_longest(header, values, fillvalue=""):
        if column == "problems" or value in (None, ""):
            continue
        if column in BOOLEANS and value in ("TRUE", "FALSE"):  # as CSV has it
            value = value.lower()
        told = _fault(column, value) if column else _NO_COLUMN
        if told:
            faults.append(SheetError(column, *told, str(value)))
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            cells[column] = text.replace("\r\n", "\n").replace("\r", "\n")
    return SheetRow(number, cells, tuple(faults))


def _fault(column: str, value: object) -> tuple[str, str] | None:
    """Return what to do about a cell, and the rule it breaks; None where it is what was typed."""
    what, again, rule = "", "it again", "sheet-number"
    match value:
        case bool():
            what = "" if column in BOOLEANS else "is a truth value"
        case int() | float():
            what = f"is a number, {value!r}, which drops zeros and digits"
        case datetime() | date() | time():
            typed = f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
            what = "is a date of the spreadsheet, which may have read another day and knows no zone"
            again, rule = f"it again, perhaps: {typed}", "sheet-date"
        case _Formula():
            what = f"is a formula or an error of one ({value})"
            again, rule = "its text", "sheet-formula"
    if what:
        return f"{what}; format the cell as text and type {again}", rule
    if len(str(value)) > MOST_CHARACTERS:
        return f"has {len(str(value)):,} characters; edit it in its file", "sheet-long"
    return None


class _Formula(str):
    """What a spreadsheet would work out."""

    __slots__ = ()


def _csv(raw: bytes) -> Iterator[Sequence[Any]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OperatorError("is no UTF-8; save it as “CSV UTF-8”, or as .xlsx") from error
    text = re.sub(r"^sep=.\r?\n", "", text)  # Excel's own first line
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(reader):
            if number > MOST_ROWS or len(row) > MOST_COLUMNS:
                raise OperatorError(_TOO_LARGE)
            yield [_Formula(value) if value.startswith("=") else value for value in row]
    except csv.Error as error:
        raise OperatorError(f"is no CSV from line {reader.line_num} on ({error})") from error


def _xlsx(raw: bytes) -> Iterator[Sequence[Any]]:
    from openpyxl import load_workbook  # 0.2 s

    _refuse_bombs(raw)
    try:
        sheet, *others = load_workbook(io.BytesIO(raw), read_only=True).worksheets
        for other in others:
            if any(cell.value is not None for row in _bounded(other) for cell in row):
                raise OperatorError(
                    f"has something on another sheet, {quoted(other.title)}, which would be lost; "
                    "move it to the first one, or delete that sheet"
                )
        for row in _bounded(sheet):
            yield [_Formula(cell.value) if cell.data_type in {"f", "e"} else cell.value
                   for cell in row]  # fmt: skip
    except (KeyError, ValueError, IndexError, AttributeError, TypeError, SyntaxError) as error:
        raise OperatorError(f"is no workbook that can be read ({error})") from error


def _bounded(sheet: Any) -> Iterator[Sequence[Any]]:
    """Yield a sheet's rows, whatever size it says that it has."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS)):
        if number > MOST_ROWS:
            raise OperatorError(_TOO_LARGE)
        yield row


def _refuse_bombs(raw: bytes) -> None:
    """Refuse an archive that unpacks to more than a sheet needs, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS or size > MOST_UNPACKED:
                raise OperatorError(
                    f"unpacks to {size:,} bytes in {len(parts)} parts; it {_TOO_LARGE}"
                )
            for part in parts:
                # Nothing longer than what it declares is ever read of a part; in UTF-16 each
                # letter has a zero byte beside it, which no other XML has.
                content = archive.read(part).replace(b"\0", b"").replace(b"<!--", b"")
                if b"<!" in content:
                    raise OperatorError("declares entities, as no spreadsheet does")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise OperatorError(f"is no workbook ({error})") from error


def written(rows: Sequence[Cells], *, is_csv: bool) -> bytes:
    """Return rows as a file; every cell is text, which no spreadsheet runs or changes."""
    if is_csv:
        target = io.StringIO(newline="")
        writer = csv.writer(target)
        writer.writerows([COLUMNS, *([row.get(name, "") for name in COLUMNS] for row in rows)])
        return target.getvalue().encode("utf-8-sig")
    from openpyxl import Workbook  # 0.2 s
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    for number, row in enumerate([dict(zip(COLUMNS, COLUMNS, strict=True)), *rows], 1):
        wrong = {line.partition(":")[0] for line in row.get("problems", "").split("\n")}
        for place, name in enumerate(COLUMNS, 1):
            cell = sheet.cell(number, place)
            cell.number_format = "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if row.get(name):
                cell.value, cell.data_type = row[name], "s"
                cell.quotePrefix = True
            if number > 1 and name in wrong:
                cell.fill = PatternFill("solid", fgColor="FFD9D2")
            if number == 1:
                cell.font = Font(bold=True)
    for place, name in enumerate(COLUMNS, 1):
        is_wide = name in {"text", "quote.text", "problems"}
        sheet.column_dimensions[get_column_letter(place)].width = 60 if is_wide else 18
    sheet.freeze_panes = "C2"
    target_bytes = io.BytesIO()
    book.save(target_bytes)
    return target_bytes.getvalue()
