"""A campaign that has been running for weeks, with the numbers that a simulation gives it."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, insert, select

from bot.content.model import Account, Campaign, Queue, Schedule
from bot.delivery import decide
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, FixedTime, NewPart, NewPublication, Queued
from bot.delivery.tables import attempt, delivery, move, publication
from bot.engagement.ages import AGES
from bot.engagement.snapshots import SnapshotState
from bot.engagement.tables import follower, reading, snapshot
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.status import Draft, Metrics, PostRef, Status
from tests.fakes.written import LETTER_TEXT, campaign, source
from tests.integration.store_rows import NO_ROOM, new_publication
from tools.sample_cards import UYGHUR_1

START = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
#: Share of a post's engagements that is there at each age.
GROWTH = {"1h": 0.2, "6h": 0.5, "24h": 0.75, "72h": 0.9, "7d": 0.97, "30d": 1.0}
_EXCERPTS = ("Your cameras see “everything”", "The people we speak of", "They don’t sleep",
             "Without your help", "we cannot look away", "never came home")  # fmt: skip
_THEMES = ("families", "technology", "partners")


_TABLES = (publication, delivery, attempt, move, snapshot, reading, follower)


def poisson(draw: random.Random, mean: float) -> int:
    """Draw a Poisson count (Knuth for small means, the normal law for large ones)."""
    if mean > 200:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    bound, count, product = math.exp(-mean), 0, draw.random()
    while product > bound:
        count, product = count + 1, product * draw.random()
    return count


@dataclass(frozen=True, slots=True)
class Audience:
    """Who an account reaches."""

    account: Account
    followers: int
    #: Engagements of a usual post for each time it is shown.
    rate: float
    tells_impressions: bool = False


AUDIENCES = (
    Audience(Account("coalition-x", "x", budget_usd_per_month=5), 4800, 0.012, True),
    Audience(Account("coalition-mastodon", "mastodon"), 1500, 0.03),
    Audience(Account("coalition-bluesky", "bluesky"), 2600, 0.02),
)


@dataclass
class Engaged:
    """Fills a store; the same seed gives the same campaign."""

    store: Store
    seed: int = 7
    posts: int = 24
    spread: float = 0.5
    reach_spread: float = 0.6
    audiences: Sequence[Audience] = AUDIENCES
    #: True quality of each post, by its id.
    quality: dict[str, float] = field(default_factory=dict)

    def fill(self) -> None:
        """Send all posts, two days apart, and take all their snapshots; no theme has an hour.

        That takes seconds, so it is done once; others get copies of the rows.
        """
        self.store.accounts.sync([audience.account for audience in self.audiences], START)
        filled = _filled(self)
        self.quality.update(filled.quality)
        with self.store._db.write() as connection:
            for table, rows in filled.rows.items():
                connection.execute(insert(table), rows)

    def send_all(self) -> None:
        """Send and read each post through the store."""
        draw = random.Random(self.seed)  # noqa: S311 - a simulation
        self.store.accounts.sync([audience.account for audience in self.audiences], START)
        for number in range(self.posts):
            self._post(number, draw)

    def _post(self, number: int, draw: random.Random) -> None:
        post_id, theme = f"post-{number + 1:02}", _THEMES[number % 3]
        effect = {"families": 1.5, "technology": 0.9, "partners": 0.75}[theme]
        self.quality[post_id] = effect * math.exp(draw.gauss(0, self.spread))
        at = START + timedelta(days=2 * number, hours=3 * (number // 3 % 3))
        for audience in self.audiences:
            at += timedelta(minutes=1)
            made = self._delivery(post_id, number, theme, audience, at)
            sent(self.store, made, at)
            reach = audience.followers * 0.3 * math.exp(draw.gauss(0, self.reach_spread))
            self._read(made.publication.id, at, reach, audience, self.quality[post_id], draw)
            self.store.followers.put(
                audience.account.name,
                audience.followers + round(audience.rate * 400 * number**1.1),
                at,
            )

    def _delivery(
        self, post_id: str, number: int, theme: str, audience: Audience, at: datetime
    ) -> NewPublication:
        excerpt = _EXCERPTS[number % len(_EXCERPTS)]
        start = LETTER_TEXT.index(excerpt)
        lang = "ug" if number % 8 == 3 else "en"
        text = UYGHUR_1 if lang == "ug" else f"“{excerpt}”"
        id_ = f"{post_id}-{audience.account.platform}"
        return new_publication(
            Status(text, lang=lang),
            id=id_,
            account=audience.account.name,
            platform=audience.account.platform,
            post_id=post_id,
            occurrence=Queued("excerpts", at.replace(tzinfo=None)),
            due_at=at,
            theme=theme,
            excerpt=f"letter:{start}-{start + len(excerpt)}",
            lang=lang,
            form=("quote", "card", "link", "thread")[number % 4],
            slot=("weekday-morning", "evening")[number % 2],
            cost_usd=0.015 if audience.account.platform == "x" else 0.0,
        )

    def _read(
        self, delivery: str, at: datetime, reach: float, audience: Audience, quality: float,
        draw: random.Random,
    ) -> None:  # fmt: skip
        total = poisson(draw, reach * audience.rate * quality)
        self.store.snapshots.schedule(delivery, {age: at + after for age, after in AGES.items()})
        for age, after in AGES.items():
            count = round(total * GROWTH[age])
            shown = round(reach * GROWTH[age]) if audience.tells_impressions else None
            self.store.snapshots.put(
                delivery, age, taken_at=at + after, metrics=split(count, shown)
            )


@dataclass(frozen=True, slots=True)
class FilledRows:
    """What a filled store has, without what its counters gave."""

    quality: Mapping[str, float]
    rows: Mapping[Table, Sequence[Mapping[str, object]]]


_FILLED: dict[str, FilledRows] = {}


def _filled(wanted: Engaged) -> FilledRows:
    key = repr((wanted.seed, wanted.posts, wanted.spread, wanted.reach_spread, wanted.audiences))
    if key not in _FILLED:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/filled/store.db"
            with closing(open_store(url, create=True, room=NO_ROOM)) as store:
                made = replace(wanted, store=store, quality={})
                made.send_all()
                with store._db.read() as connection:
                    rows = {table: _rows(connection, table) for table in _TABLES}
        _FILLED[key] = FilledRows(made.quality, rows)
    return _FILLED[key]


def _rows(connection: Connection, table: Table) -> list[Mapping[str, object]]:
    counter = table.autoincrement_column
    columns = [column for column in table.columns if column is not counter]
    return [dict(row._mapping) for row in connection.execute(select(*columns))]


def split(count: int, impressions: int | None) -> Metrics:
    """Divide engagements into kinds, of which there are as many in all."""
    likes, reposts, replies = count * 6 // 10, count // 4, count // 20
    rest = count - likes - reposts - replies
    marks = count // 10 if impressions is not None else None
    return Metrics(likes, reposts, replies, rest, marks, impressions)


def sent(store: Store, new: NewPublication, at: datetime) -> None:
    """Take a publication all the way to SENT."""
    assert store.outbox.add(new, now=at)
    for id_ in new.delivery_ids:
        claim = _claimed(store, new, id_, at)
        store.outbox.begin(claim, Draft(id_, {}), now=at)
        ref = PostRef(f"id-{id_}", f"https://{new.publication.platform}.example/{id_}")
        store.outbox.commit(claim, decide.Outcome(Event.ACCEPT, ref=ref), now=at)


def publish_row(store: Store, new: NewPublication, platform: Platform, at: datetime) -> PostRef:
    """Publish its one part through an adapter, with all that the publisher writes down."""
    assert store.outbox.add(new, now=at)
    claim = _claimed(store, new, new.delivery_ids[0], at)
    draft = platform.prepare(
        claim.status, key=claim.id, at=at, reply_to=None,
        pictures=lambda _picture: b"",
    )  # fmt: skip
    store.outbox.begin(claim, draft, now=at)
    ref = platform.publish(draft)
    store.outbox.commit(claim, decide.Outcome(Event.ACCEPT, ref=ref), now=at)
    return ref


def _claimed(store: Store, new: NewPublication, id_: str, at: datetime) -> Delivery:
    store.outbox.move(id_, Event.RELEASE, now=at, actor="tests")
    account = new.publication.account
    claim = store.outbox.claim(account, now=at, owner="w", lease=timedelta(minutes=2))
    assert claim is not None
    return claim


def engaged_campaign() -> Campaign:
    """Return the campaign that these posts belong to."""
    made = campaign(accounts=[audience.account for audience in AUDIENCES], sources=[source()])
    schedule: Schedule = replace(
        made.schedule, timezone="America/New_York", campaign="decouple-from-dahua",
        queues={"excerpts": Queue("excerpts", ("weekday-morning",))},
    )  # fmt: skip
    return replace(made, schedule=schedule)


def troubled(store: Store) -> Iterator[str]:
    """Let the newest post of each account show what can go wrong with a read."""
    rows = store.outbox.find()
    at = START + timedelta(days=60)
    kinds: Mapping[SnapshotState, str] = {
        SnapshotState.FAILED: "x: answered 503",
        SnapshotState.MISSED: "given up for the posts to come: $0.03 are left this month",
        SnapshotState.GONE: "the platform says that it is gone",
    }
    for (outcome, why), row in zip(kinds.items(), rows, strict=False):
        again = replace(
            row.publication, id=f"{row.id}-late", post_id="post-99",
            occurrence=FixedTime("post-99"), due_at=at, not_after=at + timedelta(minutes=15),
            theme="",
        )  # fmt: skip
        part = NewPart(Status("“They don’t sleep”").to_json())
        new = NewPublication(again, (part,), (again.id,))
        sent(store, new, at)
        store.snapshots.schedule(again.id, {age: at + after for age, after in AGES.items()})
        store.snapshots.put(
            again.id, "1h", taken_at=at + timedelta(hours=1), metrics=Metrics(2, 1, 0)
        )
        store.snapshots.put(again.id, "6h", taken_at=at + timedelta(hours=6.7), outcome=outcome,
                            reason=why)  # fmt: skip
        yield again.id
