"""Posts out of the files into a spreadsheet, and back once every row is proved."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot import visible
from bot.app.content import Paths, prove_tree
from bot.content.files import POSTS, FolderTree
from bot.content.identifiers import RULE, identifier
from bot.content.sheetfile import SheetRow, rows_of, written
from bot.content.sheets import COLUMNS, Cells, SheetError, cells_of, entries_of, post_of, with_post
from bot.content.yamlfile import parse
from bot.engagement.export import cell
from bot.errors import ContentError, OperatorError, Problem, Severity

#: Where rows without a file go.
NEW = f"{POSTS}/sheet.yaml"
_PART = r"""[^\s./\\:*?"<>|\x00-\x1f][^\s/\\:*?"<>|\x00-\x1f]*"""
_FILE = re.compile(rf"{POSTS}/(?!sources/|media/)(?:{_PART}/){{0,7}}{_PART}\.yaml")


@dataclass
class Imported:
    """What an import did, or what keeps it from doing anything."""

    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    #: Posts of the files that have no row; they stay as they are.
    absent: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        return [each for each in self.problems if each.severity is Severity.ERROR]


def export_sheet(paths: Paths, file: Path) -> int:
    """Write every post as a row; return how many.

    Raises:
        OperatorError: CSV cannot hold a text, as a spreadsheet would run it as a formula.
    """
    rows = [cells for _name, cells in _posts(_texts(paths)).values()]
    is_csv = _is_csv(file)
    risky = [row["id"] for row in rows if any(cell(value) != value for value in row.values())]
    if is_csv and risky:
        raise OperatorError(
            f"{', '.join(risky[:5])}: a spreadsheet could run their text as a formula, and CSV "
            f"cannot say that it is text; write {file.with_suffix('.xlsx').name}"
        )
    file.write_bytes(written(rows, is_csv=is_csv))
    return len(rows)


def import_sheet(paths: Paths, file: Path) -> Imported:
    """Write changed and new rows into the files of posts, once all rows are right.

    Where they are not, no file is changed, and a copy of the sheet says what is wrong.
    """
    is_csv = _is_csv(file)
    try:
        header, rows = rows_of(file.read_bytes(), is_csv=is_csv)
    except OperatorError as error:
        raise OperatorError(f"{file}: {error}") from error
    sheet = _Import(file, header, _texts(paths))
    for row in rows:
        sheet.take(row)
    changed = {name: text.encode() for name, text in sheet.changed.items()}
    if changed:
        tree = FolderTree(paths.config, paths.posts, by_name=True, changed=changed)
        sheet.tell(prove_tree(tree).problems)
    if sheet.result.errors:
        marked = file.with_name(f"{file.stem}-problems.xlsx")
        marked.write_bytes(written(list(sheet.marked(rows)), is_csv=False))
        return sheet.result
    for name, content in changed.items():
        _replace(paths.posts / name.removeprefix(f"{POSTS}/"), content)
    return sheet.result


class _Import:
    """One sheet on its way into the files."""

    def __init__(self, file: Path, header: Sequence[str], texts: Mapping[str, str]) -> None:
        self.result = Imported()
        self.changed: dict[str, str] = {}
        self._file, self._header, self._texts = file, header, texts
        self._posts = _posts(texts)
        self.result.absent = list(self._posts)
        #: Number of each post's row.
        self._rows: dict[str, int] = {}

    def take(self, row: SheetRow) -> None:
        """Change the text of a file by a row, or tell what is wrong with it."""
        for fault in row.faults:
            self._tell(row.number, fault.column, str(fault), fault.rule)
        name = row.cells.get("id", "")
        # What the sheet has no column for stays as it is; an empty cell takes a key away.
        known = self._posts.get(name, ("", {}))[1]
        kept = {column: value for column, value in known.items() if column not in self._header}
        cells = {**kept, **row.cells}
        try:
            post = post_of(cells)
            self._refuse_id(name)
            self._rows[name] = row.number
            if name in self.result.absent:
                self.result.absent.remove(name)
            if not row.faults:
                self._write(name, cells, post)
        except SheetError as error:
            self._tell(row.number, error.column, str(error), error.rule)

    def _refuse_id(self, name: str) -> None:
        try:
            identifier(name)
        except ValueError as error:
            why = str(error) if name else f"every row has an id: {RULE}"
            raise SheetError("id", why, "sheet-id") from error
        if name in self._rows:
            raise SheetError("id", f"row {self._rows[name]} has it already", "sheet-id")

    def _write(self, name: str, cells: Cells, post: Mapping[str, object]) -> None:
        where, known = self._posts.get(name, ("", {}))
        wanted = {key: value for key, value in cells.items() if key in COLUMNS}
        target = wanted.setdefault("file", where or NEW)
        if where and target != where:
            message = f"{name} stands in {where}; a post is moved in the files, not here"
            raise SheetError("file", message, "sheet-file")
        if not _FILE.fullmatch(target):
            raise SheetError("file", f"write a file of posts, such as {NEW}", "sheet-file")
        if wanted == known:
            return
        before = self.changed.get(target, self._texts.get(target, ""))
        # Keys stand as they stood; new ones follow.
        order = {key.partition(".")[0]: None for key in known}
        ordered = {key: post[key] for key in (*order, *post) if key in post}
        self.changed[target] = with_post(before, {"id": name, **ordered})
        (self.result.changed if known else self.result.added).append(name)

    def tell(self, problems: Sequence[Problem]) -> None:
        """Tell problems of the files at the cells that they come from; others where they are."""
        written_now = {*self.result.changed, *self.result.added}
        for problem in problems:
            name, _, key = problem.where.partition(".")
            key = f"{key}.".replace("[", ".[")
            column = next((each for each in COLUMNS if key.startswith(f"{each}.")), "id")
            if name in self._rows:
                place = self._place(self._rows[name], column)
                problem = replace(problem, file=place[0], line=place[1], column=place[2])
            if name in written_now or problem.severity is Severity.ERROR:
                self.result.problems.append(problem)

    def marked(self, rows: Sequence[SheetRow]) -> Iterator[Cells]:
        for row in rows:
            found = [each for each in self.result.errors if each.line == row.number]
            lines = (f"{self._name(each)}: {each.message} [{each.rule}]" for each in found)
            cells = {**row.cells, **{each.column: each.value for each in row.faults}}
            shown = {name: visible.block(value) for name, value in cells.items()}
            yield {**shown, "problems": visible.block("\n".join(lines))}

    def _name(self, problem: Problem) -> str:
        return self._header[problem.column - 1] if problem.column else "id"

    def _place(self, number: int, column: str) -> tuple[str, int, int]:
        at = self._header.index(column) + 1 if column in self._header else 0
        return str(self._file), number, at

    def _tell(self, number: int, column: str, message: str, rule: str) -> None:
        place = self._place(number, column)
        self.result.problems.append(Problem(*place, column, message, rule=rule))


def _texts(paths: Paths) -> Mapping[str, str]:
    """Return the files of posts, by name; ContentError if one, and so its posts, would be lost."""
    tree = FolderTree(paths.config, paths.posts, by_name=True)
    texts, problems = {}, []
    for name in (name for name in tree.list()[0] if _FILE.fullmatch(name)):
        raw = tree.read(name, tree.bounds.yaml_bytes)
        node, found = parse(raw, file=tree.shown(name))
        if node is None:
            problems += found
        else:
            texts[name] = raw.decode()
    if problems:
        raise ContentError(problems)
    return texts


def _posts(texts: Mapping[str, str]) -> Mapping[str, tuple[str, Cells]]:
    """Return file and cells of each post by its id; OperatorError if it has none of its own."""
    posts = [(name, each) for name, text in texts.items() for each in entries_of(text)]
    found = {each.text("id") or "": (name, cells_of(each, name)) for name, each in posts}
    if "" in found or len(found) < len(posts):
        raise OperatorError("a post has no id, or another one's; `check` says where")
    return found


def _is_csv(file: Path) -> bool:
    if file.suffix.lower() not in {".csv", ".xlsx"}:
        raise OperatorError(f"{file}: the name of a sheet ends in .xlsx or .csv; save it as one")
    return file.suffix.lower() == ".csv"


def _replace(file: Path, content: bytes) -> None:
    """Write a whole file, or leave what is there; its mode stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", suffix="~", delete=False) as part:
        part.write(content)
    os.chmod(part.name, mode)  # noqa: PTH101 - its name is text
    Path(part.name).replace(file)
