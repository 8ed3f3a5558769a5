"""What the Mastodon adapter sends, and what it makes of what comes back."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.errors import BotError, RejectedError, SettingsError, UnavailableError, UnconfirmedError
from bot.platforms.base import Connection
from bot.platforms.mastodon.adapter import MastodonPlatform, connect
from bot.platforms.status import Draft, Picture, PostRef, ReplyTo, Status
from tests.contract.contract import CountingMeter
from tests.fakes.loopback import Told
from tests.fakes.mastodon_quirks import QuirkyMastodon
from tests.waiting import CONNECT, READ

POST = "POST /api/v1/statuses"
TOKEN = "canary-7f3b"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PICTURE = Picture(sha256_hex(b"x"), "image/png", "a square", 8, 8, 1)


@pytest.fixture
def server() -> Iterator[QuirkyMastodon]:
    with QuirkyMastodon() as server:
        yield server


@pytest.fixture
def platform(server: QuirkyMastodon) -> Iterator[MastodonPlatform]:
    platform = adapter(server.origin)
    yield platform
    platform.close()


def adapter(origin: str, *, token: str = TOKEN, read: float = READ) -> MastodonPlatform:
    account = Account("voice", "mastodon", server=origin)
    connection = Connection(
        account,
        {"ACCESS_TOKEN": token},
        CountingMeter(),
        connect_timeout=CONNECT,
        read_timeout=read,
    )
    made = connect(connection)
    assert isinstance(made, MastodonPlatform)
    made._uploads.wait = lambda _seconds: None
    return made


def draft(
    platform: MastodonPlatform,
    text: str = "words",
    *,
    pictures: tuple[Picture, ...] = (),
    reply_to: ReplyTo | None = None,
    warning: str | None = None,
) -> Draft:
    status = Status(text, lang="ug", pictures=pictures, warning=warning)
    return platform.prepare(
        status,
        key=uuid.uuid4().hex,
        at=datetime.now(UTC),
        reply_to=reply_to,
        pictures=lambda _picture: b"x",
    )


# -- what is sent


def test_a_status_goes_out_with_its_key_language_warning_and_parent(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    parent = PostRef("100")
    made = draft(platform, reply_to=ReplyTo(root=parent, parent=parent), warning="violence")

    platform.publish(made)

    sent = server.asked[-1]
    assert sent.headers["Idempotency-Key"] == made.key
    assert {name: values for name, values in sent.form.items() if name != "sensitive"} == {
        "status": ["words"],
        "in_reply_to_id": ["100"],
        "visibility": ["public"],
        "spoiler_text": ["violence"],
        "language": ["ug"],
    }
    assert sent.form["sensitive"] == ["1"]


def test_a_reply_mentions_nobody(server: QuirkyMastodon, platform: MastodonPlatform) -> None:
    parent = PostRef("100")

    platform.publish(draft(platform, "part two", reply_to=ReplyTo(parent, parent)))

    assert server.statuses[0]["text"] == "part two"


def test_a_parent_may_be_an_address_that_a_person_vouched_for(platform: MastodonPlatform) -> None:
    parent = PostRef("https://social.example/@voice/1234")

    made = draft(platform, reply_to=ReplyTo(parent, parent))

    assert made.body["in_reply_to_id"] == "1234"


def test_a_token_that_is_also_a_path_is_not_read_as_a_file(
    server: QuirkyMastodon, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("another-token\n")

    adapter(server.origin, token=str(path)).profile()

    assert server.asked[0].headers["Authorization"] == f"Bearer {path}"


def test_no_request_asks_for_the_instance_or_a_language_by_itself(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    """A failing /api/v1/instance/ would be asked 978 times (Mastodon.py#450)."""
    platform.publish(draft(platform, pictures=(PICTURE,)))

    assert server.lines == ["POST /api/v2/media", POST]
    assert not any("lang" in asked.query for asked in server.asked)


# -- what comes back


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refusal_of_the_content_is_rejected(
    server: QuirkyMastodon, platform: MastodonPlatform, status: int
) -> None:
    server.quirks.answers[POST] = Told(status, {"error": "Text character limit exceeded"})

    with pytest.raises(RejectedError, match="Text character limit exceeded"):
        platform.publish(draft(platform))


@pytest.mark.parametrize("status", [402, 405, 406, 409, 410, 418, 451, 500, 503, 599])
def test_whatever_is_not_on_the_list_is_unconfirmed(
    server: QuirkyMastodon, platform: MastodonPlatform, status: int
) -> None:
    server.quirks.answers[POST] = Told(status, {"error": "so"})

    with pytest.raises(UnconfirmedError):
        platform.publish(draft(platform))


def test_a_500_to_a_repeated_key_is_settled_by_reading(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.repeated_key = 500
    made = draft(platform)
    ref = platform.publish(made)

    with pytest.raises(UnconfirmedError):
        platform.publish(made)

    assert platform.find(made) == ref


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "2026-11-23T12:02:00.123456Z"}, 120),
        ({"X-RateLimit-Reset": str(int(NOON.timestamp()) + 60)}, 60),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
    ],
)
def test_a_rate_limit_says_when_to_come_again(
    server: QuirkyMastodon, platform: MastodonPlatform, headers: dict[str, str], seconds: int
) -> None:
    made = draft(platform)
    server.quirks.answers[POST] = Told(429, {"error": "Too many"}, {**headers, **_date(NOON)})

    with pytest.raises(UnavailableError) as caught:
        platform.publish(made)

    assert caught.value.retry_after is not None
    assert round(caught.value.retry_after.total_seconds()) == seconds


def _date(moment: datetime) -> dict[str, str]:
    return {"Date": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}


def test_a_rate_limit_header_that_nobody_can_read_does_not_undo_a_success(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    junk = {"X-RateLimit-Reset": "soon", "X-RateLimit-Remaining": "some", "Link": "<<"}
    server.quirks.answers[POST] = Told(200, {"id": "5"}, {**junk, "Deprecation": "@1"})

    assert platform.publish(draft(platform)).id == "5"


def test_an_answer_that_is_packed_unasked_is_read(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    body = gzip.compress(b'{"id":"5","url":"https://social.example/5"}')
    server.quirks.answers[POST] = Told(200, body, {"Content-Encoding": "gzip"})

    assert platform.publish(draft(platform)) == PostRef("5", "https://social.example/5")


def test_an_address_that_is_no_web_page_is_not_kept(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.answers[POST] = Told(200, {"id": "5", "url": "javascript:alert(1)"})

    assert platform.publish(draft(platform)) == PostRef("5", "")


# -- pictures


def test_a_picture_that_takes_a_while_is_waited_for(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.processing = 2

    made = draft(platform, pictures=(PICTURE,))

    assert server.lines == ["POST /api/v2/media"] + ["GET /api/v1/media/101"] * 3
    assert platform.publish(made).id == "102"


def test_a_picture_that_is_not_ready_in_time_is_not_uploaded_again(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.processing = -1
    with pytest.raises(UnavailableError, match="still being processed"):
        draft(platform, pictures=(PICTURE,))
    server.media["101"] = 0

    made = draft(platform, pictures=(PICTURE,))

    assert made.body["media_ids"] == ["101"]
    assert server.lines.count("POST /api/v2/media") == 1


def test_a_picture_that_cannot_be_processed_is_rejected_and_forgotten(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.processing = -2
    with pytest.raises(RejectedError):
        draft(platform, pictures=(PICTURE,))
    server.quirks.processing = 0

    assert draft(platform, pictures=(PICTURE,)).body["media_ids"] == ["102"]


def test_an_upload_that_vanished_is_forgotten(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    server.quirks.processing = -1
    with pytest.raises(UnavailableError):
        draft(platform, pictures=(PICTURE,))
    server.media.clear()
    with pytest.raises(UnavailableError):
        draft(platform, pictures=(PICTURE,))
    server.quirks.processing = 0

    assert draft(platform, pictures=(PICTURE,)).body["media_ids"] == ["102"]


def test_a_status_whose_picture_is_not_ready_is_put_off(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    made = draft(platform, pictures=(PICTURE,))
    server.media["101"] = -1

    with pytest.raises(UnavailableError, match="still being processed"):
        platform.publish(made)


def test_a_refused_status_with_good_pictures_is_rejected(
    server: QuirkyMastodon, platform: MastodonPlatform
) -> None:
    made = draft(platform, pictures=(PICTURE,))
    server.quirks.answers[POST] = Told(422, {"error": "too long"})
    server.media.clear()

    with pytest.raises(RejectedError, match="too long"):
        platform.publish(made)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("POST /api/v2/media", {"url": "https://social.example/p"}),
        ("POST /api/v2/media", 7),
        ("GET /api/v1/media/101", {"id": "another", "url": None}),
    ],
)
def test_an_upload_that_answers_nothing_useful_is_tried_again_later(
    server: QuirkyMastodon, platform: MastodonPlatform, line: str, told: object
) -> None:
    server.quirks.processing = 1
    server.quirks.answers[line] = Told(200, told)

    with pytest.raises(UnavailableError):
        draft(platform, pictures=(PICTURE,))


def test_waiting_for_a_picture_really_waits(server: QuirkyMastodon) -> None:
    server.quirks.processing = 1
    account = Account("voice", "mastodon", server=server.origin)
    patient = connect(Connection(account, {"ACCESS_TOKEN": TOKEN}, CountingMeter()))
    started = datetime.now(UTC)

    patient.prepare(
        Status("w", pictures=(PICTURE,)),
        key="k",
        at=NOON,
        reply_to=None,
        pictures=lambda _picture: b"x",
    )

    assert datetime.now(UTC) - started >= timedelta(seconds=0.4)


# -- settings and secrets


def test_an_account_names_its_server() -> None:
    with pytest.raises(SettingsError, match="voice"):
        adapter("")


def test_a_bug_before_the_call_is_a_refusal_and_no_riddle(platform: MastodonPlatform) -> None:
    made = draft(platform)
    wrong = Draft(made.key, {**made.body, "visibility": "everybody"})

    with pytest.raises(BotError, match="not called") as caught:
        platform.publish(wrong)

    assert isinstance(caught.value, RejectedError)
