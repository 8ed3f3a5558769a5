"""Publishers that are wrong in the two ways that post twice: the harness must catch both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.core.model import Draft
from bot.errors import PlatformError
from bot.platforms.base import Platform
from bot.services.publisher import Publisher
from bot.store import Claim


@dataclass(frozen=True, slots=True)
class IntentAfterSend(Publisher):
    """Calls first, and writes down what it was about to do when the answer is there."""

    def _send(self, claim: Claim) -> None:
        platform = self.platform(claim.delivery.account)
        draft = claim.delivery.draft or self._prepare(claim.delivery, platform)
        ref = platform.publish(draft)
        self.store.outbox.begin(claim, draft, now=self.clock.now())
        self.store.outbox.accept(claim, ref, now=self.clock.now())


@dataclass(frozen=True, slots=True)
class RetryOnTimeout(Publisher):
    """Takes every failed call for one that did nothing, and tries again."""

    def _call(self, claim: Claim, platform: Platform, draft: Draft) -> None:
        try:
            ref = platform.publish(draft)
        except PlatformError as error:
            self._defer(claim, str(error), told=timedelta(0))
        else:
            self.store.outbox.accept(claim, ref, now=self.clock.now())


def remade(kind: type[Publisher], publisher: Publisher) -> Publisher:
    """Make the same publisher of another kind."""
    return kind(*(getattr(publisher, name) for name in Publisher.__slots__))
