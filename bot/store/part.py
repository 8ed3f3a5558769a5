"""What every part of the store is made with."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, update

from bot.core.model import Delivery
from bot.errors import StoreError
from bot.store.database import Database
from bot.store.diskspace import Room
from bot.store.schema import sent_log
from bot.store.sentlog import SentLog

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The database, the sent log beside it, and the disk that both are on."""

    db: Database
    log: SentLog
    directory: Path
    room: Room

    def next_seq(self, connection: Connection) -> int:
        """Count one more line that the log is about to get."""
        statement = update(sent_log).where(sent_log.c.log_id == self.log.log_id)
        counted = statement.values(seq=sent_log.c.seq + 1).returning(sent_log.c.seq)
        return int(connection.execute(counted).scalar_one())


class Repository:
    """One concern of the store."""

    def __init__(self, ground: StoreContext) -> None:
        self._ground = ground
        self._db = ground.db
        self._log = ground.log

    def _note_sent(self, row: Delivery, seq: int, now: datetime) -> None:
        """Tell the sent log where a status is that the database knows already."""
        try:
            self._log.confirm(row.id, row.ref, seq, now=now)
        except StoreError as error:
            # The database has it, and the log has the attempt: a restore would read back.
            _LOG.warning("sent log not written for %s: %s", row.id, error)
