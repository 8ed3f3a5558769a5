"""What a platform took otherwise than it was sent: kept in the audit log, for good."""

from datetime import datetime

from bot.delivery.model import Delivery
from bot.delivery.store import DeliveryStore
from bot.log import get_logger
from bot.platforms.status import PostRef

log = get_logger(__name__)

#: Verb of the rows; people are told of each.
DIFFERS = "not as approved"


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
