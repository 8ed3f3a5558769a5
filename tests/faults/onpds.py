"""Kills lives whose platform is a real PDS; the account's repository, as it lists it, judges.

``python -m tests.faults.onpds http://127.0.0.1:PORT`` makes an account of its own there.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.enumeration import Enumeration, print_outcome, schedules_parser
from tests.faults.ledgers import Taken
from tests.faults.prepared import PreparedCampaign, prepare_campaign
from tests.servers.pds import Pds, PdsAccount


class RealPds:
    """One account of a PDS, whose clock is the machine's whatever the lives believe."""

    def __init__(self, origin: str) -> None:
        self._pds = Pds(origin)
        self.account: PdsAccount = self._pds.account()
        self.origins = {"b": origin}
        self._clock = mmap.mmap(-1, 8)  # shared with forked children

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=struct.unpack("d", self._clock[:8])[0])

    def set_ahead(self, ahead: timedelta) -> None:
        self._clock[:8] = struct.pack("d", ahead.total_seconds())

    def forget(self) -> None:
        self._pds.wipe(self.account)

    def taken(self) -> list[Taken]:
        return [
            Taken(
                datetime.fromisoformat(post["value"]["createdAt"]),
                "b",
                post["uri"],
                post["value"]["text"],
                post["value"].get("reply", {}).get("parent", {}).get("uri"),
            )
            for post in self._pds.posts(self.account)
        ]

    def order(self, do: str, **what: Any) -> None:
        """Nobody gives a real server orders."""


class OnPds(Enumeration):
    """A life on a server whose dates are true: it may be ahead of them by seconds only.

    More than a minute, and the bot trusts its clock no longer.
    """

    due_in = timedelta(seconds=30)

    def __init__(self, folder: Path, world: RealPds) -> None:
        self._pds = world
        words = ["tests.faults.onpds", world.origins["b"]]
        super().__init__("bluesky", folder, world, long=False, change=None, words=words)

    def _prepare(self, *, long: bool) -> PreparedCampaign:
        account = self._pds.account
        campaign = prepare_campaign(
            self._folder, self._pds.origins, long=long, handle=account.handle
        )
        os.environ["VERBATIM_B_APP_PASSWORD"] = account.app_password
        return campaign

    def _end(self, campaign: PreparedCampaign, kills: tuple[int, ...]) -> None:
        super()._end(campaign, kills)
        self.outcome.worst("ahead of the server", self._pds.ahead.total_seconds())


def main() -> int:
    """Print one line of JSON; 1 where anything went wrong."""
    parser = schedules_parser()
    parser.add_argument("origin")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        run = OnPds(Path(made), RealPds(given.origin))
        run.run_singles(given.every, given.kills)
        return print_outcome(run.outcome)


if __name__ == "__main__":
    sys.exit(main())
