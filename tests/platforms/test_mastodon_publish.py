"""What the Mastodon adapter sends, and what it makes of what comes back."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.content.model import Account
from bot.errors import (
    PlatformError,
    RejectedError,
    SettingsError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection
from bot.platforms.mastodon import connect
from bot.platforms.status import Draft, PostRef, Status
from tests.contract.contract import CountingMeter
from tests.fakes.loopback import Told
from tests.fakes.mastodon_voice import PICTURE, TOKEN, VoiceServer, adapter

POST = "POST /api/v1/statuses"
#: Before an attempt the adapter notes what is there.
READS = ["GET /api/v1/accounts/verify_credentials", "GET /api/v1/accounts/7/statuses"]


# -- what is sent


def test_a_status_goes_out_with_its_key_language_warning_and_parent(server: VoiceServer) -> None:
    made = server.draft(parent="100", warning="violence")

    server.platform.publish(made)

    sent = server.asked[-1]
    assert sent.headers["Idempotency-Key"] == made.key
    assert sent.form == {
        "status": ["words"],
        "in_reply_to_id": ["100"],
        "visibility": ["public"],
        "spoiler_text": ["violence"],
        "language": ["ug"],
        "sensitive": ["true"],
    }


def test_a_parent_may_be_an_address_that_a_person_vouched_for(server: VoiceServer) -> None:
    made = server.draft(parent="https://social.example/@voice/1234")

    assert made.body["in_reply_to_id"] == "1234"


def test_a_token_that_is_also_a_path_is_not_read_as_a_file(
    server: VoiceServer, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("another-token\n")

    adapter(server.origin, token=str(path)).profile()

    assert server.asked[0].headers["Authorization"] == f"Bearer {path}"


def test_no_request_asks_for_the_instance_or_a_language_by_itself(server: VoiceServer) -> None:
    """A failing /api/v1/instance/ would be asked 978 times (Mastodon.py#450)."""
    server.platform.publish(server.draft(pictures=(PICTURE,)))

    assert server.lines == ["POST /api/v2/media", *READS, POST]
    assert not any("lang" in asked.query for asked in server.asked)


# -- what comes back


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (RejectedError, [400, 404, 413, 422]),
        (UnconfirmedError, [402, 405, 406, 409, 410, 418, 451, 500, 503, 599]),
    ],
)
def test_a_refusal_of_the_content_is_rejected_and_all_else_unconfirmed(
    server: VoiceServer, error: type[PlatformError], statuses: list[int]
) -> None:
    for status in statuses:
        server.quirks.answers[POST] = Told(status, {"error": "Text character limit exceeded"})

        with pytest.raises(error, match="Text character limit exceeded") as caught:
            server.platform.publish(server.draft())

        assert type(caught.value) is error


def test_a_500_to_a_repeated_key_is_settled_by_reading(server: VoiceServer) -> None:
    server.quirks.repeated_key = 500
    made = server.draft()
    ref = server.platform.publish(made)

    with pytest.raises(UnconfirmedError):
        server.platform.publish(made)

    assert server.platform.find(made) == ref


GZIP = {"Content-Encoding": "gzip"}
JUNK = {"X-RateLimit-Reset": "soon", "X-RateLimit-Remaining": "some", "Link": "<<"}
PAGE = "https://social.example/5"


@pytest.mark.parametrize(
    ("body", "headers", "ref"),
    [
        ({"id": "5"}, {**JUNK, "Deprecation": "@1"}, PostRef("5")),
        (gzip.compress(f'{{"id":"5","url":"{PAGE}"}}'.encode()), GZIP, PostRef("5", PAGE)),
        ({"id": "5", "url": "javascript:alert(1)"}, {}, PostRef("5")),
    ],
    ids=["headers that nobody can read", "packed unasked", "an address that is no web page"],
)
def test_a_success_is_read_whatever_is_odd_about_it(
    server: VoiceServer, body: object, headers: dict[str, str], ref: PostRef
) -> None:
    server.quirks.answers[POST] = Told(200, body, headers)

    assert server.platform.publish(server.draft()) == ref


# -- pictures


def test_a_picture_that_takes_a_while_is_waited_for(server: VoiceServer) -> None:
    server.quirks.processing = 2

    made = server.draft(pictures=(PICTURE,))

    assert server.lines == ["POST /api/v2/media", *["GET /api/v1/media/101"] * 3, *READS]
    assert server.platform.publish(made).id == "102"


def test_a_picture_that_is_not_ready_in_time_is_not_uploaded_again(server: VoiceServer) -> None:
    server.quirks.processing = -1
    with pytest.raises(UnavailableError, match="still being processed"):
        server.draft(pictures=(PICTURE,))
    server.media["101"] = 0

    made = server.draft(pictures=(PICTURE,))

    assert made.body["media_ids"] == ["101"]
    assert server.lines.count("POST /api/v2/media") == 1


def test_a_picture_that_cannot_be_processed_is_rejected_and_forgotten(server: VoiceServer) -> None:
    server.quirks.processing = -2
    with pytest.raises(RejectedError):
        server.draft(pictures=(PICTURE,))
    server.quirks.processing = 0

    assert server.draft(pictures=(PICTURE,)).body["media_ids"] == ["102"]


def test_an_upload_that_vanished_is_forgotten(server: VoiceServer) -> None:
    server.quirks.processing = -1
    with pytest.raises(UnavailableError):
        server.draft(pictures=(PICTURE,))
    server.media.clear()
    with pytest.raises(UnavailableError):
        server.draft(pictures=(PICTURE,))
    server.quirks.processing = 0

    assert server.draft(pictures=(PICTURE,)).body["media_ids"] == ["102"]


def test_a_status_whose_picture_is_not_ready_is_put_off(server: VoiceServer) -> None:
    made = server.draft(pictures=(PICTURE,))
    server.media["101"] = -1

    with pytest.raises(UnavailableError, match="still being processed"):
        server.platform.publish(made)


def test_a_refused_status_with_good_pictures_is_rejected(server: VoiceServer) -> None:
    made = server.draft(pictures=(PICTURE,))
    server.quirks.answers[POST] = Told(422, {"error": "too long"})
    server.media.clear()

    with pytest.raises(RejectedError, match="too long"):
        server.platform.publish(made)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("POST /api/v2/media", {"url": "https://social.example/p"}),
        ("POST /api/v2/media", 7),
        ("GET /api/v1/media/101", {"id": "another", "url": None}),
    ],
)
def test_an_upload_that_answers_nothing_useful_is_tried_again_later(
    server: VoiceServer, line: str, told: object
) -> None:
    server.quirks.processing = 1
    server.quirks.answers[line] = Told(200, told)

    with pytest.raises(UnavailableError):
        server.draft(pictures=(PICTURE,))


def test_waiting_for_a_picture_really_waits(server: VoiceServer) -> None:
    server.quirks.processing = 1
    account = Account("voice", "mastodon", server=server.origin)
    patient = connect(Connection(account, {"ACCESS_TOKEN": TOKEN}, CountingMeter()))
    started = datetime.now(UTC)

    patient.prepare(
        Status("w", pictures=(PICTURE,)),
        key="k",
        at=started,
        reply_to=None,
        pictures=lambda _picture: b"x",
    )

    assert datetime.now(UTC) - started >= timedelta(seconds=0.4)


# -- settings and secrets


def test_an_account_names_its_server() -> None:
    with pytest.raises(SettingsError, match="voice"):
        adapter("")


def test_a_bug_before_the_call_is_a_refusal_and_no_riddle(server: VoiceServer) -> None:
    made = server.draft()
    wrong = Draft(made.key, {**made.body, "visibility": "everybody"})

    with pytest.raises(RejectedError, match="not called"):
        server.platform.publish(wrong)
