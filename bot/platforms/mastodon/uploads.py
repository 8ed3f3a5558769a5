"""Pictures on their way: uploaded, described, and waited for until they can be attached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

import mastodon

from bot.errors import PlatformError, UnavailableError
from bot.platforms.base import PictureReader
from bot.platforms.http.exchange import Exchange
from bot.platforms.mastodon.spec import NAME
from bot.platforms.status import Picture

#: Answers that say that a picture will never do.
_UNFIT = frozenset({400, 413, 415, 422})
#: Seconds between looks at an upload that is being processed.
_WAITS = (0.5, 1.0, 2.0, 4.0)


class Calls(Protocol):
    """Opens the context in which the library is called."""

    def __call__(self, *, refusals: frozenset[int] = ...) -> AbstractContextManager[None]: ...


def _wait(seconds: float) -> None:
    Event().wait(seconds)


@dataclass(slots=True)
class Uploads:
    """One account's pictures."""

    client: mastodon.Mastodon
    calls: Calls
    exchange: Exchange
    wait: Callable[[float], None] = _wait
    #: Uploads that were not ready in time, so that the next try waits on instead of uploading anew.
    _unfinished: dict[tuple[str, str], str] = field(default_factory=dict)

    def upload(self, picture: Picture, read: PictureReader) -> str:
        """Upload one picture with its alternative text; its id.

        Raises:
            RejectedError: the server will never take it.
            UnavailableError, UnauthorizedError: it did not happen.
        """
        known = self._unfinished.get((picture.sha256, picture.alt))
        if known is not None:
            return known
        body = read(picture)
        with self.calls(refusals=_UNFIT):
            # Bytes and a name of ours: a path would be left open, and be guessed from.
            made: Any = self.client.media_post(
                body,
                mime_type=picture.mime,
                description=picture.alt,
                file_name=f"{picture.sha256[:16]}.{picture.mime.rpartition('/')[2]}",
            )
            found = str(_member(made, "id") or "")
            if not found:
                raise TypeError("no upload")
        if not _member(made, "url"):
            self._unfinished[picture.sha256, picture.alt] = found
        return found

    def wait_for(self, ids: Sequence[str]) -> None:
        """Wait until all can be attached.

        Raises:
            UnavailableError: they are not ready; preparing again waits on.
            RejectedError: the server could not process one.
        """
        for wait in _WAITS:
            if not any(self._is_processing(one) for one in self._waiting(ids)):
                return
            self.wait(wait)
        raise UnavailableError(NAME, "pictures are still being processed")

    def are_processing(self, ids: Sequence[str]) -> bool:
        """Ask whether any is not ready; False where that cannot be told."""
        try:
            return any(self._is_processing(one) for one in ids)
        except PlatformError:
            return False

    def _waiting(self, ids: Sequence[str]) -> list[str]:
        return [one for one in self._unfinished.values() if one in ids]

    def _is_processing(self, one: str) -> bool:
        try:
            with self.calls(refusals=_UNFIT):
                # 206 with no url while it is worked on, 422 where that failed.
                seen: Any = self.client.media(one)
                if str(_member(seen, "id")) != one:
                    raise TypeError("no upload")
        except PlatformError:
            if self.exchange.status in {404, *_UNFIT}:
                self._forget(one)
            raise
        if self.exchange.status == 206 or not _member(seen, "url"):
            return True
        self._forget(one)
        return False

    def _forget(self, one: str) -> None:
        for picture in [picture for picture, known in self._unfinished.items() if known == one]:
            del self._unfinished[picture]


def _member(told: object, name: str) -> object:
    return told.get(name) if isinstance(told, dict) else None
