"""A report out of kept sums tells the same numbers as one out of the whole history."""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bot.clock import FastClock
from bot.delivery.model import Queued, State
from bot.delivery.tables import delivery
from bot.engagement.ages import AGES
from bot.engagement.judged import JUDGED_BY, NOT_JUDGED_BY
from bot.engagement.report import Reporter
from bot.engagement.snapshots import SnapshotState
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.status import Metrics, Status
from tests.fakes.engaged import AUDIENCES, engaged_campaign
from tests.integration.store_rows import NO_ROOM, copied_database, new_publication
from tests.oracles.whole_report import whole_report

START = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)  # the clocks go back on 1 November
END = START + timedelta(days=90)
SPECS = {name: kind.spec for name, kind in PLATFORMS.items()}
OUT = (State.SENT, State.SENT, State.SENT, State.SENT, State.GONE, State.RETRACTED)


def history(store: Store, draw: random.Random, posts: int) -> None:
    """Let posts go out, once or often, whole or in part, and read what the platforms tell."""
    store.accounts.sync([audience.account for audience in AUDIENCES], START)
    for day in draw.sample(range(60), 20):
        for audience in AUDIENCES:
            at = START + timedelta(days=day)
            store.followers.put(audience.account.name, draw.randint(0, 3000), at)
    for number in range(posts):
        account = draw.choice(AUDIENCES).account
        at = START + timedelta(seconds=draw.randint(0, 55 * 86400))
        statuses = [Status(f"words {number} {part}", lang=draw.choice(("en", "ug")))
                    for part in range(draw.choice((1, 1, 1, 2)))]  # fmt: skip
        ids = [f"d{number}-{part}" for part in range(len(statuses))]
        new = new_publication(
            *statuses, id=f"p{number}", ids=ids, account=account.name, platform=account.platform,
            post_id=f"post-{draw.randint(1, posts // 2)}", due_at=at,
            occurrence=Queued("excerpts", at.replace(tzinfo=None)),
            theme=draw.choice(("families", "technology", "")), lang=draw.choice(("en", "ug", "")),
            excerpt=draw.choice(("letter:0-12", "letter:5-40", "")),
            form=draw.choice(("quote", "link")), slot=draw.choice(("morning", "")),
        )  # fmt: skip
        store.outbox.add(new, now=at)
        for part, id_ in enumerate(ids):
            if part and draw.random() < 0.3:
                continue
            out(store, id_, at + timedelta(minutes=part), draw)


def out(store: Store, id_: str, at: datetime, draw: random.Random) -> None:
    with store._db.write() as connection:
        values = {"state": draw.choice(OUT), "sent_at": at, "url": f"https://x.example/{id_}"}
        connection.execute(update(delivery).where(delivery.c.id == id_).values(values))
    if draw.random() < 0.1:
        return  # the collector has not been there yet
    store.snapshots.schedule(id_, {age: at + after for age, after in AGES.items()})
    for age, after in AGES.items():
        kind = draw.choice(("TAKEN",) * 8 + ("DUE", "FAILED", "GONE", "MISSED"))
        if kind == "TAKEN":
            told = draw.choice((0, 1, 3, draw.randint(0, 200), draw.randint(0, 200)))
            numbers = Metrics(
                told, draw.choice((None, told // 2, told // 2, told // 2)), told // 3,
                draw.choice((None, 1)), None, draw.choice((None, 0, told * 9 + 4, told * 20 + 7)),
            )  # fmt: skip
            store.snapshots.put(id_, age, taken_at=at + after, metrics=numbers)
        elif kind != "DUE":
            outcome = SnapshotState[kind]
            store.snapshots.put(id_, age, taken_at=at + after, outcome=outcome, reason="why")


def test_a_report_tells_what_the_whole_history_tells(migrated_file: Path) -> None:
    check(migrated_file)()


def test_so_it_does_where_groups_are_judged(migrated_file: Path, tmp_path: Path) -> None:
    copy = copied_database(migrated_file, tmp_path / "here")
    with closing(open_store(copy, create=True, room=NO_ROOM)) as store:
        history(store, random.Random(1), 40)  # noqa: S311 - a made-up history
        report = Reporter(store, FastClock(END), engaged_campaign(), SPECS).report()
        judged = [line for by in JUDGED_BY for line in report.lines[by] if line.sequence]

        assert judged
        compare(store, None, None)


def check(template: Path) -> Callable[[], None]:
    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        seed=st.integers(0, 2**32), posts=st.integers(4, 40), days=st.none() | st.integers(0, 60)
    )
    def same(seed: int, posts: int, days: int | None) -> None:
        draw = random.Random(seed)  # noqa: S311 - a made-up history
        with TemporaryDirectory() as folder:
            store = open_store(
                copied_database(template, Path(folder) / "here"), create=True, room=NO_ROOM
            )
            history(store, draw, posts)
            since = None if days is None else START + timedelta(days=days)
            compare(store, since, draw.choice((None, "post-1")))
            store.close()

    return same


def leaves(value: Any) -> Iterator[Any]:
    """Yield what a value comes down to: sums are added in another order, so floats are near."""
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        value = tuple(sorted(value.items()))
    if isinstance(value, tuple):
        yield len(value)
        for each in value:
            yield from leaves(each)
    else:
        yield value


def alike(value: Any, other: Any) -> bool:
    return all(
        one == two or (isinstance(one, float) and math.isclose(one, two, abs_tol=1e-12))
        for one, two in zip_longest(leaves(value), leaves(other), fillvalue=math.nan)
    )


def compare(store: Store, since: datetime | None, post: str | None) -> None:
    campaign = engaged_campaign()
    old = whole_report(store, campaign, since=since, post=post)
    new = Reporter(store, FastClock(END), campaign, SPECS).report(since=since, post=post)

    lines, usual = ({by: each[by] for by in names} for each, names in (
        (new.lines, JUDGED_BY), (new.usual, NOT_JUDGED_BY),
    ))  # fmt: skip
    assert alike(lines, dict(old.lines))
    assert alike(usual, dict(old.usual))
    assert alike(new.day_parts, old.day_parts)
    assert new.day_parts_differ == old.day_parts_differ
    assert alike(new.own(old.own), dict(old.own))
    assert [replace(reading) for reading in new.newest(1000)] == list(new.readings)
    for mine, theirs in zip(new.readings, old.readings, strict=True):
        same = ("publication", "sent_at", "url", "text", "lang", "parts", "followers", "numbers",
                "taken_at", "blanks", "state", "age")  # fmt: skip
        assert [getattr(mine, name) for name in same] == [getattr(theirs, name) for name in same]
