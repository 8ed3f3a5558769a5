"""The week's summary: what went out, what worked, what needs a person, the cost, what comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from bot.clock import Clock
from bot.content.zones import midnight, shown
from bot.engagement.page import page
from bot.engagement.presenter import Presented, present
from bot.engagement.report import Report, Reporter
from bot.engagement.snapshots import SnapshotState
from bot.log import get_logger
from bot.operations.mailing import Message, Send
from bot.planning.outlook import Outlook
from bot.planning.store import Store

log = get_logger(__name__)

#: Hour of Monday, in the campaign's zone, from which the last week's digest is due.
HOUR = 8
#: Posts that are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Digest:
    """Writes the summary of the last seven days, and sends it once a week."""

    store: Store
    clock: Clock
    #: Of the campaign as its files are now.
    reporter: Callable[[], Reporter]
    #: The coming week.
    ahead: Callable[[], Outlook]
    send: Send

    def message(self) -> Message:
        """Return the summary of the seven days before today."""
        reporter, now = self.reporter(), self.clock.now()
        zone = reporter.campaign.zone
        start, end = midnight(now, zone, days=-7), midnight(now, zone)
        week = reporter.report(since=start)
        first, last = start.astimezone(zone), (end - timedelta(hours=12)).astimezone(zone)
        return Message(
            f"{week.campaign}: {first:%d %b} to {last:%d %b %Y}",
            "\n".join(self._lines(week, start, end)),
            f"engagement-{last:%Y-%m-%d}.html",
            page(reporter.report()),
        )

    def run(self) -> bool:
        """Send last week's digest where that is due and nobody has; return whether it went out."""
        now = self.clock.now()
        local = now.astimezone(self.reporter().campaign.zone)
        if local.weekday() == 0 and local.hour < HOUR:
            return False
        week = "{}-W{:02}".format(*(local - timedelta(days=7)).isocalendar()[:2])
        if self.store.digests.is_sent(week) or not self.store.digests.claim(week, now):
            return False
        if not self.send(self.message()):
            log.warning("digest not sent; tried again later", week=week)
            return False
        self.store.digests.mark_sent(week, self.clock.now())
        return True

    def _lines(self, week: Report, start: datetime, end: datetime) -> Iterator[str]:
        told = present(week)
        yield f"{week.campaign}, the seven days from {shown(start, week.zone)}"
        yield from _chapter("WHAT WENT OUT", _went_out(week, end))
        yield from _chapter("WHAT WORKED", _worked(told))
        needs = (notice.text for notice in self.store.notices.open())
        yield from _chapter("WHAT NEEDS A PERSON", needs)
        costs = (f"{account}: {text}" for account, text in told.costs.items())
        yield from _chapter("WHAT IT COST", costs)
        yield from _chapter("WHAT COMES NEXT WEEK", _comes(self.ahead()))
        yield ""
        yield "The attached page has all numbers, their charts, and what the words mean."


def _chapter(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"- {line}" for line in list(lines) or ["nothing"])


def _went_out(week: Report, end: datetime) -> Iterator[str]:
    sent = [one for one in week.readings if one.sent_at < end]
    for account, count in sorted(Counter(one.account for one in sent).items()):
        yield f"{account}: {count} post{'s' if count > 1 else ''}"
    gone = {(one.post_id, one.account) for one in week.blanks if one.outcome is SnapshotState.GONE}
    for post_id, account in sorted(gone):
        yield f"{post_id} is no longer on {account}"
    failed = sum(one.outcome in {SnapshotState.FAILED, SnapshotState.MISSED} for one in week.blanks)
    if failed:
        yield f"{failed} read{'s' if failed > 1 else ''} of numbers failed or came too late"


def _worked(week: Presented) -> Iterator[str]:
    judged = week.ratios["post"].judged
    if judged:
        yield week.headlines[0]
    for row in judged[:_NAMED]:
        yield f"{row.label}: {row.ratio} the usual, {row.verdict}"
    yield from week.lacking
    if not judged and not week.lacking:
        yield "no post of this week can be judged yet"
    yield f"Time of day: {week.day_verdict}"


def _comes(ahead: Outlook) -> Iterator[str]:
    for moment, entries in groupby(ahead.entries, key=lambda one: (one.due_at, one.post_id)):
        known = list(entries)
        accounts = ", ".join(one.account for one in known)
        note = next((f" [{one.note}]" for one in known if one.note and one.note != "approved"), "")
        yield f"{shown(moment[0], ahead.zone)}: {moment[1]} ({accounts}){note}"
    if ahead.holes:
        yield f"{len(ahead.holes)} slot(s) stay empty; `plan` says why"
