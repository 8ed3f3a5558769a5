"""Runs, in the built image, the verbs that need most of its packages, and reads what they wrote.

`tools/image_check.sh` hands it to the image's Python; it needs nothing but the image.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

DATA = Path("/data")
PARTNER = "First organization"
DUE = """\
posts:
  - id: due
    text: "Words that are due at once."
    at: {:%Y-%m-%d %H:%M:%S+00:00}
    author: campaign-desk
"""


def call(*words: str, **places: Path) -> str:
    """Run a verb that works; return what it printed."""
    changed = {f"VERBATIM_{name.upper()}": str(path) for name, path in places.items()}
    command = [sys.executable, "run_bot.py", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | changed, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def require(is_so: bool, what: str) -> None:
    if not is_so:
        raise SystemExit(f"in the image: {what}")
    print(f"image-check: in the image: {what}", file=sys.stderr)


def load_packages() -> None:
    """Load every package that the bot may import: one that lacks a library of the system fails."""
    sys.path.insert(0, ".")
    for name in import_module("run_bot").PACKAGES:
        import_module(name)


def begin_with_a_letter() -> None:
    folder = DATA / "begun"
    call("init", str(folder), "--letter", str(DATA / "letter.docx"), "--timezone", "UTC",
         "--account", "mastodon=https://m.example", "--author", "desk")  # fmt: skip
    letter = (folder / "posts" / "sources" / "letter.txt").read_text(encoding="utf-8")
    require("neighbors of the lake" in letter, "`init --letter` of a .docx keeps its words")


def released() -> dict[str, Path]:
    """Return where a copy of the campaign is whose passages partners may post, as `run` left it."""
    places = {name: DATA / "released" / name for name in ("config", "posts", "data")}
    shutil.copytree("/campaign/posts", places["posts"])
    shutil.copy("/campaign/schedule.yaml", places["config"])
    for file in (places["posts"] / "excerpts").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"(?m)^( +)(author: )", r"\1partners_from: 2026-01-01 09:00\n\1\2",
                               text), encoding="utf-8")  # fmt: skip
    due = datetime.now(UTC) + timedelta(seconds=20)
    (places["posts"] / "due.yaml").write_text(DUE.format(due), encoding="utf-8")
    variables = {f"VERBATIM_{name.upper()}": str(path) for name, path in places.items()}
    service = subprocess.Popen([sys.executable, "run_bot.py", "run"], stderr=subprocess.PIPE,
                               text=True, env=os.environ | variables)  # fmt: skip
    for _try in range(60):  # a few of them are needed
        time.sleep(2)
        if (places["data"] / "rehearsal.db").exists() and "due" in call(
            "deliveries", "--post", "due", "--state", "SENT", **places
        ):
            break
    service.send_signal(signal.SIGTERM)
    told = service.communicate()[1]
    require(service.returncode == 0 and "stopped in order" in told, "`run` works and stops")
    return places


def main() -> None:
    os.umask(0o077)
    load_packages()
    require(True, "every package loads")
    begin_with_a_letter()
    places = released()
    pdf = DATA / "month.pdf"
    call("report", "--pdf", str(pdf), **places)
    require(pdf.read_bytes().startswith(b"%PDF-"), "`report --pdf` writes a PDF")
    workbook = DATA / "month.xlsx"
    call("report", "--xlsx", str(workbook), **places)
    require(zipfile.is_zipfile(workbook), "`report --xlsx` writes a workbook")
    call("kit", str(DATA / "kits"), "--partner", PARTNER, **places)
    sheets = [path.name for path in (DATA / "kits").rglob("*")]
    require(any(name.endswith(".png") for name in sheets) and any(
        name.endswith(".zip") for name in sheets), "`kit` draws cards and packs them")  # fmt: skip
    call("archive", "posts", **places)
    call("archive", "export", str(DATA / "evidence"), **places)
    files = sorted((DATA / "evidence").glob("*.warc.gz"))
    checked = subprocess.run([sys.executable, "-m", "warcio.cli", "check", *map(str, files)],
                             check=False, capture_output=True, text=True)  # fmt: skip
    require(bool(files) and checked.returncode == 0, "`archive` keeps and exports WARC files")


if __name__ == "__main__":
    main()
