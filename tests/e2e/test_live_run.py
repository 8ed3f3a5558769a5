"""The customer's command, live, against real servers: everything arrives, whole, in order, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.bot_process import LiveBotProcess
from tests.e2e.conftest import Arrange, arranging
from tests.fakes.faultproxy import Fault
from tests.servers.mastodon import MastodonServer
from tests.servers.pds import Pds
from tests.servers.program import WarmProgram
from tests.waiting import PATIENCE

pytestmark = pytest.mark.server

# ruff: noqa: E501 - quotations are not broken
POSTS = """\
posts:
  - id: quotation
    quote: {{source: letter, text: "The people we speak of are our mothers and fathers, our brothers and sisters, our nieces and nephews, our neighbors and our friends."}}
    at: {at}
    link: letter
    author: desk
  - id: investigation
    text: "From the reading list of the open letter of December 9, 2022. #Uyghur"
    link: mit-technology-review
    at: {at}
    author: desk
  - id: picture
    text: "A picture with a description."
    media: [{{file: {picture}, alt: "A plain field of teal."}}]
    at: {at}
    author: desk
  - id: warned
    quote: {{source: letter, text: "Millions, even children, have been placed in concentration camps, where they have been tortured, raped, ‘reeducated’, sterilized, and are often never seen again."}}
    warning: "CW: torture, sexual violence"
    at: {at}
    author: desk
  - id: thread
    quote: {{source: letter, text: "Dahua bears responsibility for destroying at least hundreds of thousands of lives. A mountain of evidence shows that Dahua, in partnership with the Communist Party of China (CCP), has worked to terrorize and destroy the Uyghur people, and other ethnic and religious groups in China. Without Dahua’s technology and direct participation, the CCP could not have targeted Uyghurs at such staggering scale; the importance of Chinese surveillance companies like Dahua is recognized in multiple reports, including recently that of the United Nations High Commissioner for Human Rights. Dahua is not simply a passive supplier that ‘does not control how its technology is used’, contrary to what you might have been told. As the CCP sketched its plan to destroy millions of lives, Dahua held the pen."}}
    thread: true
    at: {at}
    author: desk
"""
NAMES = ("quotation", "investigation", "picture", "warned", "thread")

ONE = """\
posts:
  - id: only
    quote: {{source: letter, text: "We write to urge that you decouple from Dahua."}}
    at: {at}
    author: desk
"""


def previewed(bot: LiveBotProcess) -> dict[str, list[dict[str, Any]]]:
    """Give by account what `preview` says will go out, in the order of writing."""
    statuses: dict[str, list[dict[str, Any]]] = {"m": [], "b": [], "x": []}
    for post in bot.do("preview", "--all"):
        for shown in post["shown"]:
            statuses[shown["account"]] += shown["statuses"]
    return statuses


def approve_all(bot: LiveBotProcess, at: datetime) -> None:
    """Write the five posts, start the service, and let people approve what it has planned."""
    bot.write(POSTS.format(at=at, picture=bot.picture("field.png")))
    bot.start()
    bot.wait_planned(15, before=at)
    bot.approve_all(NAMES)


@pytest.fixture(scope="module")
def sent(
    tmp_path_factory: pytest.TempPathFactory,
    mastodon_server: MastodonServer,
    pds: Pds,
    warm_program: WarmProgram,
) -> Iterator[LiveBotProcess]:
    """Publish the five posts; the service still runs."""
    folder = tmp_path_factory.mktemp("sent")
    with arranging(folder, mastodon_server, pds, warm_program) as arrange:
        bot = arrange(approve_all)
        bot.wait_sent()
        yield bot
        assert bot.stop() == 0
        told = json.loads(bot.warm_call("status", "--json").stdout)
        assert told["running"] is False, "who ended in order is not waited for"


def test_everything_arrives_on_all_three_as_preview_said(sent: LiveBotProcess) -> None:
    bot = sent
    wanted = previewed(bot)

    live = bot.live()
    for account, statuses in wanted.items():
        by_text = {status.text: status for status in live[account]}
        assert sorted(status.text for status in live[account]) == sorted(
            status["text"] for status in statuses
        )
        for status in statuses:
            seen = by_text[status["text"]]
            assert seen.alts == tuple(picture["alt"] for picture in status["pictures"])
            assert account == "x" or seen.lang == status["lang"]
            assert account != "m" or seen.warning == (status["warning"] or "")
    assert_cards_and_facets(bot, wanted["b"])


def assert_cards_and_facets(bot: LiveBotProcess, statuses: list[dict[str, Any]]) -> None:
    """On Bluesky a link is a card that we give, and every mark is a byte range that we give."""
    records = {post["value"]["text"]: post["value"] for post in bot.pds.posts(bot.pds_account)}
    assert any(status["card"] for status in statuses)
    assert any(status["facets"] for status in statuses)
    for status in statuses:
        record, card = records[status["text"]], status["card"]
        external = record.get("embed", {}).get("external")
        assert (external is None) == (card is None)
        if card:
            assert (external["uri"], external["title"]) == (card["url"], card["title"])
            assert external["description"] == card["description"]
        ranges = [
            (facet["index"]["byteStart"], facet["index"]["byteEnd"])
            for facet in record.get("facets", [])
        ]
        assert ranges == [(facet["start"], facet["end"]) for facet in status["facets"]]


def test_the_letter_is_published_as_a_record_once(sent: LiveBotProcess) -> None:
    words = ("publish-source", "b", "letter", "--why", "to prove it", "--as", "Aygul")

    told = sent.do(*words)

    asked = {"repo": sent.pds_account.did, "collection": "site.standard.document"}
    records = sent.pds.ask("com.atproto.repo.listRecords", asked)["records"]
    assert [(each["uri"], each["cid"]) for each in records] == [(told["uri"], told["cid"])]
    assert "mothers and fathers" in records[0]["value"]["textContent"]
    assert sent.do(*words) == told
    assert len(sent.pds.ask("com.atproto.repo.listRecords", asked)["records"]) == 1
    assert "publish source" in {row["verb"] for row in sent.do("audit", "show")}


def test_a_thread_hangs_together_in_order(sent: LiveBotProcess) -> None:
    states, live = sent.states(), sent.live()

    for account in ("m", "b", "x"):
        parts = sorted(
            (
                row
                for (post, name, _part), row in states.items()
                if (post, name) == ("thread", account)
            ),
            key=lambda row: row["part"],
        )
        parents = {status.id: status.parent for status in live[account]}
        assert len(parts) >= 2
        assert parents[parts[0]["remote_id"]] is None
        for before, after in pairwise(parts):
            assert parents[after["remote_id"]] == before["remote_id"]


@pytest.mark.parametrize(
    ("account", "request_line"),
    [
        ("x", r"^POST /2/tweets "),
        ("m", r"^POST /api/v1/statuses "),
        ("b", r"^POST /xrpc/com\.atproto\.repo\.putRecord "),
    ],
)
@pytest.mark.deep
def test_a_kill_between_accepted_and_recorded_leaves_one_status(
    arrange: Arrange, account: str, request_line: str
) -> None:
    def prepare(bot: LiveBotProcess, at: datetime) -> None:
        bot.write(ONE.format(at=at))
        bot.proxies[account].spoil(request_line, Fault(stall=PATIENCE))
        bot.start()
        bot.wait_planned(3, before=at)
        bot.approve_all(["only"])

    bot = arrange(prepare)
    bot.wait_until(lambda: len(bot.live()[account]) == 1, "accepted by the server")
    bot.kill()
    assert bot.states()["only", account, 1]["state"] == "SENDING"

    bot.start()
    bot.wait_sent()
    assert {name: len(seen) for name, seen in bot.live().items()} == {"m": 1, "b": 1, "x": 1}
    assert bot.stop() == 0
