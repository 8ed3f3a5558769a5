"""A small campaign on disk that tests spoil one thing at a time."""

from __future__ import annotations

import shutil
import struct
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from bot.content.files import BOUNDS, Bounds, FolderTree
from bot.content.loading import Loaded, load
from bot.content.model import Campaign, Post
from bot.errors import PictureError, Problem, Severity
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import PlatformSpec

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

LETTER = """\
December 9, 2022

We write to urge you. They are our mothers and fathers, and they are our friends.

Even children have been taken. We welcome any questions.

Signed by many
"""

SCHEDULE = """\
campaign: test
timezone: America/New_York
accounts:
  masto: {platform: mastodon, server: "https://mastodon.social"}
  blue: {platform: bluesky}
slots:
  morning: {weekdays: [mon, wed], times: ["09:30"]}
queues:
  main: {slots: [morning]}
"""

SOURCE = """\
file: letter.txt
sha256: {sha256}
title: Open letter
attribution: "Open letter, December 9, 2022"
date: 2022-12-09
signatories: [Many]
address: https://example.org/letter
graphic: ["Even children have been taken."]
never: ["December 9, 2022", Signed by many]
"""

#: What a further source says of itself where a test does not say otherwise.
DESCRIBED = {
    "title": "Letter",
    "attribution": '"Letter, December 9, 2022"',
    "date": "2022-12-09",
    "signatories": "[Many]",
}
TRANSLATED = {
    "translation_of": "letter",
    "translated_by": "[Aygul]",
    "confirmed_by": "[Tursun]",
}

INVESTIGATIONS = """\
investigations:
  - {id: known, outlet: Paper, title: A title, address: "https://example.org/known"}
  - {id: lost, outlet: Paper, title: Another title, address: }
"""

POSTS = """\
posts:
  - id: first
    quote: {source: letter, text: "They are our mothers and fathers"}
    queue: main
"""


def picture(width: int = 3, height: int = 2) -> bytes:
    """Make the beginning of a PNG: enough for `inspect`."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">II", width, height)


def inspect(content: bytes) -> tuple[str, int, int]:
    """Judge what `picture` makes; stands at the place of `bot.rendering.cards.pictures`."""
    if not content.startswith(b"\x89PNG"):
        raise PictureError("the file holds no picture")
    width, height = struct.unpack(">II", content[8:16])
    return "image/png", width, height


def spec() -> dict[str, PlatformSpec]:
    """Every platform by its name."""
    return {name: kind.spec for name, kind in PLATFORMS.items()}


class CampaignTree:
    """Files of one campaign, all in order until a test changes some; or those of this project."""

    def __init__(self, root: Path, *, shipped: bool = False) -> None:
        self.schedule = root / "schedule.yaml"
        self.posts = root / "posts"
        if shipped:
            shutil.copytree(ROOT / "posts", self.posts)
            shutil.copy(ROOT / "schedule.yaml", self.schedule)
            return
        self.put("schedule.yaml", SCHEDULE)
        self.put("posts/sources/letter.txt", LETTER)
        self.put("posts/sources/letter.yaml", SOURCE.format(sha256=sha256_of(LETTER)))
        self.put("posts/sources/investigations.yaml", INVESTIGATIONS)
        self.put("posts/main.yaml", POSTS)

    def places(self, data: Path | None = None) -> list[str]:
        """Return words that tell a verb where its files are: its data beside them by default."""
        files = ["--config", str(self.schedule), "--posts", str(self.posts)]
        return [*files, "--data", str(data or self.posts.parent / "data")]

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file, making its folders."""
        path = self.schedule.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def put_post(self, *lines: str) -> None:
        """Write one more post, called ``p``, into a file of its own; its id is on line 2."""
        self.put("posts/p.yaml", "posts:\n  - id: p\n" + "".join(f"    {line}\n" for line in lines))

    def put_source(self, id: str, text: str, **keys: str) -> None:
        """Write one more source, and what its description says as YAML; it may be `TRANSLATED`."""
        self.put(f"posts/sources/{id}.txt", text)
        described = {"file": f"{id}.txt", "sha256": sha256_of(text), **DESCRIBED, **keys}
        lines = (f"{key}: {value}\n" for key, value in described.items())
        self.put(f"posts/sources/{id}.yaml", "".join(lines))

    def change(self, name: str, old: str, new: str) -> None:
        """Replace what must be there."""
        path = self.schedule.parent / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def load(self, *, now: datetime = NOW, bounds: Bounds = BOUNDS) -> Loaded:
        """Read all of it."""
        tree = FolderTree(self.schedule, self.posts, bounds)
        return load(tree, specs=spec(), inspect=inspect, now=now)

    def campaign(self, *, now: datetime = NOW) -> Campaign:
        """Read what has no error."""
        loaded = self.load(now=now)
        assert loaded.campaign, "\n".join(map(str, loaded.problems))
        return loaded.campaign

    def post(self, post_id: str = "p") -> Post:
        """Read a post that has no error."""
        found = self.campaign().post(post_id)
        assert found
        return found

    def problems(self, *, bounds: Bounds = BOUNDS) -> list[str]:
        """Return all problems as people see them, with paths from the campaign's folder."""
        return self._lines(self.load(bounds=bounds), set(Severity))

    def errors(self) -> list[str]:
        """Return the problems that stop the campaign."""
        return self._lines(self.load(), {Severity.ERROR})

    def _lines(self, loaded: Loaded, severities: set[Severity]) -> list[str]:
        root = f"{self.schedule.parent}/"
        chosen = (problem for problem in loaded.problems if problem.severity in severities)
        return [line_of(one).replace(root, "") for one in chosen]


def line_of(problem: Problem) -> str:
    """Return a problem as people see it but for its rule, which every problem must name."""
    assert problem.rule, f"names no rule: {problem}"
    assert str(problem).endswith(f" [{problem.rule}]")
    return str(replace(problem, rule=""))


def sha256_of(content: str | bytes) -> str:
    """Hash as editors do."""
    raw = content.encode() if isinstance(content, str) else content
    return sha256(raw).hexdigest()
