"""What people elsewhere read names files as the campaign does, never by a path of the machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.main import run
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import open_played, open_shipped
from tests.servers.program import WarmProgram

POST = "passive-supplier-held-the-pen"
#: Pages of one kind that are looked at, such as `/posts/…`: they have one template.
ENOUGH = 12


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_played(tmp_path_factory.mktemp("campaign")) as bot:
        yield bot


@pytest.fixture(scope="module")
def pages(bot: RunningBot) -> dict[str, str]:
    """Follow the links of every page that an approver sees."""
    browser = bot.browser()
    browser.sign_in("ben")
    found: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    ahead = ["/", f"/posts/{POST}"]
    while ahead:
        address = ahead.pop(0)
        kind = re.sub(r"[?#].*", "", address).split("/")[1]
        if address in found or kinds[kind] == ENOUGH:
            continue
        kinds[kind] += 1
        found[address] = browser.get(address).text
        ahead += re.findall(r'(?:href|src)="(/[^"#]*)', found[address])
    return found


def test_a_post_s_page_says_where_it_stands_in_the_campaign(pages: dict[str, str]) -> None:
    where = re.findall(r">(\S+), line \d+<", pages[f"/posts/{POST}"])

    assert where == ["posts/excerpts/responsibility.yaml"]


def test_no_page_has_a_path_of_the_machine(bot: RunningBot, pages: dict[str, str]) -> None:
    assert len(pages) > 40
    assert [address for address, text in pages.items() if str(bot.folder) in text] == []


def test_what_is_told_of_broken_files_has_none(tmp_path: Path) -> None:
    with open_shipped(tmp_path) as bot:
        bot.tree.change("posts/excerpts/camps.yaml", "posts:\n", "posts:\n  - nonsense\n")
        (tmp_path / "posts" / "stray.txt").touch()
        for _look in range(2):
            bot.services.contents.refresh()

        told = bot.services.contents.broken()

    assert re.findall(r"^(\S+?):\d+:\d+:", told, flags=re.MULTILINE) == [
        "posts/excerpts/camps.yaml",
        "posts/stray.txt",
    ]
    assert str(tmp_path) not in told


@pytest.mark.parametrize("verb", ["run", "rehearse"])
def test_whoever_starts_it_is_told_the_path(
    verb: str, tmp_path: Path, warm_program: WarmProgram
) -> None:
    folder = tmp_path / "new"
    assert run(["init", str(folder)]) == 0
    (folder / "posts" / "stray.txt").touch()
    places = ["--config", f"{folder}/schedule.yaml", "--posts", f"{folder}/posts"]

    data = str(tmp_path / "data")
    done = warm_program.run([verb, *places, "--data", data], tmp_path, dict(os.environ))

    assert done.returncode == 1
    assert f"{folder}/posts/stray.txt:0:0: " in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "status --json", "held --json", "deliveries --json", "audit show --json", "digest --json",
        "engagement --json", "corrections --json", "corrections --html {out}/corrections.html",
        "engagement --html {out}/report.html", "export {out}/numbers",
    ],
)  # fmt: skip
def test_no_answer_of_a_verb_about_what_happened_has_one(
    words: str, bot: RunningBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, posts, data = (bot.folder / name for name in ("schedule.yaml", "posts", "data"))
    places = ["--config", str(config), "--posts", str(posts), "--data", str(data)]

    code = run([*words.format(out=tmp_path).split(), *places])

    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    told = "\n".join([capsys.readouterr().out, *written])
    assert code == 0
    assert told.strip()
    assert str(bot.folder) not in told
