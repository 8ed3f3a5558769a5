"""What every repository of the outbox is made with: the sent log beside the database too."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, update

from bot.db.database import Repository, StoreContext
from bot.delivery.model import Delivery
from bot.delivery.sent_log import SentLog
from bot.delivery.tables import sent_log
from bot.errors import StoreError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxContext(StoreContext):
    """A database with the sent log that is written before and after each call."""

    log: SentLog


class OutboxRepository(Repository):
    """The SQL of one concern of sending, and its lines in the sent log."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self._context = context
        self._log = context.log

    def _next_seq(self, connection: Connection) -> int:
        """Return the number of the line that the log is about to get."""
        statement = update(sent_log).where(sent_log.c.log_id == self._log.log_id)
        counted = statement.values(seq=sent_log.c.seq + 1).returning(sent_log.c.seq)
        return int(connection.execute(counted).scalar_one())

    def _note_sent(self, row: Delivery, seq: int, now: datetime) -> None:
        """Write into the sent log where a status is that the database knows already."""
        try:
            self._log.confirm(row.id, row.ref, seq, now=now)
        except StoreError as error:
            # The database has it, and the log has the attempt: a restore would read back.
            _LOG.warning("sent log not written for %s: %s", row.id, error)
