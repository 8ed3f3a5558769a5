"""The mistakes that editors make, each with what `check` says, and the page that lists them."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import openpyxl
import yaml
from PIL import Image

from bot.app.content import Paths, prove_files
from bot.app.sheets import export_sheet, import_sheet
from bot.clock import FastClock
from bot.content.documents import read_document
from bot.content.sheets import COLUMNS
from bot.errors import ContentError, Problem, Severity
from tests.fakes.campaign_tree import INVESTIGATIONS, LETTER, NOW, SOURCE, CampaignTree, sha256_of
from tests.fakes.documents import odt, zipped

TABLE = Path(__file__).with_name("rules.yaml")
SCHEDULE = """\
campaign: doors
timezone: America/New_York
hashtags: [Doors]
accounts:
  m: {platform: mastodon, server: "https://mastodon.example"}
  b: {platform: bluesky, server: "https://bsky.example", handle: doors.example}
  x: {platform: x, links: never, budget_usd_per_month: 5}
slots:
  morning: {weekdays: [mon, wed], times: ["09:30"]}
queues:
  main: {slots: [morning]}
"""
#: A whole line that is told, with its key.
LINE_TO_COPY = re.compile(r"; write: ( *(?:- )?[a-z_]+: .+?)(?: or, if it is a comment.*)?$")
#: What a spreadsheet makes of what people type.
KINDS = {"datetime": "a date", "int": "a number", "bool": "a truth value"}
INTRO = """\
# Rules

What `check` says, by the short name at the end of each message.
So do `sheet import` (`sheet-…`, by the column) and `init --letter` (`letter-…`, by the file).
`make rules` writes this page from `tests/mistakes/rules.yaml`, with what `check` really says.
"""


@dataclass(frozen=True)
class Mistake:
    """What somebody writes, and what is right."""

    rule: str
    written: dict[str, Any]

    @property
    def says(self) -> str:
        return str(self.written["says"])

    @property
    def wrong(self) -> str:
        return self._shown("")

    @property
    def right(self) -> str:
        return self._shown("right-")

    def _shown(self, side: str) -> str:
        """Return what is written, in a file, or in a cell or a letter that is named before it."""
        value = self.written[side.removesuffix("-") or "wrong"]
        for place in ("sheet", "letter"):
            if name := self.written.get(f"{side}{place}") or self.written.get(place):
                kind = type(value).__name__
                return f"{name}: {value}" + ("" if kind == "str" else f"  ({KINDS[kind]})")
        return str(value)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What `check` says of it; once for all tests that ask."""
        return self._problems_of_side("wrong")

    @cached_property
    def problems_of_right(self) -> tuple[Problem, ...]:
        return self._problems_of_side("right")

    def _problems_of_side(self, side: str) -> tuple[Problem, ...]:
        folder = Path(tempfile.mkdtemp())
        try:
            found = self._found(folder, side)
            return tuple(
                replace(each, message=each.message.replace(f"{folder}/", "")) for each in found
            )
        finally:
            shutil.rmtree(folder)

    def after_pasting(self) -> Sequence[Problem] | None:
        """Return what is said of a line once the one that is told is pasted in its place.

        None where no line is told.
        """
        with tempfile.TemporaryDirectory() as folder:
            tree = base(Path(folder))
            self._write(tree, right=False)
            clock = FastClock(NOW)
            found = prove_files(tree.schedule, tree.posts, clock=clock).problems
            meant = next((each for each in found if self.says in each.message), found[0])
            line = LINE_TO_COPY.search(meant.message)
            if not line:
                return None
            file = Path(meant.file)
            lines = file.read_text(encoding="utf-8").split("\n")
            old = lines[meant.line - 1]
            margin = "" if line[1].startswith(" ") else old[: len(old) - len(old.lstrip())]
            lines[meant.line - 1] = margin + line[1]
            file.write_text("\n".join(lines), encoding="utf-8")
            found = prove_files(tree.schedule, tree.posts, clock=clock).problems
            return [each for each in found if (each.line, each.rule) == (meant.line, meant.rule)]

    def _found(self, folder: Path, side: str) -> Sequence[Problem]:
        tree, value = base(folder), self.written[side]
        name = self.written.get(f"{side}-letter") or self.written.get("letter")
        if name:
            try:
                read_document(tree.put(name, _letter(str(value), name)))
            except ContentError as error:
                return error.problems
            return ()
        if "sheet" not in self.written:
            self._write(tree, right=side == "right")
            return prove_files(tree.schedule, tree.posts, clock=FastClock(NOW)).problems
        tree.put_post("text: We ask", "queue: main")
        self._change_others(tree)
        paths, sheet = Paths(tree.schedule, tree.posts, folder / "data"), folder / "sheet.xlsx"
        export_sheet(paths, sheet)
        book = openpyxl.load_workbook(sheet)
        column = self.written.get(f"{side}-sheet") or self.written["sheet"]
        cells, at = book.worksheets[0], [*COLUMNS, column].index(column) + 1
        cells.cell(1, at).value = column
        cells.cell(2, at).value = "long " * 6_001 if value == "{LONG}" else value
        book.save(sheet)
        return import_sheet(paths, sheet).problems

    def _change_others(self, tree: CampaignTree) -> None:
        for name, old, new in self.written.get("also", ()):
            tree.change(name, old, new) if old else tree.put(name, new)
        for picture in str(self.written.get("picture", "")).split():
            out = io.BytesIO()
            Image.new("RGB", (40, 30)).save(out, "PNG")
            tree.put(f"posts/{picture}", out.getvalue())

    def _write(self, tree: CampaignTree, *, right: bool) -> None:
        text = str(self.written["right" if right else "wrong"])
        file = str(self.written.get("right-in" if right else "in") or self.written.get("in", ""))
        self._change_others(tree)
        if text == "LATIN":
            tree.put(file, "posts: [] # é".encode("latin-1"))
        elif text == "CRLF":
            tree.put(file, LETTER.replace("\n", "\r\n"))
        elif old := self.written.get("old"):
            tree.change(file, old, text)
        elif file:
            tree.put(file, text)
        else:
            text = text.replace("{WORDS}", "word " * 60 + "end")
            is_planned = re.search(r"(?m)^(queue|at|every_year):", text) or self.written.get(
                "no-queue"
            )
            lines = text.split("\n") + ([] if is_planned else ["queue: main"])
            tree.put_post(*lines)


def _letter(text: str, name: str) -> bytes:
    """Return a letter; an .odt by the paragraphs, or the whole XML, that it has."""
    if not (name.endswith(".odt") and text.startswith("<")):
        return text.encode()
    return odt(text) if text.startswith("<text:p>") else zipped({"content.xml": text})


def base(folder: Path) -> CampaignTree:
    """Write the campaign in which the mistakes are made."""
    tree = CampaignTree(folder)
    tree.put("schedule.yaml", SCHEDULE)
    tree.put("posts/main.yaml", "posts: []\n")
    tree.put("posts/sources/letter.yaml", SOURCE.format(sha256=sha256_of(LETTER)))
    known = '  - {id: doors-report, outlet: Paper, title: Doors, address: "https://paper.example.org/doors"}\n'
    tree.put("posts/sources/investigations.yaml", INVESTIGATIONS + known)
    return tree


@cache
def rules() -> dict[str, Any]:
    """Return the table: rules by name, each with why and mistakes."""
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found


@cache
def mistakes() -> Sequence[Mistake]:
    return [Mistake(name, each) for name, rule in rules().items() for each in rule["mistakes"]]


def problem_of(mistake: Mistake) -> Problem:
    """Return the problem of this rule that is meant."""
    of_rule = [each for each in mistake.problems if each.rule == mistake.rule]
    return next((each for each in of_rule if mistake.says in each.message), of_rule[0])


def page() -> str:
    """Return docs/rules.md."""
    parts = [INTRO]
    for name, rule in sorted(rules().items()):
        parts.append(f"## {name}\n\n{rule['why']}\n")
        for mistake in (each for each in mistakes() if each.rule == name):
            problem = problem_of(mistake)
            kind = "" if problem.severity is Severity.ERROR else f" ({problem.severity})"
            parts.append(
                f"```yaml\n{_shown(mistake.wrong)}\n```\n\n{_code(problem.message)}{kind}\n\n"
                f"```yaml\n{_shown(mistake.right)}\n```\n"
            )
    return "\n".join(parts)


def _shown(text: str) -> str:
    """Write lines with what is unseen in them as escapes."""
    clean = text.replace("{WORDS}", "(60 words)").replace("{LONG}", "(30,005 characters)")
    clean = clean.rstrip("\n")
    return "".join(
        f"\\u{ord(char):04x}" if not char.isprintable() and char != "\n" else char for char in clean
    )


def _code(message: str) -> str:
    return f"`` {_shown(message)} ``"
