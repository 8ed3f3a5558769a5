"""What a platform took otherwise than it was sent: told to people, and kept in the audit log."""

from __future__ import annotations

from datetime import datetime

from bot.delivery.model import Delivery
from bot.delivery.store import DeliveryStore
from bot.log import get_logger
from bot.platforms.status import PostRef

log = get_logger(__name__)
#: Begins the key of such a notice; see `bot.operations.notifier`.
NOTICE = "receipt/"


def tell_differences(store: DeliveryStore, row: Delivery, ref: PostRef, now: datetime) -> None:
    """Tell people where a status that is out differs from what was approved."""
    if not ref.differs:
        return
    told = "; ".join(ref.differs)
    where = ref.url or ref.id
    text = f"{row.post_id} is out on {row.account}, but not as it was approved: {told}\n{where}"
    store.notices.raise_(f"{NOTICE}{row.id}", text, now)
    detail = {"account": row.account, "remote_id": ref.id, "url": ref.url}
    store.audit.write("receipt", "differs", row.id, why=told, detail=detail, now=now)
    log.warning("not as it was approved", delivery=row.id, differs=told, url=ref.url)
