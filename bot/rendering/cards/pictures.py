"""Pictures as they will be uploaded: files judged and cleaned, quote cards drawn, each once.

Files are from outside: they are decoded in `bot.rendering.cards.picture_decoder` only, a process
with hard limits, one for each picture.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.canonical import sha256_hex
from bot.content.model import MediaFile
from bot.errors import PictureError
from bot.platforms.spec import Limits
from bot.platforms.status import Picture
from bot.rendering.layout import passage
from bot.rendering.versions import Version

#: Bytes of a file as an editor gives it; larger ones are refused unread.
MAX_FILE_BYTES = 30_000_000
#: What one decoder may take: beside the bot (115 MB) it must fit in a container of 512 MB.
MEMORY_BYTES = 288_000_000
#: The slowest honest picture takes about a tenth of it.
CPU_SECONDS = 20
_WALL_SECONDS = 120
#: Answers that are kept, so that a picture of many posts and accounts is decoded once.
_KEPT_BYTES = 32_000_000
_DECODER = Path(__file__).with_name("picture_decoder.py")

_answers: dict[str, tuple[dict[str, Any], bytes]] = {}
#: One decoder at a time: two would not fit.
_lock = threading.Lock()


def inspect(data: bytes) -> tuple[str, int, int]:
    """Return a picture's type, width and height as a person sees it; proved by decoding it.

    Raises:
        PictureError: with a sentence that says what is wrong and what to do.
    """
    return _decoded(data, {})[0]


def clean(data: bytes, limits: Limits) -> tuple[bytes, Picture]:
    """Re-encode a picture for one account, upright; the same input gives the same bytes.

    Nothing but the visible picture survives: no EXIF, GPS, XMP, colour profile or comment. Files
    that are too large lose quality first and size after that.

    Raises:
        PictureError: as `inspect`, or the picture cannot be made to fit.
    """
    mimes, max_pixels = sorted(limits.picture_mimes), limits.max_pixels
    wanted = {"max_bytes": limits.max_picture_bytes, "mimes": mimes, "max_pixels": max_pixels}
    (mime, width, height), cleaned = _decoded(data, wanted)
    return cleaned, Picture(sha256_hex(cleaned), mime, "", width, height, len(cleaned))


def _decoded(data: bytes, wanted: dict[str, Any]) -> tuple[tuple[str, int, int], bytes]:
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(
            f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are taken: save it smaller"
        )
    request = json.dumps({**wanted, "memory_bytes": MEMORY_BYTES, "cpu_seconds": CPU_SECONDS})
    key = sha256_hex(data) + request
    with _lock:
        answer, cleaned = _answers.get(key) or _run(data, request)
        _answers[key] = answer, cleaned
        while sum(len(kept) + len(key) for key, (_, kept) in _answers.items()) > _KEPT_BYTES:
            del _answers[next(iter(_answers))]
    if "refused" in answer:
        raise PictureError(answer["refused"])
    mime, width, height = answer["seen"]
    return (mime, width, height), cleaned


def _run(data: bytes, request: str) -> tuple[dict[str, Any], bytes]:
    """Ask the decoder; without the environment, which holds the tokens."""
    command = [sys.executable, "-I", "-B", str(_DECODER), request]
    try:
        ran = subprocess.run(  # noqa: S603 - our own file, by its path
            command, input=data, capture_output=True, env={}, timeout=_WALL_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as e:
        raise PictureError(
            f"the picture cannot be read in {CPU_SECONDS} s and {MEMORY_BYTES // 1_000_000} MB;"
            " save it smaller, or choose another"
        ) from e
    head, _, cleaned = ran.stdout.partition(b"\n")
    return json.loads(head), cleaned


@dataclass(frozen=True, slots=True)
class PreparedPictures:
    """Makes the pictures of one campaign ready, and keeps their bytes."""

    #: Returns a picture file's bytes as they stand in ``posts/media``.
    read: Callable[[MediaFile], bytes]
    #: Bytes of what was made ready, by hash.
    contents: dict[str, bytes] = field(default_factory=dict)
    _fitted: dict[tuple[MediaFile, Limits], Picture] = field(default_factory=dict)
    _cards: dict[str, Picture] = field(default_factory=dict)

    def fitted(self, file: MediaFile, limits: Limits) -> Picture:
        """Return a picture as it will be uploaded where these limits hold.

        Raises:
            PictureError: it cannot be made to fit.
        """
        if (file, limits) not in self._fitted:
            data, picture = clean(self.read(file), limits)
            self.contents[picture.sha256] = data
            self._fitted[file, limits] = replace(picture, alt=file.alt)
        return self._fitted[file, limits]

    def card(self, version: Version) -> Picture:
        """Return a post's quote card, with the whole quotation as its alternative text.

        Raises:
            PictureError: the post quotes nothing, or the quotation is too long for a card.
        """
        from bot.rendering.cards import card as cards  # Pillow, 0.05 s

        name, quote, source = version.post.id, version.quote, version.source
        if name in self._cards:
            return self._cards[name]
        if quote is None or source is None:
            raise PictureError(f"{name}: a card needs a quotation")
        shown = passage(quote, source)
        data = cards.draw(
            cards.CardText(shown.marked, source.attribution, source.title, source.lang)
        )
        alt, sha256 = cards.card_alt(shown.marked, source.attribution), sha256_hex(data)
        self.contents[sha256] = data
        self._cards[name] = Picture(sha256, "image/png", alt, *cards.CARD_SIZE, len(data))
        return self._cards[name]
