"""What is stored of sending, as the services of `delivery` and all above see it."""

import re
from datetime import datetime

from sqlalchemy import Text, delete, select, type_coerce

from bot.authority.store import AuthorityStore
from bot.authority.tables import audit, content_tree
from bot.canonical import sha256_hex
from bot.db.database import Repository
from bot.db.lock import AccountLocks
from bot.delivery.leases import Leases
from bot.delivery.ledger import Ledger
from bot.delivery.model import Delivery
from bot.delivery.moves import Moves
from bot.delivery.reads import OutboxReads
from bot.delivery.sent_log import OVER, OutboxContext, RestoreGuard
from bot.delivery.tables import delivery, medium
from bot.errors import StoreError
from bot.log import get_logger
from bot.platforms.status import PostRef

_M = medium.c
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
#: Verb of the log: what its row names was kept for good.
KEPT = "archive"
log = get_logger(__name__)
#: Verb of the rows; people are told of each.
DIFFERS = "not as approved"


class Outbox(OutboxReads, Moves, Leases):
    """All deliveries, what happens to them, and their history: the only truth about sending."""


class Media(Repository):
    """Pictures by the hash of their bytes, so that what was approved is what is sent."""

    def put(self, content: bytes, now: datetime) -> str:
        """Keep a picture; its SHA-256 is its name."""
        sha256 = sha256_hex(content)
        row = self._db.insert(medium).values(sha256=sha256, content=content, used_at=now)
        again = row.on_conflict_do_update(index_elements=[_M.sha256], set_={"used_at": now})
        self._change(again)
        return sha256

    def prune(self, unused_since: datetime) -> int:
        """Forget what is no evidence, and nothing needs that may yet be sent; return how many."""
        old = select(_M.sha256).where(_M.used_at < unused_since)
        open_ = select(delivery.c.status_json).where(delivery.c.state.not_in(OVER))
        trees = select(type_coerce(content_tree.c.files, Text))
        evidence = select(type_coerce(audit.c.detail, Text)).where(audit.c.verb == KEPT)
        with self._db.write() as connection:
            found = set(connection.execute(old).scalars())
            for query in (open_, trees, evidence):
                for text in connection.execute(query).scalars() if found else ():
                    found.difference_update(_SHA256.findall(text))
            for sha256 in found:  # one that was put to use meanwhile stays
                which = (_M.sha256 == sha256, _M.used_at < unused_since)
                connection.execute(delete(medium).where(*which))
        return len(found)

    def get(self, sha256: str) -> bytes:
        """Read a picture; StoreError where it is not there, or no longer what it was."""
        row = self._row(select(_M.content).where(_M.sha256 == sha256))
        if row is None:
            raise StoreError(f"no picture has the hash {sha256}")
        # SQLite keeps whatever type somebody put there.
        if not isinstance(row.content, bytes) or sha256_hex(row.content) != sha256:
            raise StoreError(f"the picture {sha256} is no longer what it was")
        return row.content


class DeliveryStore(AuthorityStore):
    """The outbox, what sending costs, and what a restore must read back first."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.outbox = Outbox(context)
        self.ledger = Ledger(context)
        self.media = Media(context)
        self.restore_guard = RestoreGuard(context)
        self._locks = AccountLocks(context.db)
        #: Holds an account while sending to it; yields False where another sender has it.
        self.sending = self._locks.sending

    def close(self) -> None:
        self._locks.close()
        super().close()


def log_differences(store: DeliveryStore, row: Delivery, ref: PostRef, now: datetime) -> None:
    """Write down where a status that is out differs from what was approved, if it does."""
    if ref.differs:
        told = "; ".join(ref.differs.values())
        detail = {"delivery": row.id, "remote_id": ref.id, "url": ref.url}
        subject = f"{row.post_id} on {row.account}"
        store.audit.write(
            "receipt", DIFFERS, subject, why=f"{told}; {ref.url}", detail=detail, now=now
        )
        log.warning("not as it was approved", delivery=row.id, differs=told, url=ref.url)
