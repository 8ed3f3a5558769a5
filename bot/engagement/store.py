"""What is stored of numbers, as the services of `engagement` and all above see it."""

from datetime import datetime, timedelta

from sqlalchemy import update

from bot.db.database import Repository
from bot.delivery.sent_log import OutboxContext
from bot.delivery.store import DeliveryStore
from bot.engagement.readings import Readings
from bot.engagement.snapshots import Followers, Snapshots
from bot.engagement.tables import digest

_D = digest.c
#: A worker that died while it was sending a digest has let go after this long.
LEASE = timedelta(minutes=15)


class Digests(Repository):
    """Weekly digests, one row a week: each is sent by one worker, and once."""

    def claim(self, week: str, now: datetime) -> bool:
        """Take a week's digest to send it; False where it is sent or another worker has it."""
        new = self._db.insert(digest).values(week=week, claimed_at=now).on_conflict_do_nothing()
        free = _D.sent_at.is_(None), _D.claimed_at <= now - LEASE
        with self._db.write() as connection:
            if connection.execute(new.returning(_D.week)).one_or_none() is not None:
                return True
            again = update(digest).where(_D.week == week, *free).values(claimed_at=now)
            return connection.execute(again).rowcount == 1

    def mark_sent(self, week: str, now: datetime) -> None:
        """Note that people have it."""
        self._change(update(digest).where(_D.week == week).values(sent_at=now))


class EngagementStore(DeliveryStore):
    """Snapshots of statuses and accounts, and the digests that told of them."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.snapshots = Snapshots(context)
        self.readings = Readings(context)
        self.followers = Followers(context)
        self.digests = Digests(context)
