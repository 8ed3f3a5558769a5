"""A rehearsal refuses, counts and pays as the platform it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.content.model import Account
from bot.errors import RejectedError, UnavailableError, UnconfirmedError
from bot.platforms.base import Connection, Platform
from bot.platforms.mastodon import SPEC as MASTODON
from bot.platforms.rehearsal import Rehearsal
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import PostRef, ReplyTo, Status
from bot.platforms.x import SPEC as X
from tests.contract.contract import CountingMeter, picture_of, png, prepare
from tests.fakes.rehearsed import rehearsed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "rehearsal.db"


_connected: list[Platform] = []


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    """Close what a test connected: from Python 3.13 on, a file left open is told of."""
    yield
    while _connected:
        _connected.pop().close()


def rehearsal(
    path: Path, spec: PlatformSpec = X, meter: CountingMeter | None = None, name: str = "coalition"
) -> Platform:
    connection = Connection(Account(name, spec.name), {}, meter or CountingMeter())
    _connected.append(Rehearsal(spec, path, connection))
    return _connected[-1]


def test_it_counts_as_the_platform_it_stands_for(path: Path) -> None:
    link = "https://example.org/" + "a" * 300

    rehearsal(path).publish(prepare(rehearsal(path), link))

    assert [one.status.text for one in rehearsed(path)] == [link]


def test_a_folded_warning_counts_too(path: Path) -> None:
    status = Status("a" * 400, warning="b" * 101)
    platform = rehearsal(path, MASTODON)

    with pytest.raises(RejectedError, match="501 of 500"):
        platform.publish(prepare(platform, status))


def test_a_platform_that_forbids_repetition_refuses_it(path: Path) -> None:
    platform = rehearsal(path)
    platform.delete(platform.publish(prepare(platform, "again")))

    with pytest.raises(RejectedError, match="before"):
        platform.publish(prepare(platform, "again"))


def test_a_platform_that_allows_repetition_takes_it(path: Path) -> None:
    platform = rehearsal(path, MASTODON)

    refs = [platform.publish(prepare(platform, "again")) for _ in range(2)]

    assert len(set(refs)) == 2


@pytest.mark.parametrize(
    "status",
    [
        Status("five", pictures=(picture_of(png(), "a"),) * 5),
        Status("video", pictures=(replace(picture_of(png(), "a"), mime="video/mp4"),)),
        Status("heavy", pictures=(replace(picture_of(png(), "a"), size=5_000_001),)),
        Status("long alt", pictures=(picture_of(png(), "a" * 1001),)),
    ],
    ids=lambda status: status.text,
)
def test_pictures_that_do_not_fit_are_rejected(path: Path, status: Status) -> None:
    platform = rehearsal(path)
    draft = prepare(platform, status, pictures=lambda picture: png())  # noqa: ARG005 - any will do

    with pytest.raises(RejectedError):
        platform.publish(draft)


def test_a_picture_with_other_bytes_is_rejected(path: Path) -> None:
    status = Status("p", pictures=(picture_of(png(1), "a"),))

    with pytest.raises(RejectedError, match="other bytes"):
        prepare(rehearsal(path), status, pictures=lambda picture: png(2))  # noqa: ARG005 - see name


def test_a_reply_needs_its_parent(path: Path) -> None:
    platform = rehearsal(path)
    gone = PostRef("gone")

    with pytest.raises(RejectedError, match="not there"):
        platform.publish(prepare(platform, "reply", reply_to=ReplyTo(gone, gone)))


def test_it_pays_once_what_the_platform_would_charge(path: Path) -> None:
    meter = CountingMeter()
    platform = rehearsal(path, meter=meter)
    draft = prepare(platform, "see https://example.org")

    platform.publish(draft)
    platform.publish(draft)

    assert meter.reserved == [("post_with_url", 1)]
    assert meter.settled == {0: 1}


def test_two_accounts_share_a_file_and_nothing_else(path: Path) -> None:
    ours = rehearsal(path)
    theirs = rehearsal(path, name="other")

    ref = ours.publish(prepare(ours, "hello"))

    assert not theirs.exists(ref)
    assert not theirs.delete(ref)
    assert [one.account for one in rehearsed(path)] == ["coalition"]


def test_a_file_that_cannot_be_used_is_no_proof(path: Path) -> None:
    platform = rehearsal(path)
    draft = prepare(platform, "hello")
    platform.close()

    with pytest.raises(UnconfirmedError):
        platform.publish(draft)
    with pytest.raises(UnavailableError):
        platform.find(draft)
