"""Sends longer messages, with a file, to the addresses that alerts go to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import apprise

from bot.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """Something to read, and the same with charts as a file."""

    title: str
    text: str
    #: Name of the attached file.
    name: str
    html: str


#: Sends a letter; True where every address took it.
Post = Callable[[Letter], bool]


def post_office(addresses: tuple[str, ...]) -> Post:
    """Make what sends letters to apprise addresses (email, Matrix, Slack, …).

    An address whose service takes no files gets the text alone.
    """
    channel = apprise.Apprise()
    for address in addresses:
        channel.add(address)

    def post(letter: Letter) -> bool:
        if not addresses:
            log.info("digest not sent: no address is set", title=letter.title)
            return False
        with TemporaryDirectory() as folder:
            file = Path(folder) / letter.name
            file.write_text(letter.html, encoding="utf-8")
            return bool(
                channel.notify(
                    title=letter.title, body=letter.text, body_format=apprise.NotifyFormat.TEXT,
                    attach=str(file),
                )
            )  # fmt: skip

    return post
