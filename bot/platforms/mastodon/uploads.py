"""Pictures on their way: uploaded, described, and waited for until they can be attached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from bot.errors import PlatformError, UnavailableError
from bot.platforms.base import PictureReader
from bot.platforms.http.exchange import object_in
from bot.platforms.mastodon import NAME
from bot.platforms.mastodon.api import Api
from bot.platforms.status import Picture

#: Answers that say that a picture will never do.
_UNFIT = frozenset({400, 413, 415, 422})
#: Seconds between looks at an upload that is being processed.
_WAITS = (0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class Uploads:
    """One account's pictures."""

    api: Api
    wait: Callable[[float], object] = field(default_factory=lambda: Event().wait)
    #: Uploads that were not ready in time, so that the next try waits on instead of uploading anew.
    _unfinished: dict[tuple[str, str], str] = field(default_factory=dict)

    def upload(self, picture: Picture, read: PictureReader) -> str:
        """Upload a picture with its description; return its id; RejectedError if unfit."""
        known = self._unfinished.get((picture.sha256, picture.alt))
        if known is not None:
            return known
        body = read(picture)
        with self.api.calls(refusals=_UNFIT):
            # Bytes and a name of ours: a path would be left open, and be guessed from.
            made = object_in(
                self.api.client.media_post(
                    body,
                    mime_type=picture.mime,
                    description=picture.alt,
                    file_name=f"{picture.sha256[:16]}.{picture.mime.rpartition('/')[2]}",
                )
            )
            id_ = str(made.get("id") or "")
            if not id_:
                raise TypeError("no upload")
        if not made.get("url"):
            self._unfinished[picture.sha256, picture.alt] = id_
        return id_

    def wait_for(self, ids: Sequence[str]) -> None:
        """Wait until all can be attached; UnavailableError while not, RejectedError if never."""
        for seconds in _WAITS:
            unfinished = [id_ for id_ in self._unfinished.values() if id_ in ids]
            if not any(self._is_processing(id_) for id_ in unfinished):
                return
            self.wait(seconds)
        raise UnavailableError(NAME, "pictures are still being processed")

    def are_processing(self, ids: Sequence[str]) -> bool:
        """Ask whether any is not ready; False where that cannot be told."""
        try:
            return any(self._is_processing(id_) for id_ in ids)
        except PlatformError:
            return False

    def _is_processing(self, id_: str) -> bool:
        try:
            with self.api.calls(refusals=_UNFIT):
                # 206 with no url while it is worked on, 422 where that failed.
                upload = object_in(self.api.client.media(id_))
                if str(upload.get("id")) != id_:
                    raise TypeError("no upload")
        except PlatformError:
            if self.api.exchange.status in {404, *_UNFIT}:
                self._forget(id_)
            raise
        if self.api.exchange.status == 206 or not upload.get("url"):
            return True
        self._forget(id_)
        return False

    def _forget(self, id_: str) -> None:
        for picture in [picture for picture, known in self._unfinished.items() if known == id_]:
            del self._unfinished[picture]
