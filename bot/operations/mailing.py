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
class Message:
    """Something to read, and the same with charts as a file."""

    title: str
    text: str
    #: Name of the attached file.
    name: str
    html: str


#: Sends a message; True where every address took it.
Send = Callable[[Message], bool]


def make_sender(addresses: tuple[str, ...]) -> Send:
    """Return what sends messages to apprise addresses (email, Matrix, Slack, …).

    An address whose service takes no files gets the text alone.
    """
    channel = apprise.Apprise()
    for address in addresses:
        channel.add(address)

    def send(message: Message) -> bool:
        if not addresses:
            log.info("digest not sent: no address is set", title=message.title)
            return False
        with TemporaryDirectory() as folder:
            file = Path(folder) / message.name
            file.write_text(message.html, encoding="utf-8")
            return bool(
                channel.notify(
                    title=message.title, body=message.text,
                    body_format=apprise.NotifyFormat.TEXT, attach=str(file),
                )
            )  # fmt: skip

    return send
