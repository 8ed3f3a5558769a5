"""Names the wheels of requirements/run.txt that hold machine code, for each machine of the image.

`make lock` runs it; tests/setup/test_release.py then proves offline that none is missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: The image's Python, and what its base can load (Debian bookworm has glibc 2.36).
PYTHON = "3.13"
MACHINES = ("x86_64", "aarch64")
LEVELS = (36, 35, 34, 31, 28, 27, 26, 24, 17)


def wheels(lock: Path, machine: str) -> list[tuple[str, str]]:
    """Return file name and SHA-256 of each wheel that pip would install there; it installs none."""
    platforms = [f"--platform=manylinux_2_{level}_{machine}" for level in LEVELS]
    platforms += [f"--platform=manylinux2014_{machine}"]
    told = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--dry-run", "--ignore-installed", "--target=unused", "--report=-", "--no-deps",
         "--require-hashes", "--only-binary=:all:", f"--python-version={PYTHON}", *platforms,
         f"--requirement={lock}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = [entry["download_info"] for entry in json.loads(told)["install"]]
    return [
        (entry["url"].rpartition("/")[2], entry["archive_info"]["hashes"]["sha256"])
        for entry in found
    ]


def main() -> None:
    folder = Path(__file__).resolve().parents[1] / "requirements"
    lines = {
        f"{sha256}  {name}\n"
        for machine in MACHINES
        for name, sha256 in wheels(folder / "run.txt", machine)
        if not name.endswith("-any.whl")
    }
    ordered = sorted(lines, key=lambda line: line.split()[1])
    (folder / "wheels.txt").write_text("".join(ordered), encoding="utf-8")
    print(f"wheels.txt: {len(ordered)} wheels with machine code for {' and '.join(MACHINES)}")


if __name__ == "__main__":
    main()
