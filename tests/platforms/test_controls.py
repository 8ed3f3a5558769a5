"""Who may reply to a post and quote it, on stand-ins that check what they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import OverBudgetError, RejectedError, UnavailableError, UnconfirmedError
from bot.platforms.spec import EVERYONE, REPLIES
from bot.platforms.status import PostRef, Status, status_from_json
from bot.platforms.x import SPEC as X_SPEC
from bot.platforms.x.adapter import X
from tests.conftest import require_shared
from tests.contract.contract import CountingMeter, prepare
from tests.fakes.faultproxy import HANG_UP_AFTER, Answer, answered
from tests.fakes.loopback import Told
from tests.fakes.mastodon_voice import VoiceServer
from tests.fakes.x_setup import PUBLISH, x_at
from tests.fakes.x_standin import USER, XStandin

LOOKUP = r"^GET /2/tweets\?"


@pytest.fixture
def x_server(tmp_path: Path) -> Iterator[XStandin]:
    spec = require_shared("conformance/x-api-openapi.json")
    with XStandin(ledger=tmp_path / "ledger", spec_file=spec) as standin:
        yield standin
        assert standin.violations == []


@pytest.fixture
def x(x_server: XStandin) -> Iterator[X]:
    adapter = x_at(x_server.origin)
    yield adapter
    adapter.close()


def test_a_status_that_everybody_may_answer_is_written_as_it_always_was() -> None:
    written = Status("text").to_json()

    assert "replies" not in written
    assert "quotes" not in written
    limited = Status("text", replies="nobody", quotes="followers")
    assert status_from_json(limited.to_json()) == limited
    assert limited.controls == "replies: nobody · quotes: followers only"


def test_each_limit_has_words() -> None:
    assert all(Status("text", replies=who).controls for who in REPLIES if who != EVERYONE)


# -- Mastodon: quotes


@pytest.mark.parametrize("who", ["followers", "nobody"])
def test_who_may_quote_is_asked_for_and_compared(server: VoiceServer, who: str) -> None:
    ref = server.platform.publish(prepare(server.platform, Status("words", quotes=who)))

    assert server.asked[-1].form["quote_approval_policy"] == [who]
    assert ref.differs == {}


def test_nothing_is_asked_for_where_everybody_may_quote(server: VoiceServer) -> None:
    server.platform.publish(prepare(server.platform, "words"))

    assert "quote_approval_policy" not in server.asked[-1].form


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("drops", "who may quote it is not told, not followers"),
        ("public", "who may quote it is public, not followers"),
        ("nobody", ""),  # stricter than asked for
    ],
)
def test_a_server_that_lets_others_quote_is_told_of(
    server: VoiceServer, stored: str, told: str
) -> None:
    server.quirks.quotes = stored
    draft = prepare(server.platform, Status("words", quotes="followers"))

    ref = server.platform.publish(draft)

    assert ref.differs.get("quotes", "") == told
    found = server.platform.find(draft)
    assert found
    assert found.differs.get("quotes", "") == told


def test_a_quote_is_revoked_by_its_address(server: VoiceServer) -> None:
    ref = server.platform.publish(prepare(server.platform, "words"))
    for number in range(3):
        server.post("mocks it", quotes=ref.id, url=f"https://other.example/{number}")

    server.platform.revoke_quote(ref, "https://other.example/1")

    revoked = [one["url"] for one in server.statuses if one.get("quote")]
    assert revoked == ["https://other.example/1"]
    with pytest.raises(RejectedError, match="knows no quote"):
        server.platform.revoke_quote(ref, "https://other.example/9")
    with pytest.raises(RejectedError, match="no way to hide"):
        server.platform.hide_reply(ref, "https://other.example/1")


def test_a_quote_that_still_stands_is_not_called_revoked(server: VoiceServer) -> None:
    ref = server.platform.publish(prepare(server.platform, "words"))
    quote = server.post("mocks it", quotes=ref.id, url="https://other.example/1")
    line = f"POST /api/v1/statuses/{ref.id}/quotes/{quote['id']}/revoke"
    server.quirks.answers[line] = Told(body={"id": quote["id"], "quote": {"state": "accepted"}})

    with pytest.raises(UnavailableError, match="the quote is accepted"):
        server.platform.revoke_quote(ref, "https://other.example/1")


def test_a_list_of_quotes_that_never_ends_is_given_up(server: VoiceServer) -> None:
    ref = server.platform.publish(prepare(server.platform, "words"))
    server.post("mocks it", quotes=ref.id, url="https://other.example/1")

    with pytest.raises(RejectedError, match="knows no quote"):
        server.platform.revoke_quote(ref, "https://other.example/2")

    assert sum(asked.path.endswith("/quotes") for asked in server.asked) == 2


# -- X: replies


@pytest.mark.parametrize(
    ("who", "setting"), [("followed", "following"), ("mentioned", "mentionedUsers")]
)
def test_who_may_reply_is_asked_for_and_read_back(
    x: X, x_server: XStandin, who: str, setting: str
) -> None:
    ref = x.publish(prepare(x, Status("words", replies=who)))

    assert x_server.world.statuses[ref.id].replies == setting
    assert ref.differs == {}
    assert {charge.action for charge in X_SPEC.charges(Status("words", replies=who))} == {
        "post",
        "read",
    }


def test_what_x_took_otherwise_is_told(x: X, x_server: XStandin) -> None:
    body = b'{"data":[{"id":"1","text":"words","reply_settings":"everyone"}]}'
    x_server.faults.spoil(LOOKUP, answered(Answer(200, body), stored=True))

    ref = x.publish(prepare(x, Status("words", replies="mentioned")))

    assert ref.differs == {"replies": "others may reply to it than were to"}


def test_a_lost_answer_is_found_with_what_differs(x: X, x_server: XStandin) -> None:
    draft = prepare(x, Status("words", replies="mentioned"))
    x_server.faults.spoil(PUBLISH, HANG_UP_AFTER)
    with pytest.raises(UnconfirmedError):
        x.publish(draft)
    (status,) = x_server.world.live(USER)
    status.replies = "everyone"

    found = x.find(draft)

    assert found
    assert (found.id, set(found.differs)) == (status.id, {"replies"})


def test_a_status_is_out_though_reading_it_back_costs_too_much(x_server: XStandin) -> None:
    class Poor(CountingMeter):
        def reserve(self, charge: object) -> int:
            if getattr(charge, "action", "") == "read" and len(self.reserved) > 1:
                raise OverBudgetError("x", "nothing left")
            return super().reserve(charge)  # type: ignore[arg-type] # any charge

    x = x_at(x_server.origin, meter=Poor())

    ref = x.publish(prepare(x, Status("words", replies="mentioned")))

    assert ref.id in x_server.world.statuses
    x.close()


def test_a_reply_is_hidden_by_its_address(x: X, x_server: XStandin) -> None:
    ref = x.publish(prepare(x, "words"))
    reply = x_server.world.create("99", "a threat", (), ref.id)

    x.hide_reply(ref, f"https://x.com/somebody/status/{reply.id}")

    assert reply.is_hidden
    assert x_server.world.used["hide_reply"] == 1
    for address in ("https://x.com/somebody", f"https://x.com/u/status/{ref.id}"):
        with pytest.raises((RejectedError, UnavailableError)):
            x.hide_reply(ref, address)
    with pytest.raises(RejectedError, match="no way to take"):
        x.revoke_quote(ref, "https://x.com/u/status/1")


def test_an_answer_that_does_not_say_hidden_is_no_success(x: X, x_server: XStandin) -> None:
    body = b'{"data":{"hidden":false}}'
    x_server.faults.spoil("^PUT ", answered(Answer(200, body), stored=True))

    with pytest.raises(UnavailableError, match="does not say that it is hidden"):
        x.hide_reply(PostRef("1"), "https://x.com/u/status/5")
