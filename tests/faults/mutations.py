"""Faults of the past, put back one at a time, to see that the quirk storm finds each.

`python -m tests.faults.mutations` puts each back in a process of its own and prints the table that
stands in docs/reliability.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.errors import UnconfirmedError
from bot.log import configure
from bot.platforms.mastodon import adapter, api, comparing, timeline
from bot.platforms.mastodon.comparing import Match
from bot.settings.environment import Settings
from tests.faults.quirk_storm import storm, weather_of

#: Seeds that are tried at most.
SEEDS = 60


def _believe_absence(settings: Settings) -> Settings:
    """Take an empty reading for absence, whatever the server lists."""
    find = timeline.Timeline.find

    def believing(self: timeline.Timeline, body: Any, me: str) -> Any:
        try:
            return find(self, body, me)
        except UnconfirmedError as error:
            if "proves nothing" in str(error):
                return None
            raise

    timeline.Timeline.find = believing  # type: ignore[method-assign] # a fault that is put back
    return settings


def _leave_wrapped(settings: Settings) -> Settings:
    """Pass over what is shown as a boost."""

    def unwrapped(status: Mapping[str, Any], me: str) -> Mapping[str, Any] | None:
        return None if status.get("reblog") else status

    for module in (api, adapter, timeline):
        module.own = unwrapped  # type: ignore[attr-defined] # a fault that is put back
    return settings


def _do_not_wait(settings: Settings) -> Settings:
    """Read twice, and believe that no request is alive any more."""
    return settings.model_copy(update={"settle_last": timedelta(0)})


def _pass_over_other_parents(settings: Settings) -> Settings:
    """Take the same words under another parent for another status."""
    compare = comparing.compare

    def passing(status: Any, body: Any) -> tuple[Match, str]:
        likeness, doubt = compare(status, body)
        is_elsewhere = likeness is Match.DOUBTFUL and "but answers" in doubt
        return (Match.OTHER, "") if is_elsewhere else (likeness, doubt)

    timeline.compare = passing  # type: ignore[attr-defined] # a fault that is put back
    return settings


def _compare_apart(settings: Settings) -> Settings:
    """Compare a warning as it is shown, apart from the words."""
    compare = comparing.compare

    def apart(status: Any, body: Any) -> tuple[Match, str]:
        if (status.get("spoiler_text") or "") != body["spoiler_text"]:
            return Match.OTHER, ""
        return compare(status, body)

    timeline.compare = apart  # type: ignore[attr-defined] # a fault that is put back
    return settings


FAULTS: Mapping[str, Callable[[Settings], Settings]] = {
    "1": _believe_absence,
    "2": _leave_wrapped,
    "3": _do_not_wait,
    "4": _pass_over_other_parents,
    "5": _compare_apart,
}


def find(fault: str, folder: Path) -> str:
    """Put a fault back, and return the weather in which it shows; empty where it stays unseen."""
    configure(form="json", level="CRITICAL")
    os.environ["VERBATIM_M_ACCESS_TOKEN"] = "token-of-the-mastodon-account"
    settings = FAULTS[fault](Settings())
    for seed in range(SEEDS):
        counted = storm(folder / str(seed), seed, settings)
        if counted["duplicate"] or counted["lost"] or counted["wrong"]:
            what = {name: counted[name] for name in ("duplicate", "lost", "wrong")}
            told = ", ".join(f"{count} {name}" for name, count in what.items() if count)
            return f"{told} | {weather_of(seed)}"
    return ""


def found_in_a_process(fault: str) -> str:
    """Do so in a process of its own, which ends with it."""
    command = [sys.executable, "-m", "tests.faults.mutations", fault]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Print what one fault leads to, or a table of all."""
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as folder:
            print(find(sys.argv[1], Path(folder)))  # noqa: T201 - a program that prints
        return
    for fault, put_back in FAULTS.items():
        print(f"| {fault} | {put_back.__doc__} | {found_in_a_process(fault)} |")  # noqa: T201 - a program that prints


if __name__ == "__main__":
    main()
