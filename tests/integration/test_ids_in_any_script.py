"""Ids of Uyghur, Chinese and Cyrillic letters, from the files to all that is made of them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest

from bot.cli.main import run
from bot.cli.terminal import WIDTH, isolated
from bot.clock import FastClock
from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.repositories import Repositories, open_proposing
from tests.fakes.running_bot import MINUTE, SCHEDULE, RunningBot, post
from tests.integration.store_rows import copied_database
from tests.public.test_site import broken_links, files_of

#: Verbs go by the machine's own clock.
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
DUE = NOW + 60 * MINUTE
WORDS = "ئۇلار بىزنىڭ ئاتا-ئانىلىرىمىز. ئۇلار قوشنىلىرىمىز ۋە دوستلىرىمىز."
SOURCE, THEME, QUEUE, SLOT = "ئوچۇق-خەت", "家人", "摘录", "утро"
UYGHUR, CHINESE, CYRILLIC = "ئاتا-ئانىلىرىمىز", "我们的父母", "наши-матери-и-отцы"


def _posts() -> str:
    quoted = f'quote: {{source: {SOURCE}, text: "ئۇلار بىزنىڭ ئاتا-ئانىلىرىمىز."}}'
    return "posts:\n" + "".join((
        post(UYGHUR, quoted, f"theme: {THEME}", "partners_from: 2026-01-01 09:00", at=DUE),
        post(CHINESE, "lang: zh", f"theme: {THEME}", f"queue: {QUEUE}", words="我们的父母在哪里？"),
        post(CYRILLIC, "lang: ru", f"queue: {QUEUE}", words="Где наши матери и отцы?"),
    ))  # fmt: skip


def _tree(folder: Path) -> CampaignTree:
    tree = CampaignTree(folder)
    (tree.posts / "sources" / "letter.yaml").unlink()
    (tree.posts / "sources" / "letter.txt").unlink()
    schedule = SCHEDULE.replace("campaign: test", f"campaign: уйгуры\nthemes: [{THEME}]")
    schedule = schedule.replace("morning", SLOT).replace("main:", f"{QUEUE}:")
    tree.put("schedule.yaml", schedule)
    tree.put_source(SOURCE, WORDS, lang="ug")
    tree.put("posts/main.yaml", _posts())
    return tree


@pytest.fixture(scope="module")
def bot(
    tmp_path_factory: pytest.TempPathFactory, review: Repositories, migrated_file: Path
) -> Iterator[RunningBot]:
    folder = tmp_path_factory.mktemp("desk")
    url = copied_database(migrated_file, folder / "data")
    with open_proposing(folder, review, url, _tree(folder), FastClock(NOW)) as bot:
        yield bot


Do = Callable[..., str]


@pytest.fixture
def do(bot: RunningBot, capsys: pytest.CaptureFixture[str]) -> Do:
    """Run a verb that works; return what it prints."""

    def done(*words: str) -> str:
        capsys.readouterr()
        code = run([*words, *bot.places])
        printed = capsys.readouterr()
        assert code == 0, printed.err + printed.out
        return printed.out

    return done


def signed_in(bot: RunningBot, name: str) -> HttpBrowser:
    browser = HttpBrowser(bot.origin)
    browser.sign_in(name, PASSWORD)
    return browser


def test_verbs_take_and_print_them(do: Do, tmp_path: Path) -> None:
    assert "no problem in 3 posts" in do("check")
    assert UYGHUR in do("preview", f"\u2068{UYGHUR}\u2069")  # as it is copied from a terminal
    planned = json.loads(do("plan", "--days", "9", "--json"))
    assert {UYGHUR, CHINESE, CYRILLIC} >= {each["post_id"] for each in planned["entries"]} != set()
    do("plan", "--days", "9", "--ics", str(tmp_path / "plan.ics"))
    calendar = (tmp_path / "plan.ics").read_text(encoding="utf-8").replace("\r\n ", "")
    assert CYRILLIC in calendar
    assert "UID:" in calendar
    assert CHINESE in do("rehearse", "--days", "9", "--json")


def test_a_sheet_brings_each_post_back_as_it_was(do: Do, bot: RunningBot, tmp_path: Path) -> None:
    file, before = tmp_path / "sheet.xlsx", (bot.tree.posts / "main.yaml").read_bytes()

    do("sheet", "export", str(file))
    do("sheet", "import", str(file))
    ids = {row[1] for row in openpyxl.load_workbook(file).worksheets[0].values}
    assert {UYGHUR, CHINESE, CYRILLIC} < ids
    assert (bot.tree.posts / "main.yaml").read_bytes() == before


@pytest.mark.parametrize("name", [UYGHUR, CHINESE, CYRILLIC])
def test_the_desk_has_a_page_of_each_and_takes_an_approval(bot: RunningBot, name: str) -> None:
    anna = signed_in(bot, "anna")
    page = anna.get(f"/posts/{quote(name)}")
    assert page.status == 200
    assert f"<bdi>{name}</bdi>" in page.text
    prints = re.findall(r'name="fingerprint" value="(\w+)"', page.text)

    answer = anna.post(f"/posts/{quote(name)}/approve", {"fingerprint": prints[0]})

    assert answer.status == 303, answer.text
    assert answer.headers["location"].isascii()
    assert anna.get(answer.headers["location"].partition("#")[0]).status == 200
    assert [row.who for row in bot.store.audit.about(name, "approve")] == ["anna"]


@pytest.mark.parametrize(
    "page",
    ["/", "/week", "/calendar", "/calendar?view=list", "/held", "/log", "/engagement", "/evidence",
     "/kit", f"/sources/{quote(SOURCE)}", f"/calendar?theme={quote(THEME)}"],
)  # fmt: skip
def test_every_page_opens_and_links_to_what_is_there(bot: RunningBot, page: str) -> None:
    edna = signed_in(bot, "edna")

    answer = edna.get(page)

    assert answer.status == 200
    for link in set(re.findall(r'href="(/(?:posts|sources)/[^"#?]+)', answer.text)):
        assert edna.get(quote(link)).status == 200


def test_a_guest_comes_back_to_the_post_after_signing_in(bot: RunningBot) -> None:
    browser = HttpBrowser(bot.origin)
    to_login = browser.get(f"/posts/{quote(UYGHUR)}").headers["location"]
    browser.get(to_login)
    to = re.search(r"to=([^&]*)", to_login)
    assert to is not None

    answer = browser.post("/login", {"name": "vera", "password": PASSWORD,
                                     "to": f"/posts/{UYGHUR}"})  # fmt: skip

    assert to[1] in {quote(quote(f"/posts/{UYGHUR}"), safe="/%"), quote(f"/posts/{UYGHUR}")}
    assert answer.headers["location"] == f"/posts/{quote(UYGHUR)}"


def test_a_post_that_is_made_of_a_passage_is_downloaded_and_proposed(
    bot: RunningBot, review: Repositories
) -> None:
    edna = signed_in(bot, "edna")
    words = "ئۇلار قوشنىلىرىمىز ۋە دوستلىرىمىز."
    name = "ئۇلار-قوشنىلىرىمىز-ۋە-دوستلىرىمىز"
    asked = f"/sources/{quote(SOURCE)}{{}}?words={quote(words)}"

    file = edna.get(asked.format("/post.yaml"))
    answer = edna.post(asked.format("/propose"), {"password": PASSWORD})

    assert file.headers["content-disposition"] == (
        f"attachment; filename*=UTF-8''{quote(name + '.yaml')}"
    )
    assert answer.status == 200, answer.text
    assert f"proposal/{name}" in answer.text
    assert f"proposal/{name}" in review.refs
    shown = review.git("show", f"proposal/{name}:posts/proposed/{name}.yaml")
    assert f"- id: {name}" in shown
    assert f"source: {SOURCE}" in shown


def test_site_and_kit_lead_to_files_that_are_there(do: Do, bot: RunningBot, tmp_path: Path) -> None:
    bot.approve(UYGHUR, by=("ben", "anna")[: 2 - len(bot.store.audit.about(UYGHUR, "approve"))])
    bot.wait(DUE)
    assert bot.states()[f"{UYGHUR}/m/0"] == "SENT"

    do("site", str(tmp_path / "site"), "--address", "https://coalition.example/site")
    do("kit", str(tmp_path / "kit"), "--partner", "ئۇيغۇر")

    site, kit = files_of(tmp_path / "site"), files_of(tmp_path / "kit")
    assert {f"post-{UYGHUR}.html", f"source-{SOURCE}.html"} < site.keys()
    assert broken_links(site) == broken_links(kit) == []
    links = re.findall('href="([^"]*)"', site["feed.xml"].decode())
    assert quote(f"post-{UYGHUR}.html") in links
    assert all(map(str.isascii, links))
    packed = zipfile.ZipFile(io.BytesIO(kit["ئۇيغۇر.zip"]))
    assert any(each.startswith(f"{UYGHUR}/") for each in packed.namelist())


def test_lists_fit_80_columns_by_cells_and_are_isolated_on_a_terminal(do: Do) -> None:
    from rich.cells import cell_len

    shown = do("deliveries")

    assert CHINESE in shown
    assert max(cell_len(line) for line in shown.splitlines()) <= WIDTH
    assert f"\u2068{UYGHUR}\u2069" in isolated(shown)
