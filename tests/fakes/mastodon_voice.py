"""One account of a quirky Mastodon, with the adapter that speaks for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.mastodon import connect
from bot.platforms.mastodon.adapter import MastodonPlatform
from bot.platforms.status import Draft, Picture, PostRef, ReplyTo, Status
from tests.contract.contract import CountingMeter
from tests.fakes.mastodon_quirks import QuirkyMastodon
from tests.waiting import CONNECT, READ

NOW = datetime.now(UTC)
TOKEN = "canary-7f3b"
PICTURE = Picture(sha256_hex(b"x"), "image/png", "a square", 8, 8, 1)


def adapter(
    origin: str,
    token: str = TOKEN,
    *,
    visibility: str = "public",
    abilities: Mapping[str, bool] = MappingProxyType({}),
) -> MastodonPlatform:
    """Connect as that account."""
    account = Account("voice", "mastodon", server=origin, own={"visibility": visibility})
    secrets = {"ACCESS_TOKEN": token}
    connection = Connection(account, secrets, CountingMeter(), CONNECT, READ)
    made = connect(replace(connection, abilities=abilities))
    assert isinstance(made, MastodonPlatform)
    return made


class VoiceServer(QuirkyMastodon):
    """The account's server; ``platform`` speaks to it and waits for no upload."""

    def __init__(
        self,
        *,
        visibility: str = "public",
        abilities: Mapping[str, bool] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        # By which the server shows that it lists what it takes.
        self.post("An older status.", id="1", created_at="2026-01-01T00:00:00Z")
        self._last = 100
        self.platform = adapter(self.origin, visibility=visibility, abilities=abilities)
        self.platform._uploads.wait = lambda _seconds: None

    def draft(
        self,
        text: str = "words",
        *,
        at: datetime = NOW,
        pictures: tuple[Picture, ...] = (),
        warning: str | None = None,
        parent: str | PostRef = "",
    ) -> Draft:
        """Prepare a status under a key of its own."""
        above = PostRef(parent) if isinstance(parent, str) else parent
        return self.platform.prepare(
            Status(text, lang="ug", pictures=pictures, warning=warning),
            key=uuid.uuid4().hex,
            at=at,
            reply_to=ReplyTo(above, above) if parent else None,
            pictures=lambda _picture: b"x",
        )

    def found(self, draft: Draft) -> str:
        """Return the id of what is taken for a draft; empty where nothing is."""
        ref = self.platform.find(draft)
        return ref.id if ref else ""

    def close(self) -> None:
        self.platform.close()
        super().close()
