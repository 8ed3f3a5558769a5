"""Sends the one post that is due in a database to Bluesky, and ends; `benchmarks.shell` calls it.

``python -m benchmarks.one_post FOLDER ORIGIN HANDLE``, with the app password in ``APP_PASSWORD``.
It is what the service does for a post, without the service: no planner, collector or desk.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode, Schedule
from bot.db.sqlite import Room
from bot.delivery.decide import Policy
from bot.delivery.ledger import AccountMeter
from bot.delivery.publisher import Publisher, Releaser
from bot.log import configure
from bot.operations.opening import open_store
from bot.platforms.base import Connection
from bot.platforms.registry import PLATFORMS

NAME = "a0"


def main() -> int:
    folder, origin, handle = sys.argv[1:]
    configure(form="json", level="ERROR")
    store, clock = open_store(address(Path(folder)), create=False, room=Room(0, 0)), SystemClock()
    account = Account(NAME, "bluesky", server=origin, handle=handle)
    schedule = Schedule(
        campaign="load", timezone="UTC", mode=Mode.LIVE, approvals_required=2,
        not_after=timedelta(hours=2), accounts={NAME: account},
    )  # fmt: skip
    campaign, kind = Campaign(schedule, (), {}, {}, ""), PLATFORMS["bluesky"]
    meter = AccountMeter(store.ledger, clock, lambda: account, dict)
    secrets = {"APP_PASSWORD": os.environ["APP_PASSWORD"]}
    platform = kind.connect(Connection(account, secrets, meter))
    Publisher(
        store, clock, lambda: campaign, lambda _name: platform,
        Releaser(store, clock, lambda: campaign), lambda _row: Policy(kind.spec.read_back), "shell",
    ).run(NAME)  # fmt: skip
    platform.close()
    store.close()
    return 0


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'load.db'}"


if __name__ == "__main__":
    sys.exit(main())
