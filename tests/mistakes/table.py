"""The mistakes that editors make, each with what `check` says, and the page that lists them."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from bot.app.content import prove_files
from bot.clock import FastClock
from bot.errors import Problem, Severity
from tests.fakes.campaign_tree import INVESTIGATIONS, LETTER, NOW, SOURCE, CampaignTree, sha256_of

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
INTRO = """\
# Rules

What `check` says, by the short name at the end of each message.
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
        return str(self.written["wrong"])

    @property
    def right(self) -> str:
        return str(self.written["right"])

    def problems(self, *, right: bool = False) -> tuple[Problem, ...]:
        """Return what `check` says of it."""
        folder = Path(tempfile.mkdtemp())
        try:
            tree = base(folder)
            self._write(tree, right=right)
            found = prove_files(tree.schedule, tree.posts, clock=FastClock(NOW)).problems
            return tuple(
                replace(each, message=each.message.replace(f"{folder}/", "")) for each in found
            )
        finally:
            shutil.rmtree(folder)

    def _write(self, tree: CampaignTree, *, right: bool) -> None:
        text = self.right if right else self.wrong
        file = str(self.written.get("right-in" if right else "in") or self.written.get("in", ""))
        for name, old, new in self.written.get("also", ()):
            tree.change(name, old, new) if old else tree.put(name, new)
        for picture in str(self.written.get("picture", "")).split():
            out = io.BytesIO()
            Image.new("RGB", (40, 30)).save(out, "PNG")
            tree.put(f"posts/{picture}", out.getvalue())
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


def base(folder: Path) -> CampaignTree:
    """Write the campaign in which the mistakes are made."""
    tree = CampaignTree(folder)
    tree.put("schedule.yaml", SCHEDULE)
    tree.put("posts/main.yaml", "posts: []\n")
    tree.put("posts/sources/letter.yaml", SOURCE.format(sha256=sha256_of(LETTER)))
    known = '  - {id: doors-report, outlet: Paper, title: Doors, address: "https://paper.example.org/doors"}\n'
    tree.put("posts/sources/investigations.yaml", INVESTIGATIONS + known)
    return tree


def rules() -> dict[str, Any]:
    """Return the table: rules by name, each with why and mistakes."""
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found


def mistakes() -> list[Mistake]:
    return [Mistake(name, each) for name, rule in rules().items() for each in rule["mistakes"]]


def problem_of(mistake: Mistake) -> Problem:
    """Return the problem of this rule that is meant."""
    of_rule = [each for each in mistake.problems() if each.rule == mistake.rule]
    return next((each for each in of_rule if mistake.says in each.message), of_rule[0])


def page() -> str:
    """Return docs/rules.md."""
    parts = [INTRO]
    for name, rule in sorted(rules().items()):
        parts.append(f"## {name}\n\n{rule['why']}\n")
        for written in rule["mistakes"]:
            mistake = Mistake(name, written)
            problem = problem_of(mistake)
            kind = "" if problem.severity is Severity.ERROR else f" ({problem.severity})"
            parts.append(
                f"```yaml\n{_shown(mistake.wrong)}\n```\n\n{_code(problem.message)}{kind}\n\n"
                f"```yaml\n{_shown(mistake.right)}\n```\n"
            )
    return "\n".join(parts)


def _shown(text: str) -> str:
    """Write lines with what is unseen in them as escapes."""
    clean = text.replace("{WORDS}", "(60 words)").rstrip("\n")
    return "".join(
        f"\\u{ord(char):04x}" if not char.isprintable() and char != "\n" else char for char in clean
    )


def _code(message: str) -> str:
    return f"`` {_shown(message)} ``"
