"""A release has one version, names its commit, lists what is in it, and fits both machines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml

from bot import VERSION
from bot.cli.version import version_text
from tests.conftest import ROOT
from tests.docs.tree import read
from tools.sbom import Pin, bom, pins
from tools.wheels import MACHINES, PYTHON

LOCK = ROOT / "requirements" / "run.txt"
PINS = sorted(pins(LOCK), key=lambda pin: pin.name)
#: SHA-256 by file name, as `make lock` found them.
WHEELS = {
    name: sha256 for sha256, name in map(str.split, read("requirements/wheels.txt").splitlines())
}
#: `make image` gives them.
ARGUMENTS = ("VERSION", "COMMIT", "CREATED", "SOURCE")


# The version


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    written = [
        str(path.relative_to(ROOT))
        for path in (*(ROOT / "bot").rglob("*.py"), ROOT / "Dockerfile", ROOT / "Makefile")
        if re.search(rf"\b{re.escape(VERSION)}\b", path.read_text(encoding="utf-8"))
    ]

    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "bot.VERSION"}
    assert written == ["bot/__init__.py"]


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    headings = re.findall(
        r"^## \[([^\]]+)\] - (unreleased|\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), re.M
    )

    assert headings[0][0] == VERSION


def test_the_command_names_version_and_commit() -> None:
    words = [sys.executable, str(ROOT / "run_bot.py"), "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == version_text()
    assert done.stdout.startswith(f"verbatim {VERSION}")


def test_an_image_names_the_commit_that_it_was_built_from(tmp_path: Path) -> None:
    (tmp_path / "COMMIT").write_text("4a94924\n", encoding="utf-8")

    assert version_text(tmp_path) == f"verbatim {VERSION} (commit 4a94924)"


def test_an_image_that_was_built_without_one_names_none(tmp_path: Path) -> None:
    (tmp_path / "COMMIT").write_text("\n", encoding="utf-8")

    assert version_text(tmp_path) == f"verbatim {VERSION}"


def test_a_checkout_asks_git(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        known = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path))
        return subprocess.run(
            ["git", *known, *words], check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet")
    none_yet = version_text(tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message=one")

    assert none_yet == f"verbatim {VERSION}"
    assert (
        version_text(tmp_path) == f"verbatim {VERSION} (commit {git('rev-parse', 'HEAD').strip()})"
    )


def test_a_copy_in_another_project_s_checkout_names_no_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "inside").mkdir()

    assert version_text(tmp_path / "inside") == f"verbatim {VERSION}"


# The image


def test_the_image_s_labels_come_from_arguments_that_make_image_gives() -> None:
    dockerfile = read("Dockerfile")
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', dockerfile))

    assert re.findall(r"^ARG (\w+)=$", dockerfile, re.M) == [*ARGUMENTS]
    assert labels["version"] == "${VERSION}"
    assert labels["revision"] == "${COMMIT}"
    assert labels["created"] == "${CREATED}"
    assert labels["source"] == "${SOURCE}"
    assert labels["base.name"] == "${BASE}"
    assert all(f"--build-arg {name}=" in read("Makefile") for name in ARGUMENTS)
    assert 'echo "${COMMIT}" > COMMIT' in dockerfile


def test_one_file_builds_for_both_machines() -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}

    assert f"PLATFORMS ?= {','.join(f'linux/{machine[each]}' for each in MACHINES)}\n" in read(
        "Makefile"
    )
    assert f"ARG BASE=python:{PYTHON}." in read("Dockerfile")
    assert not re.search(r"amd64|arm64|x86_64|aarch64", read("Dockerfile"))


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: str(pin.name))
def test_each_pin_has_a_wheel_for_both_machines(pin: Pin) -> None:
    """Pure Python, as the installed package says, or named with a hash that the lock has."""
    if is_pure(pin):
        return
    start = f"{pin.name.replace('-', '_')}-{pin.version}-"
    own = {name: sha256 for name, sha256 in WHEELS.items() if name.lower().startswith(start)}

    for machine in MACHINES:
        [wheel] = [name for name in own if name.endswith(f"_{machine}.whl")]
        assert own[wheel] in pin.hashes


def is_pure(pin: Pin) -> bool:
    try:
        wheel = distribution(pin.name).read_text("WHEEL") or ""
    except PackageNotFoundError:
        return False
    return "\nTag: py3-none-any" in wheel or "\nTag: py2.py3-none-any" in wheel


def test_no_wheel_is_named_that_the_lock_does_not_have() -> None:
    allowed = {sha256 for pin in PINS for sha256 in pin.hashes}

    assert set(WHEELS.values()) <= allowed


def test_actions_of_others_are_pinned_by_commit() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]

        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) for each in used)


# The SBOM


def test_the_sbom_lists_what_the_lock_pins_for_the_image() -> None:
    made = bom(VERSION, LOCK)

    listed = {(each["name"], each["version"]) for each in made["components"]}
    lines = re.findall(r"^([\w.-]+)==([^ ;\\]+)(.*)", read("requirements/run.txt"), re.M)
    # The image runs CPython.
    locked = [(name, version) for name, version, marks in lines if "!= 'CPython'" not in marks]
    assert listed == {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in locked}
    assert made["metadata"]["component"]["version"] == VERSION
    assert all(each["properties"] for each in made["components"])


def test_the_sbom_is_whole_and_the_same_each_time() -> None:
    made = bom(VERSION, LOCK)
    refs = {each["bom-ref"] for each in made["components"]} | {"verbatim"}
    needs = {each["ref"]: each["dependsOn"] for each in made["dependencies"]}

    assert json.dumps(made) == json.dumps(bom(VERSION, LOCK))
    assert set(needs) == refs
    assert {ref for several in needs.values() for ref in several} == refs - {"verbatim"}
    assert sum("licenses" in each for each in made["components"]) >= len(refs) - 5
