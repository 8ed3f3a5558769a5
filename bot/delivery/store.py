"""What is stored of sending, as the services of `delivery` and all above see it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from bot.authority.store import AuthorityStore
from bot.db.lock import AccountLocks
from bot.delivery.ledger import Ledger
from bot.delivery.media import Media
from bot.delivery.outbox import Outbox
from bot.delivery.repository import OutboxContext
from bot.delivery.restore_guard import RestoreGuard


class DeliveryStore(AuthorityStore):
    """The outbox, what sending costs, and what a restore must read back first."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.outbox = Outbox(context)
        self.ledger = Ledger(context)
        self.media = Media(context)
        self.restore_guard = RestoreGuard(context)
        self._locks = AccountLocks(context.db)

    def sending(self, account: str) -> AbstractContextManager[bool]:
        """Hold an account while sending to it; yields False where another sender has it."""
        return self._locks.sending(account)
