"""The week's summary: what went out, what worked, what needs a person, the cost, what comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from bot.clock import Clock
from bot.core.zones import midnight, shown
from bot.log import get_logger
from bot.services.mailing import Letter, Post
from bot.services.outlook import Outlook
from bot.services.page import page
from bot.services.reporter import Line, Report
from bot.services.telling import (
    cost_told,
    day_verdict,
    headlines,
    lacking_told,
    ratio,
    standing_told,
)
from bot.store import Outcome, Store

log = get_logger(__name__)

#: Hour of Monday, in the campaign's zone, from which the last week's digest is due.
HOUR = 8
#: Posts that are named.
_NAMED = 5


class MakeReport(Protocol):
    """Makes a report of what went out since a moment."""

    def __call__(self, *, since: datetime | None = None) -> Report:
        """Make it."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Writes the summary of the last seven days, and sends it once a week."""

    store: Store
    clock: Clock
    report: MakeReport
    #: The coming week.
    ahead: Callable[[], Outlook]
    post: Post

    def letter(self) -> Letter:
        """Write the summary of the seven days before today."""
        everything = self.report()
        now, zone = self.clock.now(), everything.zone
        start, end = midnight(now, zone, days=-7), midnight(now, zone)
        week = self.report(since=start)
        text = "\n".join(self._lines(week, start, end))
        first, last = start.astimezone(zone), (end - timedelta(hours=12)).astimezone(zone)
        title = f"{week.campaign}: {first:%d %b} to {last:%d %b %Y}"
        return Letter(title, text, f"engagement-{last:%Y-%m-%d}.html", page(everything))

    def send(self) -> bool:
        """Send it now; False where some address did not take it."""
        return self.post(self.letter())

    def run(self) -> bool:
        """Send last week's digest where that is due and nobody has; tell whether it went out."""
        now = self.clock.now()
        local = now.astimezone(self.report().zone)
        if local.weekday() == 0 and local.hour < HOUR:
            return False
        week = "{}-W{:02}".format(*(local - timedelta(days=7)).isocalendar()[:2])
        if self.store.digests.is_sent(week) or not self.store.digests.claim(week, now):
            return False
        if not self.send():
            log.warning("digest not sent; tried again later", week=week)
            return False
        self.store.digests.mark_sent(week, self.clock.now())
        return True

    def _lines(self, week: Report, start: datetime, end: datetime) -> Iterator[str]:
        yield f"{week.campaign}, the seven days from {shown(start, week.zone)}"
        yield from _chapter("WHAT WENT OUT", _went_out(week, end))
        yield from _chapter("WHAT WORKED", _worked(week))
        yield from _chapter("WHAT NEEDS A PERSON", self._needs())
        yield from _chapter(
            "WHAT X COST", (f"{one.account}: {cost_told(one)}" for one in week.costs)
        )
        yield from _chapter("WHAT COMES NEXT WEEK", _comes(self.ahead()))
        yield ""
        yield "The attached page has all numbers, their charts, and what the words mean."

    def _needs(self) -> Iterator[str]:
        for notice in self.store.notices.open():
            yield notice.text


def _chapter(title: str, lines: Iterator[str]) -> Iterator[str]:
    told = list(lines)
    yield ""
    yield title
    yield from (f"- {line}" for line in told or ["nothing"])


def _went_out(week: Report, end: datetime) -> Iterator[str]:
    sent = [one for one in week.readings if one.sent_at < end]
    for account, count in sorted(Counter(one.account for one in sent).items()):
        yield f"{account}: {count} post{'s' if count > 1 else ''}"
    gone = {(one.post_id, one.account) for one in week.blanks if one.outcome is Outcome.GONE}
    for post_id, account in sorted(gone):
        yield f"{post_id} is no longer on {account}"
    failed = sum(one.outcome in {Outcome.FAILED, Outcome.MISSED} for one in week.blanks)
    if failed:
        yield f"{failed} read{'s' if failed > 1 else ''} of numbers failed or came too late"


def _worked(week: Report) -> Iterator[str]:
    judged = [one for one in week.lines["post"] if one.ratio is not None]
    if judged:
        yield from headlines(week)[:1]
    for line in judged[:_NAMED]:
        yield _told(line)
    yield from lacking_told(week.lacking)
    if not judged and not week.lacking:
        yield "no post of this week can be judged yet"
    yield f"Time of day: {day_verdict(week.day_parts)}"


def _told(line: Line) -> str:
    words = f" ({line.words})" if line.words else ""
    return f"{line.name}{words}: {ratio(line)} the usual, {standing_told(line)}"


def _comes(ahead: Outlook) -> Iterator[str]:
    for moment, entries in groupby(ahead.entries, key=lambda one: (one.due_at, one.post_id)):
        known = list(entries)
        accounts = ", ".join(one.account for one in known)
        note = next((f" [{one.note}]" for one in known if one.note and one.note != "approved"), "")
        yield f"{shown(moment[0], ahead.zone)}: {moment[1]} ({accounts}){note}"
    if ahead.holes:
        yield f"{len(ahead.holes)} slot(s) stay empty; `plan` says why"
