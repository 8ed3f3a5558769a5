"""The X adapter against a stand-in: what it reads back, what it pays, what it never tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import time_machine

from bot.errors import (
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.spec import Charge
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status
from bot.platforms.x import SPEC
from bot.platforms.x.adapter import X
from bot.platforms.x.comparing import receipt_differences
from tests.conftest import require_shared
from tests.contract.contract import CountingMeter, picture_of, png, prepare
from tests.fakes.faultproxy import HANG_UP_AFTER, Answer, answered
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_setup import PUBLISH, connection_to, x_at
from tests.fakes.x_standin import USER, XStandin
from tests.fakes.x_world import PRICES

TIMELINE = r"^GET /2/users/\d+/tweets"
LOOKUP = r"^GET /2/tweets\?"
DELETE = "^DELETE "


@pytest.fixture
def server(tmp_path: Path) -> Iterator[XStandin]:
    spec = require_shared("conformance/x-api-openapi.json")
    with XStandin(ledger=tmp_path / "ledger", spec_file=spec) as standin:
        yield standin
        assert standin.violations == []


@pytest.fixture
def meter() -> CountingMeter:
    return CountingMeter()


@pytest.fixture
def x(server: XStandin, meter: CountingMeter) -> Iterator[X]:
    adapter = x_at(server.origin, meter=meter)
    yield adapter
    adapter.close()


def publish(x: X, text: str | Status) -> PostRef:
    return x.publish(prepare(x, text))


def _png(picture: object) -> bytes:
    return png()


def lose(x: X, server: XStandin, status: str | Status) -> PostRef | None:
    """Publish with a lost answer, and read back."""
    draft = prepare(x, status, pictures=_png)
    server.faults.spoil(PUBLISH, HANG_UP_AFTER)
    with pytest.raises(UnconfirmedError):
        x.publish(draft)
    return x.find(draft)


def tell(
    server: XStandin, request: str, body: object, *, status: int = 200, times: int = 1
) -> None:
    """Let the server answer such a request with this, and do nothing."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    server.faults.spoil(request, answered(Answer(status, raw), stored=False), times=times)


# -- reading back


TEXTS = (
    "plain words",
    "signs & < > and &amp; “as written”",
    "a link: https://example.org/a?b=1&c=2",
    "a bare host: example.org, and a path www.example.org/p.",
    "two\n\nparagraphs — and cafe\u0301",
    Status("a picture", pictures=(picture_of(png(), "a square"),)),
)


@pytest.mark.parametrize("status", TEXTS, ids=str)
def test_a_lost_status_is_found_by_its_text_or_its_pictures(
    x: X, server: XStandin, status: str | Status
) -> None:
    found = lose(x, server, status)

    assert [one.id for one in server.world.live()] == [found.id if found else None]


def test_a_long_status_of_a_premium_account_is_found(server: XStandin) -> None:
    server.world.max_length = 25_000
    x = x_at(server.origin, max_length=25_000)

    assert lose(x, server, "word " * 400 + "https://example.org/end") is not None
    assert x.limits().max_length == 25_000


def test_the_same_text_with_other_pictures_is_for_a_person_to_judge(x: X, server: XStandin) -> None:
    draft = prepare(x, Status("two of us", pictures=(picture_of(png(), "a"),)), pictures=_png)
    theirs = prepare(x, Status("two of us", pictures=(picture_of(png(), "a"),)), pictures=_png)
    x.publish(theirs)

    with pytest.raises(UnconfirmedError, match="other pictures"):
        x.find(draft)


def test_the_same_text_elsewhere_is_for_a_person_to_judge(x: X, server: XStandin) -> None:
    root, other = publish(x, "root"), publish(x, "other root")
    draft = prepare(x, "same words", reply_to=ReplyTo(root, root))
    server.world.create(USER, "same words", [], other.id)

    with pytest.raises(UnconfirmedError, match=f"but answers nothing, not {root.id}"):
        x.find(draft)


def test_the_same_text_without_its_addresses_is_for_a_person_to_judge(
    x: X, server: XStandin
) -> None:
    draft = prepare(x, "read https://example.org/list. All of it")
    text = "read https://t.co/abc. All of it"
    status = {"id": "1990000000000000001", "text": text, "conversation_id": "1990000000000000001"}
    tell(server, TIMELINE, {"data": [status], "meta": {"result_count": 1}})

    with pytest.raises(UnconfirmedError, match="but does not tell its addresses"):
        x.find(draft)


def test_a_lost_status_that_is_known_by_its_picture_is_compared(x: X, server: XStandin) -> None:
    root = publish(x, "root")
    status = Status("two of us", pictures=(picture_of(png(), "a"),))
    draft = prepare(x, status, pictures=_png, reply_to=ReplyTo(root, root))
    media = draft.body["request"]["media"]["media_ids"]
    server.world.create(USER, "one of us", media, None)

    found = x.find(draft)

    assert found is not None
    assert found.differs == {
        "text": "its text reads otherwise",
        "parent": f"but answers nothing, not {root.id}",
    }


@pytest.mark.parametrize(
    ("told", "is_other"),
    [
        ("“a & b” at https://t.co/abc123.", False),
        ("“a &amp; b” at https://t.co/abc123. https://t.co/pict", False),
        ("“a & b” at https://ngo.example/list.", False),
        (None, False),
        ("", False),
        ("“a & b” at (https://t.co/abc123.", True),
        ("“a & c” at https://t.co/abc123.", True),
        ("“a & b” at", True),
    ],
)
def test_the_text_of_a_receipt_is_compared_with_short_addresses_in_it(
    told: str | None, is_other: bool
) -> None:
    body = {"request": {"text": "“a & b” at https://ngo.example/list."}}

    assert receipt_differences(told, body)["text"] == (
        "its text reads otherwise" if is_other else ""
    )


def test_a_long_text_that_a_receipt_tells_cut_differs_in_nothing() -> None:
    body = {"request": {"text": "word https://a.example/b " * 60}}
    told = "word https://t.co/abc " * 11

    assert receipt_differences(told + "wo… https://t.co/self", body)["text"] == ""
    assert receipt_differences(told + "but wo…", body)["text"]


def test_an_older_status_with_the_same_text_is_not_ours(x: X, server: XStandin) -> None:
    server.world.create(USER, "said last year", [], None)

    assert x.find(prepare(x, "said last year")) is None


def test_a_timeline_that_lags_is_not_taken_for_absence(x: X, server: XStandin) -> None:
    server.world.lag = 3600
    publish(x, "known to be out")
    draft = prepare(x, "lost and late")
    server.faults.spoil(PUBLISH, HANG_UP_AFTER)
    with pytest.raises(UnconfirmedError):
        x.publish(draft)

    with pytest.raises(UnavailableError, match="newest known"):
        x.find(draft)

    server.world.catch_up()
    assert x.find(draft) is not None


def test_a_known_status_that_someone_deleted_does_not_stop_the_reading(
    x: X, server: XStandin
) -> None:
    gone = publish(x, "deleted on the website")
    draft = prepare(x, "never sent")
    server.world.delete(server.world.statuses[gone.id])

    assert x.find(draft) is None


def test_a_busy_timeline_is_read_to_its_end(x: X, server: XStandin) -> None:
    first = publish(x, "first")
    draft = prepare(x, "lost among many")
    server.world.create(USER, "lost among many", [], None)
    for number in range(34):
        server.world.create(USER, f"by hand {number}", [], None)

    found = x.find(draft)

    assert found is not None
    assert int(found.id) > int(first.id)
    assert sum("/tweets?" in line for line, _ in server.requests) == 5


def test_a_parent_that_x_tells_decides(x: X, server: XStandin) -> None:
    root = publish(x, "root")
    draft = prepare(x, "reply", reply_to=ReplyTo(root, root))
    id_ = str(int(root.id) + 10)
    reply = {"id": id_, "text": "reply", "conversation_id": root.id}
    for parent in ("7", root.id):
        references = [{"type": "replied_to", "id": parent}]
        page = {"data": [{**reply, "referenced_posts": references}], "meta": {"result_count": 1}}
        tell(server, TIMELINE, page)

        if parent == root.id:
            assert x.find(draft) == PostRef(id_, f"https://x.com/i/status/{id_}")
        else:
            with pytest.raises(UnconfirmedError, match=f"but answers 7, not {root.id}"):
                x.find(draft)


def _gone(ref: PostRef) -> object:
    kind = "https://api.x.com/2/problems/resource-not-found"
    return {"errors": [{"resource_id": ref.id, "type": kind}]}


def test_a_timeline_that_is_too_long_is_given_up(x: X, server: XStandin) -> None:
    draft = prepare(x, "lost in a flood")
    for number in range(230):
        server.world.create(USER, f"flood {number}", [], None)

    with pytest.raises(UnavailableError, match="after 200 statuses"):
        x.find(draft)


def test_a_timeline_without_an_end_is_given_up(x: X, server: XStandin) -> None:
    draft = prepare(x, "lost")
    status = {"id": "5", "text": "always the same", "conversation_id": "5"}
    page = {"data": [status], "meta": {"result_count": 1, "next_token": "again"}}
    tell(server, TIMELINE, page, times=-1)

    with pytest.raises(UnavailableError, match="does not end"):
        x.find(draft)


#: By the request: the call that makes it.
CALLS: dict[str, Callable[[X, Draft], object]] = {
    TIMELINE: lambda x, draft: x.find(draft),
    LOOKUP: lambda x, _draft: x.exists(PostRef("1")),
    DELETE: lambda x, _draft: x.delete(PostRef("1")),
}


@pytest.mark.parametrize(
    ("asked", "body", "says"),
    [
        (TIMELINE, {"meta": {"result_count": 3}}, "not complete"),
        (TIMELINE, {"data": [], "meta": {}}, "not complete"),
        (TIMELINE, {"data": {}, "meta": {"result_count": 0}}, "not complete"),
        (
            TIMELINE,
            {"data": [{"id": "1", "text": "x"}], "meta": {"result_count": 1}},
            "not complete",
        ),
        (TIMELINE, {"meta": {"result_count": 0}, "errors": [{"title": "partial"}]}, "not complete"),
        (TIMELINE, {"meta": {"result_count": 0, "next_token": 7}}, "not complete"),
        (TIMELINE, {"meta": 7}, "not complete"),
        (LOOKUP, {"errors": [{"title": "whatever"}, 7]}, "nothing is said"),
        (DELETE, {}, "does not say"),
        (DELETE, {"data": {"deleted": "yes"}}, "does not say"),
        (DELETE, {"data": []}, "does not say"),
    ],
    ids=str,
)
def test_an_answer_that_is_not_clear_settles_nothing(
    x: X, server: XStandin, asked: str, body: object, says: str
) -> None:
    draft = prepare(x, "lost")
    tell(server, asked, body, times=2)

    with pytest.raises(UnavailableError, match=says):
        CALLS[asked](x, draft)


def test_the_account_s_id_is_asked_for_where_the_token_does_not_tell(server: XStandin) -> None:
    x = x_at(server.origin)
    x._client.user = ""  # as after an access token that does not begin with an id

    assert x.find(prepare(x, "never sent")) is None
    assert sum("/2/users/me" in line for line, _ in server.requests) == 1


def test_the_newest_status_is_asked_once_and_then_known(x: X, server: XStandin) -> None:
    for number in range(3):
        publish(x, f"number {number}")

    assert sum("/2/users/" in line for line, _ in server.requests) == 1


# -- publishing


def test_a_receipt_uses_the_handle_where_one_is_known(server: XStandin) -> None:
    x = x_at(server.origin, handle="@coalition")

    ref = publish(x, "hello")

    assert ref.url == f"https://x.com/coalition/status/{ref.id}"


@pytest.mark.parametrize("reset", ["1", "99999999999", "soon", ""])
def test_a_rate_limit_without_a_usable_moment_still_waits(
    x: X, server: XStandin, reset: str
) -> None:
    draft = prepare(x, "too many")
    headers = {"x-rate-limit-reset": reset} if reset else {}
    server.faults.spoil(PUBLISH, answered(Answer(429, b"{}", headers), stored=False))

    with pytest.raises(UnavailableError) as caught:
        x.publish(draft)

    assert caught.value.retry_after is not None
    assert timedelta(minutes=15) <= caught.value.retry_after <= timedelta(hours=1)


def test_x_s_own_rate_limit_is_obeyed_to_the_second(x: X, server: XStandin) -> None:
    server.rates["POST /2/tweets"] = 1
    publish(x, "one")
    draft = prepare(x, "one too many")

    with pytest.raises(UnavailableError) as caught:
        x.publish(draft)

    window_ends = (int(server.now()) // 900 + 1) * 900
    waits = caught.value.retry_after
    assert waits is not None
    assert abs(server.now() + waits.total_seconds() - window_ends) < 3


def test_credentials_that_do_not_fit_are_unauthorized(server: XStandin) -> None:
    secrets = secrets_for(USER) | {"ACCESS_TOKEN_SECRET": "wrong"}
    connection = connection_to(server.origin)
    x = X(type(connection)(connection.account, secrets, connection.meter))

    with pytest.raises(UnauthorizedError):
        x.profile()


def test_a_picture_that_x_cannot_read_is_rejected(x: X) -> None:
    status = Status("no picture", pictures=(picture_of(b"GIF", "alt"),))

    with pytest.raises(RejectedError):
        prepare(x, status, pictures=lambda _picture: b"not a picture")


@pytest.mark.parametrize(
    ("request_", "body", "error"),
    [
        ("upload", {"data": {"id": "7", "processing_info": {"state": "failed"}}}, RejectedError),
        (
            "upload",
            {"data": {"id": "7", "processing_info": {"state": "pending"}}},
            UnavailableError,
        ),
        ("metadata", {}, UnavailableError),
    ],
)
def test_a_picture_is_posted_only_processed_and_described(
    x: X, server: XStandin, request_: str, body: object, error: type[Exception]
) -> None:
    tell(server, f"^POST /2/media/{request_}", body)

    with pytest.raises(error):
        prepare(x, Status("p", pictures=(picture_of(png(), "alt"),)), pictures=_png)


# -- numbers


def test_numbers_are_read_in_batches_of_a_hundred(x: X, server: XStandin) -> None:
    ids = [server.world.create(USER, f"status {number}", [], None).id for number in range(130)]

    numbers = x.metrics([PostRef(id_) for id_ in [*ids, "42"]])

    assert [ref.id for ref in numbers] == ids
    assert sum(line.startswith("GET /2/tweets?") for line, _ in server.requests) == 2


def test_clicks_are_told_while_a_status_is_young(x: X, server: XStandin) -> None:
    young, old = publish(x, "young"), publish(x, "old")
    for one in (young, old):
        server.world.statuses[one.id].own_numbers = {"url_link_clicks": 7}
    server.world.statuses[old.id].numbers = {"like_count": 4}
    server.world.statuses[old.id].created_at -= timedelta(days=31)

    numbers = x.metrics([young, old])

    assert numbers[young].clicks == 7
    assert (numbers[old].clicks, numbers[old].likes) == (None, 4)


@pytest.mark.parametrize(
    ("told", "numbers"),
    [
        (
            {"like_count": 3, "repost_count": 2, "reply_count": 0, "quote_count": 0},
            Metrics(3, 2, 0, 0),
        ),
        ({"retweet_count": 5, "like_count": "many", "quote_count": True}, Metrics(reposts=5)),
    ],
)
def test_both_names_of_reposts_are_read_and_the_untold_is_none(
    x: X, server: XStandin, told: object, numbers: Metrics
) -> None:
    tell(server, LOOKUP, {"data": [{"id": "1", "public_metrics": told}]})

    assert x.metrics([PostRef("1")]) == {PostRef("1"): numbers}


def test_a_status_that_x_cannot_show_just_now_is_not_gone(x: X, server: XStandin) -> None:
    kind = "https://api.x.com/2/problems/internal-error"
    tell(server, LOOKUP, {"errors": [{"resource_id": "1", "type": kind}]}, times=2)

    assert x.exists(PostRef("1"))
    assert x.metrics([PostRef("1")]) == {PostRef("1"): Metrics()}


def test_deleting_what_x_does_not_know_says_that_it_is_gone(x: X, server: XStandin) -> None:
    tell(server, DELETE, {"title": "Not Found Error", "detail": "no such"}, status=404)

    assert not x.delete(PostRef("42"))


def test_a_deletion_that_failed_is_not_taken_for_done(x: X, server: XStandin) -> None:
    ref = publish(x, "still here")
    tell(server, DELETE, b"{}", status=500)

    with pytest.raises(UnavailableError):
        x.delete(ref)

    assert x.exists(ref)


# -- money


def test_what_is_booked_is_what_x_bills(x: X, server: XStandin, meter: CountingMeter) -> None:
    status = Status(
        "see https://example.org/a",
        pictures=(picture_of(png(), "described"), picture_of(png(), "")),
    )
    ref = x.publish(prepare(x, status, pictures=_png))
    publish(x, "without a link")
    x.profile()
    x.metrics([ref])
    x.delete(ref)

    booked = dict.fromkeys(PRICES, 0)
    for number, (action, _) in enumerate(meter.reserved):
        booked[action] += meter.settled[number]
    assert {name: count for name, count in booked.items() if count} == dict(server.world.used)
    assert SPEC.prices == PRICES
    # Nobody knows it: a budget must not be overrun.
    assert SPEC.prices["hide_reply"] == max(SPEC.prices.values())


def test_the_estimate_is_what_publishing_costs() -> None:
    status = Status("see example.org", pictures=(picture_of(png(), "a"), picture_of(png(), "")))

    assert list(SPEC.charges(status)) == [
        Charge("post_with_url"),
        Charge("media_upload", 2),
        Charge("media_metadata", 1),
    ]
    assert list(SPEC.charges(Status("no address"))) == [Charge("post")]


def test_reads_are_booked_at_the_most_and_settled_at_what_came(
    x: X, server: XStandin, meter: CountingMeter
) -> None:
    server.world.create(USER, "one", [], None)
    server.world.create(USER, "two", [], None)

    prepare(x, "three")

    assert meter.reserved == [("read", 5)]
    assert meter.settled == {0: 2}


def test_who_owns_the_app_reads_its_timeline_for_less(server: XStandin) -> None:
    meter = CountingMeter()
    server.world.owns_app = True

    prepare(x_at(server.origin, meter=meter, own={"owns_app": True}), "cheap")

    assert meter.reserved == [("owned_read", 5)]


# -- the clock, and secrets


@pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_signature_by_a_wrong_clock_is_no_fault_of_the_account(
    tmp_path: Path, wrong: timedelta
) -> None:
    spec, began = require_shared("conformance/x-api-openapi.json"), time.time() - time.monotonic()
    with XStandin(
        ledger=tmp_path / "ledger", spec_file=spec, now=lambda: began + time.monotonic()
    ) as standin:
        adapter = x_at(standin.origin)
        draft = prepare(adapter, "signed too late")
        with time_machine.travel(datetime.now(UTC) + wrong):
            with pytest.raises(UnavailableError, match="signed by a clock that is wrong"):
                adapter.profile()
            with pytest.raises(UnavailableError, match="signed by a clock that is wrong"):
                adapter.publish(draft)

        assert adapter.profile().id == USER
        adapter.close()


def test_a_refusal_by_a_server_with_the_same_time_is_one(x: X, server: XStandin) -> None:
    now = {"Date": format_datetime(datetime.now(UTC), usegmt=True)}
    refusal = Answer(401, b'{"title": "Unauthorized"}', now)
    server.faults.spoil("", answered(refusal, stored=False))

    with pytest.raises(UnauthorizedError, match="GET /2/users/me answered 401: Unauthorized"):
        x.profile()


@pytest.mark.parametrize("word", ["post", "tweet"])
def test_fields_are_asked_for_in_whichever_words_x_knows(
    x: X, server: XStandin, meter: CountingMeter, word: str
) -> None:
    """X drops silently what it does not know, and a status must not look absent for that."""
    server.word = word
    publish(x, "the first one")
    found = lose(x, server, "a lost one")
    assert found is not None

    assert x.metrics([found])[found].likes == 0
    draft, reads = prepare(x, "never sent"), meter.reserved.count(("read", 10))
    assert x.find(draft) is None

    assert meter.reserved.count(("read", 10)) == reads + 1
