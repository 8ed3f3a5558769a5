"""Publishers that are wrong in the two ways that post twice: the harness must catch both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.delivery.decide import Outcome, Policy, put_off
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery
from bot.delivery.publisher import Publisher
from bot.errors import PlatformError
from bot.platforms.base import Platform
from bot.platforms.status import Draft


@dataclass(frozen=True, slots=True)
class IntentAfterSend(Publisher):
    """Calls first, and writes down what it was about to do when the answer is there."""

    def _send(self, claim: Delivery) -> Outcome:
        platform = self.platform(claim.account)
        draft = claim.draft or self._prepare(claim, platform, self.releaser.before(claim) or ())
        ref = platform.publish(draft)
        self.store.outbox.begin(claim, draft, now=self.clock.now())
        return Outcome(Event.ACCEPT, ref=ref)


@dataclass(frozen=True, slots=True)
class RetryOnTimeout(Publisher):
    """Takes every failed call for one that did nothing, and tries again."""

    def _call(self, row: Delivery, policy: Policy, platform: Platform, draft: Draft) -> Outcome:
        try:
            return Outcome(Event.ACCEPT, ref=platform.publish(draft))
        except PlatformError as error:
            return put_off(row, self.clock.now(), str(error), retry_after=timedelta(0))


def remade(kind: type[Publisher], publisher: Publisher) -> Publisher:
    """Make the same publisher of another kind."""
    return kind(*(getattr(publisher, name) for name in Publisher.__slots__))
