"""The promises that every platform keeps; subclass once per platform.

`PlatformContract` is what holds while all is well; `tests.contract.network` adds what must hold
when the network, or the server, does not do its part. A subclass supplies a stand, a connection
and ``connect``, and says in a few class attributes how its platform differs.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

import pytest

from bot.app.doctor import probe
from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.errors import OverBudgetError, RejectedError, UnconfirmedError
from bot.platforms.base import Connection, PictureReader, Platform
from bot.platforms.spec import Charge
from bot.platforms.status import Draft, Picture, PostRef, ReplyTo, Status, draft_from_json


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


class EmptyMeter(CountingMeter):
    """A meter that covers nothing."""

    def reserve(self, charge: Charge) -> int:
        raise OverBudgetError("any", f"nothing left for {charge.action}")


def changed_account(connection: Connection, **changes: Any) -> Account:
    """Return the account of a connection with other values."""
    assert isinstance(connection.account, Account)
    return replace(connection.account, **changes)


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
    #: What a probe sees that the platform, or its stand-in, does not do.
    cannot: ClassVar[frozenset[str]] = frozenset()
    #: The platform tells numbers at all.
    tells_metrics: ClassVar[bool] = True
    #: What the account carries is read for nothing.
    shows_timeline: ClassVar[bool] = True

    @staticmethod
    def connect(connection: Connection, /) -> Platform:
        raise NotImplementedError("bot.platforms.<name>.connect")

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
        text = "long " * (platform.spec.limits.max_length // 4)

        with pytest.raises(RejectedError):
            platform.publish(prepare(platform, text))

        assert stand.live() == []

    def test_a_call_that_is_charged_and_not_covered_is_not_made(
        self, platform: Platform, connection: Connection, stand: Stand
    ) -> None:
        draft = prepare(platform, "dear")
        broke = self.connect(replace(connection, meter=EmptyMeter()))
        is_charged = bool(platform.spec.prices)

        with pytest.raises(OverBudgetError) if is_charged else nullcontext():
            broke.publish(draft)

        broke.close()
        assert (stand.live() == []) is is_charged

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
        warning = "forced sterilisation" if platform.spec.folds_warning else None

        platform.publish(prepare(platform, Status("text", warning=warning, sensitive=True)))

        assert [seen.warning for seen in stand.live()] == [warning]

    def test_what_was_taken_as_it_was_sent_differs_in_nothing(self, platform: Platform) -> None:
        body = png(90)
        root = platform.publish(prepare(platform, "“a & b” <c> https://example.org/a?b=1&c=2."))
        status = Status(
            "Two\nlines (https://example.org/)",
            lang="ug",
            warning="forced sterilisation" if platform.spec.folds_warning else None,
            sensitive=True,
            pictures=(picture_of(body, "a square"),),
        )
        draft = prepare(platform, status, reply_to=ReplyTo(root, root), pictures=lambda _: body)

        ref = platform.publish(draft)
        found = platform.find(draft)

        assert found is not None
        assert [root.differs, ref.differs, found.differs] == [{}, {}, {}]

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

    def test_a_page_s_address_leads_to_the_id_that_the_platform_uses(
        self, platform: Platform
    ) -> None:
        ref = platform.publish(prepare(platform, "at an address"))

        located = platform.locate(ref.url)

        assert located is not None
        assert (located.id, located.cid) == (ref.id, ref.cid)
        assert platform.locate(f"{ref.url[:-3]}234") is None

    def test_a_probe_tells_what_the_server_can_do_and_leaves_nothing(
        self, platform: Platform, stand: Stand
    ) -> None:
        now = datetime.now(UTC).replace(microsecond=0)

        trials = {trial.ability: trial for trial in probe(platform, now)}

        assert stand.live() == []
        unable = {name for name, trial in trials.items() if not trial.is_able}
        assert unable <= self.cannot, [trials[name].told for name in unable]
        assert all(isinstance(words, str) for words in platform.abilities().values())

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

    def test_what_the_account_carries_is_read_where_that_is_free(self, platform: Platform) -> None:
        ref = platform.publish(prepare(platform, "carried"))

        assert (ref.id in {each.id for each in platform.recent()}) is self.shows_timeline

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

    def test_a_length_that_the_schedule_knows_better_wins(self, connection: Connection) -> None:
        account = changed_account(connection, max_length=200)
        platform = self.connect(replace(connection, account=account))

        assert platform.limits().max_length == 200
        platform.close()


def publish_or_find(platform: Platform, draft: Draft) -> PostRef | None:
    """Publish again; where the platform will not tell, read back."""
    try:
        return platform.publish(draft)
    except UnconfirmedError:
        return platform.find(draft)
