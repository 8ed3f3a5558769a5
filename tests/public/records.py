"""Records for tests: of a campaign all of whose posts are out, and of a bot that sent some."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.canonical import sha256_hex
from bot.content.model import Campaign, Mode
from bot.public.record import PublicRecord, PublicSource, PublishedStatus, squeezed
from bot.rendering.rendered import render_campaign
from tests.fakes.campaign_tree import NOW, CampaignTree, spec


@cache
def shipped() -> Campaign:
    """Read the campaign of this project."""
    with TemporaryDirectory() as folder:
        return CampaignTree(Path(folder), shipped=True).campaign()


@cache
def published() -> PublicRecord:
    """Return the record of the shipped campaign with every post that is ready out once."""
    campaign = shipped()
    whole = render_campaign(campaign, specs=spec(), limits={})
    statuses = [
        PublishedStatus(
            text.post.id, f"{text.post.id}-{text.account.name}", part, text.account.platform,
            f"https://{text.account.platform}.example/@us/{text.post.id}-{part}", NOW, "published",
            status, sha256_hex(squeezed(status.text)),
        )
        for text in whole.going_out
        for part, status in enumerate(text.statuses)
    ]  # fmt: skip
    sources = [
        PublicSource(
            each.id, each.title, each.attribution, each.date, each.lang, each.address, each.sha256,
            each.text, each.never_spans, each.signatories,
        )
        for each in campaign.sources.values()
    ]  # fmt: skip
    return PublicRecord("test", Mode.LIVE, "UTC", NOW, tuple(sources), tuple(statuses))


def with_state(record: PublicRecord, post: str, state: str) -> PublicRecord:
    """Return the record with the statuses of one post in another state."""
    changed = (
        replace(each, state=state) if each.post == post else each for each in record.statuses
    )
    return replace(record, statuses=tuple(changed))


class SigningKey:
    """A machine's key; a call returns the public key and the signature."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def __call__(self, text: str) -> tuple[str, str]:
        return self.public, self._key.sign(text.encode()).hex()

    @property
    def public(self) -> str:
        return self._key.public_key().public_bytes_raw().hex()
