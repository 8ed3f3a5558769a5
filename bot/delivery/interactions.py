"""What a person decides about replies to a post that is out, and quotes of it; none is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.canonical import sha256_hex
from bot.clock import Clock
from bot.delivery.model import Delivery, State
from bot.delivery.store import DeliveryStore
from bot.errors import BotError, DecisionError
from bot.platforms.base import Platform
from bot.platforms.spec import PlatformSpec

#: By verb of the audit log: whether a platform can, and what it is called.
Verb = Literal["hide reply", "revoke quote"]
VERBS: tuple[Verb, ...] = ("hide reply", "revoke quote")
_WEB = ("https://", "at://")


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
        """Do it on the network, and write down that it was tried, and whether it was done.

        Args:
            row: What is replied to or quoted.
            verb: What is to be done.
            address: Of the reply's, or the quote's, own page.
            by: Who decides.
            why: Kept in the log.

        Raises:
            DecisionError: the delivery is not out, its platform cannot, or it did not work.
        """
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
