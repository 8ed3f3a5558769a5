"""Sends a test on one account, reads it back in every way that the bot needs, and deletes it."""

import io
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from PIL import Image

from bot.canonical import sha256_hex
from bot.errors import PlatformError, UnavailableError, UnconfirmedError
from bot.platforms.base import Platform
from bot.platforms.status import Draft, Picture, PostRef, ReplyTo, Status

_T = TypeVar("_T")
_TEXT = "This is a test by the program that posts here. It is deleted at once."
_ALT = "A grey square <test>\nand a second line"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that a server was seen to do, or not to do."""

    #: A short name that is kept, such as ``keys`` or ``lists unlisted``.
    ability: str
    is_able: bool
    told: str


def probe(platform: Platform, at: datetime) -> Iterator[Trial]:
    """Yield what the server does with a test; all of it is deleted, whatever happens.

    Raises:
        PlatformError: it could not be sent, or not be deleted; the latter names what is left.
    """
    body = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(body, "PNG")
    picture = Picture(sha256_hex(body.getvalue()), "image/png", _ALT, 64, 64, body.tell())

    def prepare(status: Status, reply_to: ReplyTo | None = None) -> Draft:
        draft = platform.prepare(
            status, key=uuid.uuid4().hex, at=at, reply_to=reply_to,
            pictures=lambda _picture: body.getvalue(),
        )  # fmt: skip
        quiet = {
            name: few
            for name, (everybody, few) in platform.spec.quiet.items()
            if draft.body.get(name) == everybody
        }
        return replace(draft, body={**draft.body, **quiet})

    first = prepare(Status(_TEXT, warning="Test", sensitive=True, pictures=(picture,)))
    made = [_publish(platform, first)]
    try:
        yield from _read_back(platform, first, made[0])
        second = prepare(Status("Test, part 2."), ReplyTo(made[0], made[0]))
        made.append(_publish(platform, second))
        yield _kept("replies", made[1], "parent")
        again = _tried(lambda: platform.publish(first))
        if isinstance(again, PostRef) and again.id != made[0].id:
            made.append(again)
        told = again if isinstance(again, str) else f"{len({ref.id for ref in made}) - 1} of 1"
        yield Trial("keys", len(made) == 2, f"statuses of one key: {told}")
    finally:
        _delete(platform, reversed(made))
    left = [ref.url for ref in made if _tried(partial(platform.exists, ref)) is not False]
    yield Trial("deletes", not left, f"left: {', '.join(left) or 'nothing'}")


def _publish(platform: Platform, draft: Draft) -> PostRef:
    """Publish a draft; where the answer was lost, look for it, so that it can be deleted."""
    try:
        return platform.publish(draft)
    except UnconfirmedError as error:
        found = _tried(lambda: platform.find(draft))
        if not isinstance(found, PostRef):
            told = f"{error}; look on the account, and delete by hand what is there"
            raise UnconfirmedError(platform.spec.name, told) from error
        return found


def _delete(platform: Platform, refs: Iterable[PostRef]) -> None:
    """Delete each, whatever comes of the others.

    Raises:
        PlatformError: with the addresses of all that could not be deleted.
    """
    failed = {
        ref.url: told
        for ref in refs
        if isinstance(told := _tried(partial(platform.delete, ref)), str)
    }
    if failed:
        why = "; ".join(f"{url}: {told}" for url, told in failed.items())
        raise UnavailableError(platform.spec.name, f"not deleted, so delete it by hand: {why}")


def _read_back(platform: Platform, draft: Draft, ref: PostRef) -> Iterator[Trial]:
    yield from (_kept(each, ref, each) for each in ("text", "warning", "pictures", "language"))
    found = _tried(lambda: platform.find(draft))
    is_found = isinstance(found, PostRef) and found.id == ref.id
    told = found if isinstance(found, str) else "yes" if is_found else "it is not listed"
    yield Trial("finds", is_found, f"a lost answer is found again: {told}")
    if visibility := draft.body.get("visibility"):
        # Who lists those that few are to see lists those for everybody.
        for each in {str(visibility), "public"} if visibility == "unlisted" else {str(visibility)}:
            yield Trial(f"lists {each}", is_found, f"{each} statuses are listed: {told}")
    shown = _tried(lambda: platform.exists(ref))
    yield Trial("shows", shown is True, f"it is read by its id: {shown}")
    numbers = _tried(lambda: platform.metrics([ref]))
    is_counted = not isinstance(numbers, str) and numbers is not None
    yield Trial("counts", is_counted, "numbers are told" if is_counted else str(numbers))


def _kept(ability: str, ref: PostRef, subject: str) -> Trial:
    differs = ref.differs.get(subject, "")
    return Trial(ability, not differs, differs or f"{subject} is as it was sent")


def _tried(call: Callable[[], _T]) -> _T | str:
    try:
        return call()
    except PlatformError as error:
        return str(error)
