"""What people decide about replies and quotes, and about publishing a whole source."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.authority.store import AuthorityStore
from bot.canonical import sha256_hex
from bot.clock import Clock
from bot.content.model import Account, Source
from bot.delivery.model import Delivery, State
from bot.delivery.store import DeliveryStore
from bot.errors import BotError, DecisionError
from bot.platforms.base import DocumentVersion, KeepsDocuments, Platform, PublishedText
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import PostRef

#: By verb of the audit log: whether a platform can, and what it is called.
Verb = Literal["hide reply", "revoke quote"]
VERBS: tuple[Verb, ...] = ("hide reply", "revoke quote")
_WEB = ("https://", "at://")
#: Verb of the log.
PUBLISHED = "publish source"


def can(spec: PlatformSpec, verb: Verb) -> bool:
    """Return whether a platform lets an account do this."""
    return spec.hides_replies if verb == "hide reply" else spec.revokes_quotes


@dataclass(frozen=True, slots=True)
class Interactions:
    """Hides replies and revokes quotes, by decision and in the log.

    The log names a post, an account and a hash of the address: neither what others wrote nor who
    they are.
    """

    store: DeliveryStore
    clock: Clock
    platform: Callable[[str], Platform]

    def decide(self, row: Delivery, verb: Verb, address: str, *, by: str, why: str) -> None:
        """Do it on the network, and write down whether it was done; DecisionError if not."""
        address = address.strip().partition("?")[0].partition("#")[0].rstrip("/")
        if row.state is not State.SENT:
            raise DecisionError(f"{row.id[:8]} is {row.state}: only what is out is answered")
        if not address.startswith(_WEB):
            raise DecisionError("give the address of the page on which it stands")
        try:
            platform = self.platform(row.account)
        except KeyError as error:
            raise DecisionError(f"{row.account} is not in use any more") from error
        if not can(platform.spec, verb):
            text = f"{platform.spec.label} has no way to {verb.replace(' ', ' a ')}"
            raise DecisionError(f"{text}; report it there, or retract the post")
        try:
            if verb == "hide reply":
                platform.hide_reply(self._root(row).ref, address)
            else:
                platform.revoke_quote(row.ref, address)
        except BotError as error:
            self._write(row, verb, address, by, why, is_done=False)
            raise DecisionError(f"not done: {error}") from error
        self._write(row, verb, address, by, why, is_done=True)

    def _root(self, row: Delivery) -> Delivery:
        """Find the first status of the conversation that a delivery is in."""
        while row.parent_id and (parent := self.store.outbox.get(row.parent_id)):
            row = parent
        return row

    def _write(
        self, row: Delivery, verb: Verb, address: str, by: str, why: str, *, is_done: bool
    ) -> None:
        detail = {"post": row.post_id, "account": row.account, "done": is_done,
                  "address_sha256": sha256_hex(address)}  # fmt: skip
        self.store.audit.write(by, verb, row.id, why=why, detail=detail, now=self.clock.now())


def documents_of(store: AuthorityStore, account: str) -> dict[DocumentVersion, PostRef]:
    """Return what an account published, by its page and the SHA-256 of the text."""
    rows = store.audit.about(account, PUBLISHED)
    return {
        (row.detail["address"].partition("#")[0], row.detail["sha256"]): PostRef(
            row.detail["uri"], cid=row.detail["cid"]
        )
        for row in rows
    }


def publish_source(
    store: AuthorityStore, clock: Clock, account: Account, source: Source,
    platform: KeepsDocuments, *, by: str, why: str,
) -> PostRef:  # fmt: skip
    """Publish a source as it is now, beside other versions; DecisionError without address."""
    if not source.address:
        raise DecisionError(f"{source.id} has no `address:`, which readers would be sent to")
    document = PublishedText(
        source.title, source.attribution, source.signatories, source.address, source.text,
        source.date, source.sha256,
    )  # fmt: skip
    ref = platform.put_document(document)
    detail = {
        "source": source.id, "address": source.address, "sha256": source.sha256, "uri": ref.id,
        "cid": ref.cid,
    }  # fmt: skip
    store.audit.write(by, PUBLISHED, account.name, why=why, detail=detail, now=clock.now())
    return ref
