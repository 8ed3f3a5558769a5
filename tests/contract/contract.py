"""The promises that every platform keeps; subclass once per platform.

`PlatformContract` is what holds while all is well; `NetworkContract` adds what must hold when the
network, or the server, does not do its part. A subclass supplies a stand, a connection and
``connect``, and says in a few class attributes how its platform differs.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

import pytest

from bot.core.model import (
    Charge,
    Draft,
    Picture,
    PostRef,
    ReplyTo,
    Status,
    draft_from_json,
    sha256_hex,
)
from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection, PictureReader, Platform
from tests.fakes.faultproxy import (
    HANG_UP_AFTER,
    HANG_UP_BEFORE,
    Answer,
    Fault,
    answered,
)

#: Nobody listens there (RFC 863's port; privileged, so nothing of ours can take it).
CLOSED = "http://127.0.0.1:9"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A live status as the server itself knows it, not as the adapter tells it."""

    id: str
    text: str
    parent: str | None = None
    lang: str | None = None
    warning: str | None = None
    alts: tuple[str, ...] = ()


class Stand(Protocol):
    """A server that a platform's adapter speaks to in tests."""

    def live(self) -> Sequence[Seen]:
        """List the account's live statuses, oldest first."""


class FaultyStand(Stand, Protocol):
    """A stand whose network and answers can be spoilt; `FaultProxy` makes one of any server."""

    def spoil_publish(self, fault: Fault) -> None:
        """Let it befall the next request that publishes (create a status, put a record)."""

    def spoil_all(self, fault: Fault) -> None:
        """Let it befall every request until `heal`."""

    def heal(self) -> None:
        """Let all be well again."""


class CountingMeter:
    """A meter that covers everything, and remembers."""

    def __init__(self) -> None:
        self.reserved: list[tuple[str, int]] = []
        self.settled: dict[int, int] = {}

    def reserve(self, charge: Charge) -> int:
        self.reserved.append((charge.action, charge.units))
        return len(self.reserved) - 1

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        self.settled[booking] = units


def png(shade: int = 120, side: int = 8) -> bytes:
    """Draw a small grey square, without any library."""
    rows = b"".join(b"\0" + bytes([shade]) * side for _ in range(side))

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def picture_of(body: bytes, alt: str) -> Picture:
    return Picture(sha256_hex(body), "image/png", alt, 8, 8, len(body))


def no_pictures(picture: Picture) -> bytes:
    raise AssertionError(f"nobody should ask for {picture}")


def prepare(
    platform: Platform,
    text: str | Status,
    *,
    reply_to: ReplyTo | None = None,
    pictures: PictureReader = no_pictures,
) -> Draft:
    """Prepare a status under a key of its own."""
    status = Status(text) if isinstance(text, str) else text
    now = datetime.now(UTC).replace(microsecond=0)
    return platform.prepare(
        status, key=uuid.uuid4().hex, at=now, reply_to=reply_to, pictures=pictures
    )


class PlatformContract:
    """What holds while all is well. Supply ``stand``, ``connection`` and ``connect``."""

    #: The server keeps a status's language, and its folded warning.
    keeps_language: ClassVar[bool] = True
    keeps_warning: ClassVar[bool] = True
    #: The platform tells numbers at all.
    tells_metrics: ClassVar[bool] = True

    @staticmethod
    def connect(connection: Connection, /) -> Platform:
        raise NotImplementedError("bot.platforms.<name>.adapter.connect")

    @pytest.fixture
    def stand(self) -> Iterator[Stand]:
        raise NotImplementedError("yield a running server")

    @pytest.fixture
    def connection(self, stand: Stand) -> Connection:
        raise NotImplementedError("an account on that server, with its secrets")

    @pytest.fixture
    def platform(self, connection: Connection) -> Iterator[Platform]:
        platform = self.connect(connection)
        yield platform
        platform.close()

    # -- publishing

    def test_a_published_status_is_live_with_its_exact_text(
        self, platform: Platform, stand: Stand
    ) -> None:
        ref = platform.publish(prepare(platform, "“Our neighbors and our friends.” — a & b <c>"))

        assert [(seen.id, seen.text) for seen in stand.live()] == [
            (ref.id, "“Our neighbors and our friends.” — a & b <c>")
        ]

    def test_a_receipt_names_an_address_that_a_reader_can_open(self, platform: Platform) -> None:
        ref = platform.publish(prepare(platform, "an address"))

        assert ref.url.startswith(("https://", "http://127.0.0.1", "rehearsal:"))

    def test_a_published_status_exists(self, platform: Platform) -> None:
        ref = platform.publish(prepare(platform, "it exists"))

        assert platform.exists(ref)

    def test_preparing_publishes_nothing(self, platform: Platform, stand: Stand) -> None:
        prepare(platform, "not yet")
        prepare(platform, "not yet either")

        assert stand.live() == []

    def test_the_same_draft_twice_is_one_status(self, platform: Platform, stand: Stand) -> None:
        draft = prepare(platform, "only once")
        first = platform.publish(draft)

        again = publish_or_find(platform, draft)

        assert again is not None
        assert again.id == first.id
        assert [seen.id for seen in stand.live()] == [first.id]

    def test_a_draft_survives_its_json(self, platform: Platform, stand: Stand) -> None:
        draft = prepare(platform, "frozen")

        thawed = draft_from_json(draft.to_json())
        ref = platform.publish(thawed)

        assert thawed.to_json() == draft.to_json()
        assert [seen.id for seen in stand.live()] == [ref.id]

    def test_a_draft_serves_a_second_connection(
        self, platform: Platform, connection: Connection, stand: Stand
    ) -> None:
        draft = draft_from_json(prepare(platform, "after a restart").to_json())
        other = self.connect(connection)

        ref = other.publish(draft)
        other.close()

        assert [seen.id for seen in stand.live()] == [ref.id]

    def test_a_text_that_is_too_long_is_rejected(self, platform: Platform, stand: Stand) -> None:
        text = "long " * (platform.traits.limits.max_length // 4)

        with pytest.raises(RejectedError):
            platform.publish(prepare(platform, text))

        assert stand.live() == []

    def test_a_reply_hangs_under_its_parent(self, platform: Platform, stand: Stand) -> None:
        root = platform.publish(prepare(platform, "part one"))
        middle = platform.publish(
            prepare(platform, "part two", reply_to=ReplyTo(root=root, parent=root))
        )

        last = platform.publish(
            prepare(platform, "part three", reply_to=ReplyTo(root=root, parent=middle))
        )

        assert [(seen.id, seen.parent) for seen in stand.live()] == [
            (root.id, None),
            (middle.id, root.id),
            (last.id, middle.id),
        ]

    def test_pictures_go_out_with_their_alternative_texts(
        self, platform: Platform, stand: Stand
    ) -> None:
        bodies = [png(40), png(200)]
        status = Status(
            "two pictures",
            pictures=(picture_of(bodies[0], "a dark square"), picture_of(bodies[1], "a light one")),
        )
        by_hash = {sha256_hex(body): body for body in bodies}

        draft = prepare(platform, status, pictures=lambda picture: by_hash[picture.sha256])
        ref = platform.publish(draft)

        assert [(seen.id, seen.alts) for seen in stand.live()] == [
            (ref.id, ("a dark square", "a light one"))
        ]

    def test_the_language_is_told_where_the_platform_takes_one(
        self, platform: Platform, stand: Stand
    ) -> None:
        platform.publish(prepare(platform, Status("سالام", lang="ug")))

        assert [seen.lang for seen in stand.live()] == ["ug" if self.keeps_language else None]

    def test_the_warning_is_told_where_the_platform_folds_one(
        self, platform: Platform, stand: Stand
    ) -> None:
        warning = "forced sterilisation" if platform.traits.folds_warning else None

        platform.publish(prepare(platform, Status("text", warning=warning, sensitive=True)))

        assert [seen.warning for seen in stand.live()] == [warning]

    # -- reading back

    def test_what_was_never_published_is_not_found(self, platform: Platform) -> None:
        platform.publish(prepare(platform, "something else"))

        assert platform.find(prepare(platform, "never sent")) is None

    def test_what_was_published_is_found(self, platform: Platform) -> None:
        draft = prepare(platform, "find me: a & b <c> “d”")
        ref = platform.publish(draft)
        platform.publish(prepare(platform, "a later one"))

        found = platform.find(draft)

        assert found is not None
        assert (found.id, found.cid) == (ref.id, ref.cid)

    def test_a_reply_is_found_too(self, platform: Platform) -> None:
        root = platform.publish(prepare(platform, "the root"))
        draft = prepare(platform, "the reply", reply_to=ReplyTo(root=root, parent=root))
        ref = platform.publish(draft)

        found = platform.find(draft)

        assert found is not None
        assert found.id == ref.id

    # -- taking down

    def test_a_deleted_status_is_gone(self, platform: Platform, stand: Stand) -> None:
        draft = prepare(platform, "to be taken down")
        ref = platform.publish(draft)

        deleted = platform.delete(ref)

        assert deleted
        assert not platform.exists(ref)
        assert platform.find(draft) is None
        assert stand.live() == []

    def test_deleting_what_is_gone_already_says_so(self, platform: Platform) -> None:
        ref = platform.publish(prepare(platform, "to be taken down twice"))
        platform.delete(ref)

        assert not platform.delete(ref)

    # -- numbers

    def test_a_deleted_status_has_no_numbers(self, platform: Platform) -> None:
        kept = platform.publish(prepare(platform, "kept"))
        gone = platform.publish(prepare(platform, "gone"))
        platform.delete(gone)

        numbers = platform.metrics([gone, kept])

        assert list(numbers) == [kept]

    def test_new_statuses_have_been_liked_by_nobody(self, platform: Platform) -> None:
        ref = platform.publish(prepare(platform, "fresh"))

        numbers = platform.metrics([ref])

        assert numbers[ref].likes == (0 if self.tells_metrics else None)

    def test_numbers_of_nothing_are_nothing(self, platform: Platform) -> None:
        assert platform.metrics([]) == {}

    # -- the account

    def test_the_profile_names_the_account(self, platform: Platform) -> None:
        profile = platform.profile()

        assert profile.id
        assert profile.handle

    def test_the_limits_are_usable(self, platform: Platform) -> None:
        limits = platform.limits()

        assert limits.max_length > 0
        assert limits.max_pictures > 0


def publish_or_find(platform: Platform, draft: Draft) -> PostRef | None:
    """Publish again; where the platform will not tell, read back."""
    try:
        return platform.publish(draft)
    except UnconfirmedError:
        return platform.find(draft)


def _json(status: int, body: bytes = b'{"error":"so"}') -> Answer:
    return Answer(status, body)


_HTML = {"Content-Type": "text/html"}
#: Answers that say yes and tell nothing.
VAIN: tuple[Answer, ...] = (
    Answer(200, b"<html><body>It works!</body></html>", _HTML),
    Answer(200, b""),
    Answer(201, b'{"data":{"id":"12'),
    Answer(200, b"null"),
    Answer(200, b"[]"),
    Answer(200, b"42"),
    Answer(200, b'"yes"'),
    Answer(200, b"{}"),
    Answer(200, b'{"data":{},"id":null,"uri":7}'),
    Answer(200, b'{"data":[1,2],"uri":[],"cid":{}}'),
    Answer(200, b"\xff\xfe\x00{"),
    Answer(200, b"[" * 100_000),
    Answer(200, b"not gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    Answer(204, b""),
    Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    Answer(301, b"", {"Location": "/elsewhere"}),
)
#: Statuses of answers, each with a body that is no error of the platform's.
REFUSALS = (400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 429, 500, 501, 502, 503, 504)
JUNK = (b"", b"<html>no</html>", b"[1]", b'{"error":', b'{"errors":7,"detail":[],"title":{}}', b"7")


class NetworkContract(PlatformContract):
    """What holds when the network or the server fails; ``stand`` must be a `FaultyStand`."""

    #: How this platform refuses a text, a token, and too many requests.
    refusal: ClassVar[Answer] = _json(422)
    revoked: ClassVar[Answer] = _json(401)

    def rate_limited(self) -> Answer:
        """Name a moment to come, as the platform does; not more than an hour away."""
        return Answer(429, b"{}", {"Retry-After": "120"})

    # -- publishing

    def test_silence_after_sending_is_unconfirmed_and_found_not_doubled(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "the answer is lost")
        stand.spoil_publish(HANG_UP_AFTER)

        with pytest.raises(UnconfirmedError):
            platform.publish(draft)

        found = platform.find(draft)
        assert [seen.id for seen in stand.live()] == [found.id if found else "not found"]

    def test_a_request_that_was_lost_is_unconfirmed_and_absent(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "the request is lost")
        stand.spoil_publish(HANG_UP_BEFORE)
        with pytest.raises(UnconfirmedError):
            platform.publish(draft)
        absent = platform.find(draft)

        ref = platform.publish(draft)

        assert absent is None
        assert [seen.id for seen in stand.live()] == [ref.id]

    @pytest.mark.parametrize("cut", [1, 20, 60])
    def test_an_answer_that_is_cut_is_unconfirmed(
        self, platform: Platform, stand: FaultyStand, cut: int
    ) -> None:
        draft = prepare(platform, "the answer is cut")
        stand.spoil_publish(Fault(down=cut, reset=True))

        with pytest.raises(UnconfirmedError):
            platform.publish(draft)

        assert platform.find(draft) is not None

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("stored", [True, False])
    def test_a_server_error_proves_nothing(
        self, platform: Platform, stand: FaultyStand, status: int, stored: bool
    ) -> None:
        draft = prepare(platform, "a server error")
        stand.spoil_publish(answered(_json(status), stored=stored))

        with pytest.raises(UnconfirmedError):
            platform.publish(draft)

        assert (platform.find(draft) is not None) is stored

    @pytest.mark.parametrize("vain", VAIN, ids=lambda a: f"{a.status}-{a.body[:12]!r}")
    def test_an_answer_that_tells_nothing_is_unconfirmed(
        self, platform: Platform, stand: FaultyStand, vain: Answer
    ) -> None:
        draft = prepare(platform, "a vain answer")
        stand.spoil_publish(answered(vain, stored=True))

        with pytest.raises(UnconfirmedError):
            platform.publish(draft)

        assert platform.find(draft) is not None

    def test_a_refused_text_is_rejected(self, platform: Platform, stand: FaultyStand) -> None:
        draft = prepare(platform, "refused")
        stand.spoil_publish(answered(self.refusal, stored=False))

        with pytest.raises(RejectedError):
            platform.publish(draft)

    def test_a_refused_connection_is_unavailable(
        self, platform: Platform, connection: Connection
    ) -> None:
        draft = prepare(platform, "nobody listens")
        account = replace(connection.account, server=CLOSED)

        with pytest.raises(UnavailableError):
            self.connect(replace(connection, account=account)).publish(draft)

    def test_a_revoked_token_is_unauthorized(self, platform: Platform, stand: FaultyStand) -> None:
        draft = prepare(platform, "revoked")
        stand.spoil_all(answered(self.revoked, stored=False))

        with pytest.raises(UnauthorizedError):
            platform.publish(draft)

    def test_too_many_requests_tell_when_to_come_again(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "too many")
        stand.spoil_publish(answered(self.rate_limited(), stored=False))

        with pytest.raises(UnavailableError) as caught:
            platform.publish(draft)

        assert caught.value.retry_after is not None
        assert timedelta(0) < caught.value.retry_after <= HOUR

    @pytest.mark.parametrize("status", REFUSALS)
    def test_nothing_of_the_client_library_escapes_publish(
        self, platform: Platform, stand: FaultyStand, status: int
    ) -> None:
        for junk in JUNK:
            draft = prepare(platform, f"junk {junk!r}")
            stand.spoil_publish(answered(_json(status, junk), stored=False))

            with pytest.raises(PlatformError):
                platform.publish(draft)

    # -- reading

    @pytest.mark.parametrize("vain", VAIN, ids=lambda a: f"{a.status}-{a.body[:12]!r}")
    def test_a_vain_answer_is_never_taken_for_absence(
        self, platform: Platform, stand: FaultyStand, vain: Answer
    ) -> None:
        draft = prepare(platform, "read me")
        ref = platform.publish(draft)
        stand.spoil_all(answered(vain, stored=False))

        for read in (
            lambda: platform.find(draft),
            lambda: platform.exists(ref),
            lambda: platform.metrics([ref]),
            platform.profile,
            lambda: prepare(
                platform, Status("p", pictures=(picture_of(png(), "a"),)), pictures=_png
            ),
        ):
            with pytest.raises(PlatformError):
                read()

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
    def test_nothing_of_the_client_library_escapes_reading(
        self, platform: Platform, stand: FaultyStand, status: int
    ) -> None:
        draft = prepare(platform, "read me")
        ref = platform.publish(draft)

        for junk in JUNK:
            stand.heal()
            stand.spoil_all(answered(_json(status, junk), stored=False))
            for read in (
                lambda: platform.find(draft),
                lambda: platform.exists(ref),
                lambda: platform.metrics([ref]),
                lambda: platform.delete(ref),
                platform.profile,
            ):
                with pytest.raises(PlatformError):
                    read()

    def test_silence_while_reading_is_unavailable(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "read me")
        platform.publish(draft)
        stand.spoil_all(HANG_UP_BEFORE)

        with pytest.raises(UnavailableError):
            platform.find(draft)

    # -- secrets

    def test_no_error_tells_a_secret(
        self, platform: Platform, connection: Connection, stand: FaultyStand
    ) -> None:
        told: list[str] = []
        for fault in (
            HANG_UP_BEFORE,
            *(answered(_json(status), stored=False) for status in REFUSALS),
            answered(VAIN[0], stored=False),
        ):
            stand.heal()
            draft = prepare(platform, "a secret")
            stand.spoil_all(fault)
            with pytest.raises(PlatformError) as caught:
                platform.publish(draft)
            told += _chain(caught.value)

        assert [
            (name, text)
            for name, secret in connection.secrets.items()
            for text in told
            if secret in text
        ] == []


def _png(picture: Picture) -> bytes:
    return png()


def _chain(error: BaseException) -> list[str]:
    """Say all that an error and its causes say."""
    told = []
    link: BaseException | None = error
    while link is not None:
        told += [str(link), repr(link), *getattr(link, "__notes__", ())]
        link = link.__cause__ or link.__context__
    return told
