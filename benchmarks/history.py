"""Ten years of history, written straight into a database: what a campaign has once it is old.

``python -m benchmarks.history DATA --deliveries 100000`` makes the database of the shipped
campaign in DATA, with six snapshots, an attempt and three moves for each delivery.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.app.content import prove_files
from bot.canonical import canonical_json, sha256_hex
from bot.delivery.lifecycle import Event
from bot.delivery.model import Queued, State
from bot.delivery.rows import publication_columns
from bot.delivery.tables import attempt, delivery, move, publication
from bot.engagement.ages import AGES, JUDGED_AGES, KINDS
from bot.engagement.snapshots import SnapshotState
from bot.engagement.tables import follower, reading, snapshot
from bot.operations.opening import open_store
from bot.planning.diff import new_publication
from bot.planning.store import Store
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign

#: Oldest first: the share of a post's engagements that is there at each age.
_GROWTH = dict(zip(AGES, (0.2, 0.5, 0.75, 0.9, 0.97, 1.0), strict=True))
_CHUNK = 2000
_THEMES = ("families", "technology", "partners", "law", "")
_FORMS = ("quote", "link", "card", "text")


def fill(
    store: Store,
    rendered: RenderedCampaign,
    *,
    deliveries: int,
    end: datetime,
    days: int = 3650,
    posts: int = 3000,
) -> None:
    """Write what ``deliveries`` sent ones leave behind, evenly over ``days`` before ``end``."""
    draw = random.Random(deliveries)  # noqa: S311 - made-up numbers
    accounts = list(rendered.campaign.schedule.accounts.values())
    store.accounts.sync(accounts, now=end - timedelta(days=days))
    shapes = _shapes(rendered)
    texts = [f"Post {number}: {'words about a camera ' * 8}" for number in range(posts)]
    begun, step = end - timedelta(days=days), timedelta(days=days) / deliveries
    rows: dict[Any, list[dict[str, Any]]] = {
        table: [] for table in (publication, delivery, attempt, move, snapshot, reading)
    }
    lines = (store.directory / f"{Path(str(store._db.url.database)).stem}.sent.log").open("a")
    with lines:
        for number in range(deliveries):
            sent = begun + step * number
            account = accounts[number % len(accounts)]
            shape = replace(
                shapes[account.name],
                id=sha256_hex(f"p{number}")[:24],
                post_id=f"old-{number // len(accounts) * 7919 % posts}",
                occurrence=Queued("excerpts", (sent - timedelta(hours=5)).replace(tzinfo=None)),
                due_at=sent, not_after=sent + timedelta(minutes=15),
                theme=_THEMES[number * 7919 // len(accounts) % posts % len(_THEMES)],
            )  # fmt: skip
            text = texts[number // len(accounts) * 7919 % posts]
            _enter(rows, shape, text, sent, end, draw)
            for event in ("attempt", "sent"):
                line = {"seq": 2 * number + (event == "sent") + 1, "event": event,
                        "delivery": rows[delivery][-1]["id"], "at": sent.isoformat()}  # fmt: skip
                if event == "attempt":
                    line |= {"account": account.name, "draft": rows[delivery][-1]["draft_json"],
                             "first_intent_at": sent.isoformat()}  # fmt: skip
                else:
                    line["remote"] = {"id": f"at://x/{number}", "url": "", "cid": ""}
                lines.write(canonical_json(line) + "\n")
            if len(rows[publication]) >= _CHUNK:
                _flush(store, rows)
    _flush(store, rows)
    _accounts(store, [account.name for account in accounts], begun, end)
    from sqlalchemy import update

    from bot.delivery.tables import sent_log

    with store._db.write() as connection:
        connection.execute(update(sent_log).values(seq=2 * deliveries))


def _shapes(rendered: RenderedCampaign) -> dict[str, Any]:
    shapes = {}
    for (post_id, account), text in rendered.texts.items():
        post = rendered.campaign.post(post_id)
        if post and text.statuses and account not in shapes:
            occurrence = Queued("excerpts", datetime(2020, 1, 1))  # noqa: DTZ001 - local
            shapes[account] = new_publication(
                post, account, rendered, occurrence=occurrence, due_at=None, slot="weekday-morning"
            ).publication
    return shapes


def _enter(
    rows: Any, shape: Any, text: str, sent: datetime, end: datetime, draw: random.Random
) -> None:
    status = Status(text).to_json()
    id_ = sha256_hex(shape.id)[:24]
    rows[publication].append(publication_columns(replace(shape, parts=1)))
    row = dict.fromkeys(column.name for column in delivery.c)
    row |= {
        "id": id_, "publication_id": shape.id, "account": shape.account, "part": 0,
        "status_json": status, "cost_usd": 0.0,
        "state": State.SENT, "detail": "", "evidence": "", "owner": "", "released_by": "",
        "draft_json": json.dumps({"key": id_, "wire": {"text": text}}), "first_intent_at": sent,
        "fence": 1, "attempts": 1, "absent_reads": 0, "remote_id": f"at://x/{id_}",
        "url": f"https://example.org/{id_}", "cid": "", "sent_at": sent, "reads_noted": 1,
        "created_at": sent - timedelta(days=35), "updated_at": sent,
    }  # fmt: skip
    rows[delivery].append({name: row[name] for name in row if name in delivery.c})
    rows[attempt].append({
        "delivery_id": id_, "fence": 1, "owner": "host/1", "phase": "done",
        "outcome": Event.ACCEPT.name, "reason": "", "remote_id": f"at://x/{id_}",
        "started_at": sent, "called_at": sent, "ended_at": sent,
    })  # fmt: skip
    for event, before, after in (
        (Event.RELEASE, State.PLANNED, State.READY), (Event.CLAIM, State.READY, State.SENDING),
        (Event.ACCEPT, State.SENDING, State.SENT),
    ):  # fmt: skip
        rows[move].append({"delivery_id": id_, "at": sent, "actor": "publisher", "event": event,
                           "before": before, "after": after, "reason": ""})  # fmt: skip
    sums = dict.fromkeys(column.name for column in reading.c)
    sums |= {
        "publication_id": shape.id,
        "sent_at": sent,
        "lang": "en",
        "followers": 1000,
        "age": "",
        "change": 1,
    }
    total, shown = int(draw.expovariate(1 / 20)), draw.randint(200, 4000)
    for age, later in AGES.items():
        is_taken = sent + later < end
        numbers: dict[str, Any] = dict.fromkeys(KINDS)
        if is_taken:
            count = int(total * _GROWTH[age])
            numbers |= {"likes": count, "reposts": count // 4, "replies": count // 9}
            if shape.platform == "x":
                numbers |= {"impressions": shown, "quotes": 0}
            sums[f"count_{age}"] = count + count // 4 + count // 9
            if age in JUDGED_AGES:
                sums[f"shown_{age}"] = numbers["impressions"]
                sums |= {"age": age, "as_of": sent + later, "count": sums[f"count_{age}"],
                         "shown": numbers["impressions"]}  # fmt: skip
        rows[snapshot].append({
            "delivery_id": id_, "age_label": age, "due_at": sent + later,
            "taken_at": sent + later if is_taken else None,
            "state": SnapshotState.TAKEN if is_taken else SnapshotState.DUE,
            "closes_as": SnapshotState.MISSED, "reason": "", **numbers,
        })  # fmt: skip
    rows[reading].append(sums)


def _flush(store: Store, rows: Any) -> None:
    with store._db.write() as connection:
        for table, values in rows.items():
            if values:
                connection.execute(table.insert(), values)
            values.clear()


def _accounts(store: Store, names: list[str], begun: datetime, end: datetime) -> None:
    days = [begun + timedelta(days=day) for day in range((end - begun).days)]
    counts = [
        {"account": name, "day": f"{day:%Y-%m-%d}", "count": 1000 + number}
        for name in names
        for number, day in enumerate(days)
    ]
    with store._db.write() as connection:
        connection.execute(follower.insert(), counts)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    rendered = prove_files(Path("schedule.yaml"), Path("posts")).rendered
    given.data.mkdir(parents=True, exist_ok=True)
    url = given.database or f"sqlite:///{given.data.absolute() / 'rehearsal.db'}"
    store = open_store(url, create=True, data=given.data)
    fill(
        store,
        rendered,
        deliveries=given.deliveries,
        end=datetime.now(UTC),
        days=3650 if given.deliveries > 1000 else 30,
    )
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
