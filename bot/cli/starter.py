"""The campaign that `init` writes: small, whole, and the editors' own to change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.canonical import sha256_hex
from bot.errors import DecisionError
from bot.platforms.spec import PlatformSpec

LETTER = """\
Dear neighbors,

This text stands here so that you can see how a quotation is proved. Replace it by your letter.
"""

SOURCE = """\
# A text that posts may quote. Keep its file byte for byte; `check` tells its SHA-256.
file: letter.txt
sha256: {sha256}
title: An example letter
attribution: "— Example letter, January 1, 2026"
date: 2026-01-01
signatories: [Example organization]
address:
"""

INVESTIGATIONS = """\
# Published pieces that posts may link to.
investigations: []
"""

POSTS = """\
posts:

  - id: first-quotation
    quote:
      source: letter
      text: "This text stands here so that you can see how a quotation is proved."
    queue: main
    author: your-name

  - id: first-words
    text: "We publish our letter here, passage by passage, word for word."
    queue: main
    author: your-name
    status: draft
"""

SCHEDULE = """\
campaign: my-campaign
timezone: UTC                 # an IANA zone such as Europe/Paris
mode: rehearsal               # nothing leaves the machine
approvals_required: 2

accounts:
ACCOUNTS

slots:
  mornings: {weekdays: [mon, wed, fri], times: ["09:00"]}

queues:
  main: {slots: [mornings]}
"""


ATTRIBUTES = """\
# A source is proved by its bytes: git must not change its line ends, on any system.
/posts/sources/** -text
"""


def write_campaign(folder: Path, specs: Iterable[PlatformSpec]) -> tuple[Path, ...]:
    """Write the files; tell which.

    Raises:
        DecisionError: the folder has something in it already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DecisionError(f"{folder} is not empty; name a new folder")
    files = {
        ".gitattributes": ATTRIBUTES,
        "schedule.yaml": SCHEDULE.replace("ACCOUNTS", _accounts(specs)),
        "posts/first.yaml": POSTS,
        "posts/sources/letter.txt": LETTER,
        "posts/sources/letter.yaml": SOURCE.format(sha256=sha256_hex(LETTER)),
        "posts/sources/investigations.yaml": INVESTIGATIONS,
    }
    written = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        written.append(path)
    return tuple(written)


def _accounts(specs: Iterable[PlatformSpec]) -> str:
    return "\n".join(
        f"  our-{spec.name}: {{platform: {spec.name}, {spec.starter}}}"
        for spec in specs
        if spec.starter
    )
