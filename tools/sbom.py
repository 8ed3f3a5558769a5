"""Writes the SBOM (CycloneDX 1.5): the image's Python packages, as requirements/run.txt pins them.

Licences and dependencies are what the installed packages say of themselves. The same lock gives the
same bytes; what the base image holds, its own SBOM says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot import VERSION

ROOT = Path(__file__).resolve().parents[1]
#: Of the image, whatever machine this is.
IMAGE = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
         "python_version": "3.13", "python_full_version": "3.13.0",
         "platform_python_implementation": "CPython", "implementation_name": "cpython",
         "extra": ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of the lock."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(lock: Path) -> Iterator[Pin]:
    """Yield what the lock pins for the image."""
    text = re.sub(r"\s*#.*", "", lock.read_text(encoding="utf-8")).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        words, *hashes = line.split("--hash=sha256:")
        requirement = Requirement(words.strip())
        if is_for_image(requirement):
            yield Pin(requirement, tuple(map(str.strip, hashes)))


def is_for_image(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(IMAGE)


def bom(version: str, lock: Path) -> dict[str, Any]:
    """Return the whole document."""
    found = {pin.name: pin for pin in pins(lock)}
    needs = {name: sorted(needed(pin) & set(found)) for name, pin in found.items()}
    named = (ROOT / "requirements" / "run.in").read_text(encoding="utf-8").splitlines()
    direct = {canonicalize_name(Requirement(line).name) for line in named if line[:1].isalpha()}
    # An extra of a package (psycopg[binary]) is nobody's need by itself.
    top = sorted(direct | (set(found) - {name for names in needs.values() for name in names}))
    own = {"type": "application", "bom-ref": "verbatim", "name": "verbatim", "version": version,
           "licenses": [{"expression": "Apache-2.0"}]}  # fmt: skip
    edges = {"verbatim": top} | needs
    refs = {"verbatim": "verbatim"} | {name: pin.purl for name, pin in found.items()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": [component(pin) for _, pin in sorted(found.items())],
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[each] for each in names]}
            for name, names in sorted(edges.items())
        ],
    }


def component(pin: Pin) -> dict[str, Any]:
    # Files of one release have each a hash of their own; pip takes no other file than these.
    allowed = [{"name": "verbatim:lock:sha256", "value": each} for each in pin.hashes]
    return {
        "type": "library", "bom-ref": pin.purl, "name": pin.name, "version": pin.version,
        "purl": pin.purl, **licences(pin), "properties": allowed,
    }  # fmt: skip


def installed(pin: Pin) -> Distribution | None:
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:  # the image's Python needs it, and this one does not
        return None
    if found.version != pin.version:
        sys.exit(f"sbom: {pin.name} {found.version} is installed and not {pin.version}: make setup")
    return found


def licences(pin: Pin) -> dict[str, Any]:
    found = installed(pin)
    if found is None:
        return {}
    told = found.metadata.json
    if expression := told.get("license_expression"):
        return {"licenses": [{"expression": expression}]}
    classified = [line.rpartition(" :: ")[2] for line in told.get("classifier", ())
                  if line.startswith("License :: ")]  # fmt: skip
    names = classified or str(told.get("license", "")).strip().splitlines()[:1]
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def needed(pin: Pin) -> set[str]:
    found = installed(pin)
    wanted = map(Requirement, found.requires or ()) if found else ()
    return {canonicalize_name(each.name) for each in wanted if is_for_image(each)}


def main() -> None:

    target = Path(sys.argv[1]) if sys.argv[1:] else ROOT / f".build/verbatim-{VERSION}.cdx.json"
    target.parent.mkdir(exist_ok=True)
    made = bom(VERSION, ROOT / "requirements" / "run.txt")
    target.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{target}: {len(made['components'])} packages")


if __name__ == "__main__":
    main()
