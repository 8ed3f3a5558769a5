"""A platform that nothing in `bot` knows: one package and one registry line, and it works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.checks.checking import check_content
from bot.content.files import FolderTree
from bot.content.loading import load
from bot.web.rendering import environment, stylesheet
from tests.conftest import ROOT
from tests.contract import postcard
from tests.contract.postcard.server import KEY, PostcardServer
from tests.fakes.campaign_tree import inspect, spec
from tests.waiting import in_time

SCHEDULE = """\
campaign: fourth
timezone: UTC
mode: live
approvals_required: 1
not_after: 10m
postcard_prices: {{stamp: 0.07}}
accounts:
  box:
    platform: postcard
    server: "{origin}"
    paper: ruled
    chains: true
    stamp_seen: 2026-01-01
    budget_usd_per_month: 5
    owner: Us
    consent: {{by: Us, on: 2026-01-01}}
"""
POSTS = """\
posts:
  - id: hello
    text: "Hello from a platform that was added for this test."
    at: {at}
    author: desk
  - id: long
    text: "{long}"
    thread: true
    at: {at}
    author: desk
"""
SPECS = {**spec(), "postcard": postcard.SPEC}
LONG = " ".join(f"This is sentence number {number} of a long post." for number in range(1, 9))


@pytest.fixture
def server() -> Iterator[PostcardServer]:
    with PostcardServer() as server:
        yield server


class PostcardCampaign:
    """Files of a campaign, and the bot with the fourth platform in its registry."""

    def __init__(self, folder: Path, server: PostcardServer) -> None:
        self.folder, self.server = folder, server
        (folder / "posts" / "sources").mkdir(parents=True)
        self.write("schedule.yaml", SCHEDULE.format(origin=server.origin))
        self.write("posts/sources/investigations.yaml", "investigations: []\n")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")

    def write_posts(self, at: datetime) -> None:
        due = at.strftime("%Y-%m-%d %H:%M:%S+00:00")
        self.write("posts/all.yaml", POSTS.format(at=due, long=LONG))

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tests/contract/postcard/run_bot.py"), *words],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "VERBATIM_BOX_MAILBOX_KEY": KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, *words: str, code: int = 0) -> str:
        with self.start(*words) as process:
            out, _ = process.communicate(timeout=90)
        assert process.returncode == code, out
        return out

    def ask(self, *words: str) -> Any:
        return json.loads(self.do(*words, "--json"))


@pytest.fixture
def campaign(tmp_path: Path, server: PostcardServer) -> PostcardCampaign:
    return PostcardCampaign(tmp_path, server)


def test_it_is_checked_previewed_planned_and_rehearsed(campaign: PostcardCampaign) -> None:
    campaign.write_posts(datetime.now(UTC) + timedelta(hours=1))

    campaign.do("check")
    shown = campaign.ask("preview", "--all")
    plan = campaign.ask("plan", "--days", "2")
    report = campaign.ask("rehearse", "--days", "2")

    parts = {status["id"]: len(status["shown"][0]["statuses"]) for status in shown}
    assert parts == {"hello": 1, "long": 2}
    assert {entry["account"] for entry in plan["entries"]} == {"box"}
    assert [delivery["state"] for delivery in report["deliveries"]] == ["SENT"] * 3
    assert round(sum(report["spent"]["box"].values()), 2) == 0.21
    assert campaign.server.cards == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("paper: ruled", "paper: silk", "accounts.box.paper: 'silk' is none of these"),
        ("paper: ruled", "papr: ruled", "no such key 'papr'; did you mean 'paper'?"),
        ("paper: ruled", "visibility: public", "Postcard has no key 'visibility', only Mastodon"),
        ("    stamp_seen: 2026-01-01\n", "", "accounts.box.stamp_seen: missing; Postcard tells"),
        ("{stamp: 0.07}", "{stmp: 1}", "postcard_prices.stmp: no price 'stmp'; did you mean"),
        ("chains: true", "chains: false", "shorten it, give box `chains: true` in schedule.yaml"),
    ],
)
def test_its_own_keys_are_checked(
    campaign: PostcardCampaign, old: str, new: str, told: str
) -> None:
    campaign.write_posts(datetime.now(UTC) + timedelta(hours=1))
    schedule = SCHEDULE.format(origin=campaign.server.origin)
    campaign.write("schedule.yaml", schedule.replace(old, new))
    now = datetime.now(UTC)

    tree = FolderTree(campaign.folder / "schedule.yaml", campaign.folder / "posts")
    loaded = load(tree, specs=SPECS, inspect=inspect, now=now)
    found = check_content(loaded, specs=SPECS, limits={}, now=now).problems

    assert any(told in f"{one.where}: {one.message}" for one in found)


def test_editors_programs_know_its_keys(campaign: PostcardCampaign) -> None:
    schema = json.loads(campaign.do("schema", "schedule"))

    assert schema["$defs"]["Account"]["properties"]["paper"]["enum"] == ["plain", "ruled"]
    assert "postcard_prices" in schema["properties"]


@pytest.mark.timeout(240)
def test_it_is_published_to_once(campaign: PostcardCampaign) -> None:
    schedule = SCHEDULE.format(origin=campaign.server.origin)
    campaign.write("schedule.yaml", schedule.replace("required: 1", "required: 0"))

    def planned_before(due: datetime) -> subprocess.Popen[str]:
        campaign.write_posts(due)
        service = campaign.start("run")
        assert service.stdout is not None
        if any('"running"' in line for line in service.stdout) and datetime.now(UTC) < due:
            return service
        service.kill()
        raise AssertionError(service.communicate())

    with in_time(planned_before, lead=8) as service:
        came = [campaign.server.arrivals.acquire(timeout=70) for _ in range(3)]
        service.send_signal(signal.SIGTERM)
        log, _ = service.communicate(timeout=60)

    assert came == [True] * 3, log
    assert [one["state"] for one in campaign.ask("deliveries")] == ["SENT"] * 3
    assert [card["paper"] for card in campaign.server.cards.values()] == ["ruled"] * 3


def test_pages_show_it_by_its_name_and_colour() -> None:
    page = "{{ label_of(name) }}, {{ icon_of(name) }}, {{ icon_of('telegraph') }}"

    shown = environment(SPECS).from_string(page).render(name="postcard")

    assert shown == "Postcard, P, T"
    assert b".net-postcard, .status-postcard { --net: #8a4b00; }" in stylesheet(SPECS)


def test_nothing_in_the_bot_knows_it() -> None:
    files = [path for path in (ROOT / "bot").rglob("*") if path.suffix in {".py", ".html", ".css"}]

    assert [path for path in files if b"postcard" in path.read_bytes().lower()] == []
