"""The table of system packages against what tests ask for, the image, and the tools themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import features
from weasyprint import HTML

from tests.browser.chromium import chromium
from tests.conftest import ROOT, lacks, require_tool
from tests.servers.pds import HOME as PDS_HOME
from tests.servers.pds import find_node, install
from tests.servers.postgres import PostgresServer
from tests.system_packages import package_of, system_packages

#: In every Debian, bare ones too (packages marked essential).
ESSENTIAL = {"bash", "sh", "sleep", "runuser", "mount", "umount", "mkfs.ext4"}


def asked_for() -> Iterator[str]:
    """Find the programs that tests and tools start or look for by a fixed name."""
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("tools/*.py")]:
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                yield from names_in(node)


def names_in(call: ast.Call) -> Iterator[str]:
    function, first = ast.unparse(call.func), call.args[0]
    if function.startswith("subprocess.") and isinstance(first, ast.List) and first.elts:
        first = first.elts[0]
    elif function not in {"require_tool", "shutil.which"}:
        return
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value


def test_what_tests_ask_for_is_in_the_table() -> None:
    # Node comes from a wheel where the system's is missing or too old (tests/servers/pds.py).
    programs = set(asked_for()) - ESSENTIAL - {"node", "npm", "no-such-program"}

    assert programs
    assert [
        name for name in sorted(programs) if package_of(name).needed_for not in {"run", "test"}
    ] == []


def test_the_image_installs_what_running_needs_but_for_what_builds_it() -> None:
    needed = {row.name for row in system_packages().values() if row.needed_for == "run"}

    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    installed = re.findall(r"--no-install-recommends (.+?) &&", dockerfile)

    assert set(" ".join(installed).split()) == needed - {"python3-venv"}


def fribidi() -> str:
    return features.version("fribidi") or ""


def pdf() -> str:
    written: bytes = HTML(string="<p>ئۇيغۇر</p>").write_pdf()
    return written[:4].decode()


def native_module() -> str:
    node = find_node()
    install(node)
    count = "new (require('better-sqlite3'))(':memory:').prepare('select 6*7 as n').get().n"
    return printed(str(node.program), "-p", count, cwd=PDS_HOME)


def database(server: PostgresServer) -> str:
    return server.call("psql", "-Atc", "select 6*7").decode()


def browser_title() -> str:
    with chromium() as browser:
        page = browser.new_page()
        page.set_content("<title>42</title>")
        return page.title()


def public_key() -> str:
    with TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        printed(require_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        return key.with_suffix(".pub").read_text(encoding="utf-8")


def arabic_font() -> str:
    return system_packages()["fonts-noto-core"].find() or ""


def printed(*command: str, cwd: Path = ROOT) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


#: One use of each tool; what its output must contain.
USES: Mapping[str, tuple[Callable[[], str], str]] = {
    "python3-venv": (lambda: printed(".venv/bin/python", "-m", "venv", "--help"), "usage"),
    "libfribidi0": (fribidi, "."),
    "libpango-1.0-0": (pdf, "%PDF"),
    "libpangoft2-1.0-0": (pdf, "%PDF"),
    "libharfbuzz-subset0": (pdf, "%PDF"),
    "g++": (native_module, "42"),
    "make": (lambda: printed(require_tool("make"), "help"), "make setup"),
    "chromium": (browser_title, "42"),
    "fonts-noto-core": (arabic_font, "Arabic"),
    "faketime": (lambda: printed(require_tool("faketime"), "2001-02-03", "date", "+%Y"), "2001"),
    "openssl": (lambda: printed(require_tool("openssl"), "version"), "SSL"),
    "openssh-client": (public_key, "ssh-ed25519"),
    "git": (lambda: printed(require_tool("git"), "--version"), "git version"),
}


@pytest.mark.parametrize(
    "name", [row.name for row in system_packages().values() if row.needed_for != "image"]
)
def test_every_tool_of_the_table_works(
    name: str, request: pytest.FixtureRequest, may_sleep: None
) -> None:
    if name == "postgresql":  # started once a run, for all tests
        assert database(request.getfixturevalue("postgres_server")) == "42\n"
        return
    if system_packages()[name].find() is None and not name.startswith(("python3", "lib")):
        lacks(system_packages()[name].reason_without)
    use, expected = USES[name]

    assert expected in use()
