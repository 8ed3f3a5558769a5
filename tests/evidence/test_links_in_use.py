"""What a link's state changes: a post is held, a copy is linked to, and everybody is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.app.content import Paths
from bot.app.doctor import examine
from bot.canonical import sha256_hex
from bot.cli.main import run
from bot.clock import FastClock
from bot.delivery.links import LinkLook, LinkState, looks
from bot.delivery.model import HoldReason, State
from bot.engagement.monthly import Period
from bot.evidence import archive as archives
from bot.evidence.archive import APART, Archive
from bot.evidence.fetching import PageFetcher
from bot.operations.digest import monthly
from bot.public.record import signed_record
from bot.public.site import site_files
from bot.settings.environment import Settings
from tests.evidence.pages import Pages
from tests.fakes.campaign_tree import spec
from tests.fakes.people import token_of
from tests.fakes.running_bot import RunningBot, post
from tests.public.records import SigningKey, published, shipped

LINK, COPY = "http://news.example/report", "https://archive.example/2026/report"
LISTED = f"""\
investigations:
  - {{id: report, outlet: News, title: Eyes everywhere, address: "{LINK}", archived: "{COPY}"}}
"""
#: The verbs go by the machine's clock.
START = datetime.now(UTC).replace(microsecond=0)
DUE, DAY = START + timedelta(hours=1), f"{START:%Y-%m-%d}"
Do = Callable[..., tuple[int, Any]]


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.clock, new_bot.machine = FastClock(START), Settings().machine_id()
    new_bot.tree.put("posts/sources/investigations.yaml", LISTED)
    new_bot.start_approved(post("one", "link: report", at=DUE))
    return new_bot


@pytest.fixture
def archive(bot: RunningBot, pages: Pages) -> Archive:
    return Archive(bot.store, bot.clock, pages.fetcher())


def note(bot: RunningBot, archive: Archive, state: LinkState, told: str = "answered 404") -> None:
    archive._note(bot.services.contents.campaign().investigations["report"], state, told)


def test_a_post_whose_link_is_gone_is_held_with_the_reason_until_a_person_sends_it(
    bot: RunningBot, archive: Archive
) -> None:
    note(bot, archive, LinkState.GONE)

    bot.wait(DUE + timedelta(minutes=1))

    row = bot.row("one")
    assert (row.state, row.reason) == (State.HELD, HoldReason.LINK_GONE)
    assert row.detail.startswith(f"{LINK}: answered 404, {DAY}")
    bot.desk.resolve(row.id, "send", by="Ann", why="readers know")
    bot.finish()
    assert bot.row("one").state is State.SENT


@pytest.mark.parametrize("state", [LinkState.UNREACHABLE, LinkState.MOVED, LinkState.TITLE])
def test_what_is_not_surely_gone_holds_nothing(
    bot: RunningBot, archive: Archive, state: LinkState
) -> None:
    note(bot, archive, LinkState.GONE)
    note(bot, archive, state)

    bot.wait(DUE + timedelta(minutes=1))

    assert bot.row("one").state is State.SENT


def test_the_link_goes_to_the_copy_by_decision_and_is_approved_anew(
    bot: RunningBot, archive: Archive
) -> None:
    listed = bot.services.contents.campaign().investigations["report"]

    archives.link_to_copy(bot.store, bot.clock, listed, by="Ann", why="the page is gone")
    bot.watch()

    row = bot.row("one")
    assert row.status.links == (COPY,)
    assert bot.desk.consents.of(row.publication).count == 0
    bot.approve("one")
    bot.wait(DUE + timedelta(minutes=1))
    assert bot.row("one").state is State.SENT
    (decision,) = bot.store.audit.of("link to copy")
    assert (decision.who, decision.why) == ("Ann", "the page is gone")


def test_a_decision_does_not_hold_for_another_copy(bot: RunningBot, archive: Archive) -> None:
    listed = bot.services.contents.campaign().investigations["report"]
    archives.link_to_copy(bot.store, bot.clock, listed, by="Ann", why="")

    bot.tree.change("posts/sources/investigations.yaml", COPY, "https://evil.example/report")
    bot.watch()

    assert bot.row("one").status.links == (LINK,)


def test_run_has_the_job_where_the_setting_asks_for_it(new_bot: RunningBot) -> None:
    new_bot.settings = Settings(links="weekly")
    new_bot.start_with()

    assert new_bot.services.archive is not None
    made = new_bot.services.archive(new_bot.services.contents.campaign())
    assert made.fetcher.agent.endswith("(keeps evidence for the campaign test)")
    assert "links" in {job.name for job in new_bot.services.jobs(timedelta(hours=1))}


def test_run_looks_at_each_link_once_a_week_and_only_where_that_is_asked_for(
    bot: RunningBot, pages: Pages, archive: Archive
) -> None:
    pages.put("/report")
    services, hour = bot.services, timedelta(hours=1)
    assert "links" not in {job.name for job in services.jobs(hour)}
    services.archive = lambda _campaign: archive

    assert "links" in {job.name for job in services.jobs(hour)}
    for _minute in range(3):
        services.look_at_links()
    assert len(pages.asked) == 1
    bot.clock.advance(APART)
    services.look_at_links()
    assert len(pages.asked) == 2
    bot.desk.pause("a reason", by="Ann", all_calls=True)
    bot.clock.advance(APART)
    services.look_at_links()
    assert len(pages.asked) == 2
    assert looks(bot.store)[LINK].state is LinkState.THERE


@pytest.fixture
def do(
    bot: RunningBot, pages: Pages, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Do:  # fmt: skip
    """Return what runs a verb as Ann; its exit code, and what it prints as JSON."""
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, bot.clock, "Ann"))
    made = partial(PageFetcher, resolve=pages.resolve, dial=pages.dial)
    monkeypatch.setattr("bot.evidence.archive.PageFetcher", made)

    def done(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, *bot.places, "--json"])
        shown = capsys.readouterr()
        return code, json.loads(shown.out) if shown.out else shown.err

    return done


def test_the_verbs_keep_look_show_and_write_out(
    bot: RunningBot, pages: Pages, do: Do, tmp_path: Path
) -> None:
    pages.put("/report", "Eyes everywhere")

    code, made = do("archive", "pages")
    assert (code, [one["title"] for one in made["kept"]]) == (0, ["Eyes everywhere"])
    pages.answers.clear()
    assert do("archive", "links", "report")[0] == 1
    assert do("archive", "show")[1]["links"]["report"]["state"] == "gone"
    assert do("archive", "pages", "report")[1]["failed"] == ["report: gone (answered 404), " + DAY]
    assert "no investigation is called nothing" in do("archive", "pages", "nothing")[1]
    assert "was ever called nobody" in do("archive", "posts", "nobody")[1]
    assert do("archive", "posts")[1] == []
    assert do("archive", "link-copy", "report", "--as", "Ann")[1]["link"] == COPY
    assert do("archive", "export", str(tmp_path / "out"))[0] == 0
    name, (warc,) = made["kept"][0]["name"], [*(tmp_path / "out").glob("*.warc.gz")]
    assert warc.name == name
    assert warc.stat().st_mode & 0o777 == 0o600, "retracted words may be in it"
    sums = (tmp_path / "out" / "SHA256SUMS").read_text()
    assert sums == f"{sha256_hex(warc.read_bytes())}  {name}\n"


def test_doctor_tells_the_state_of_a_link(bot: RunningBot, archive: Archive) -> None:
    note(bot, archive, LinkState.GONE)

    paths = Paths(bot.tree.schedule, bot.tree.posts, bot.data)
    found = {each.what: each for each in examine(paths, ask=False)}

    assert not found["link report"].is_well
    assert found["links"].told == "1 of 1 were looked at; VERBATIM_LINKS is off"


def test_the_site_tells_the_state_of_a_link() -> None:
    record, key = published(), SigningKey()
    address = next(each.address for each in shipped().investigations.values() if each.address)
    look = LinkLook(address, LinkState.MOVED, "leads elsewhere", START)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.public.site.draw", lambda _card: b"a picture")
        signed = signed_record(record, key)
        files = site_files(record, signed, key.public, shipped(), spec(), looks={address: look})

    assert f"State of the link: moved (leads elsewhere), {DAY}" in files["reading.html"].decode()


def test_a_report_tells_what_was_known_by_the_end_of_its_days(
    bot: RunningBot, archive: Archive
) -> None:
    note(bot, archive, LinkState.GONE)
    today = START.date()
    rendered = bot.services.contents.rendered

    told, before = (
        list(monthly(bot.store, bot.clock, rendered, Period(day, day)).missing)
        for day in (today, today - timedelta(days=1))
    )

    assert f"The link to “Eyes everywhere”: gone (answered 404), {DAY}." in told
    assert not any("Eyes everywhere" in each for each in before)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("m", "letter"), "Mastodon keeps statuses and no documents"),
        (("nobody", "letter"), "no account is called nobody"),
        (("m", "nothing"), "or no source nothing"),
    ],
)
def test_a_source_is_published_only_where_that_can_be(
    do: Do, words: tuple[str, ...], told: str
) -> None:
    code, found = do("publish-source", *words, "--as", "Ann")

    assert code == 1
    assert told in found
