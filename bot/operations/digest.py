"""The week's summary, and a month's report with what people decided and who signed it off."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import visible
from bot.clock import Clock
from bot.content.report_words import ENGLISH, report_language
from bot.content.zones import midnight, shown
from bot.engagement.monthly import MonthlyReporter, Period
from bot.engagement.monthly_text import CorrectedPost, PresentedMonth, SignOff
from bot.engagement.presenter import Presented, page
from bot.engagement.report import Report, Reporter
from bot.engagement.snapshots import SnapshotState
from bot.errors import DecisionError, Severity
from bot.log import get_logger
from bot.operations.channels import Alert, Channels
from bot.operations.model import Matter
from bot.operations.status import status_of
from bot.planning.corrections import public_corrections
from bot.planning.outlook import Outlook, outlook_of
from bot.planning.store import Store
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import RenderedCampaign

#: Of the audit row of a person who answers for a report.
VERB = "sign report"


def monthly(
    store: Store, clock: Clock, rendered: RenderedCampaign, period: Period, lang: str = ENGLISH
) -> PresentedMonth:
    """Return the report of a period with its newest signature, in a language that is known.

    DecisionError where the campaign brings no words in it.
    """
    campaign = rendered.campaign
    begin, end = period.bounds(campaign.zone)
    entries = public_corrections(store, since=begin)
    corrections = [
        CorrectedPost(each.at, each.kind, each.post, each.why, each.text)
        for each in entries
        if each.at < end
    ]
    signed = next(iter(store.audit.about(period.key, VERB)), None)
    return PresentedMonth(
        MonthlyReporter(store, clock, campaign).figures(period),
        corrections,
        SignOff(signed.who, signed.at, str(signed.detail.get("sha256"))) if signed else None,
        rendered.pictures.get,
        report_language(campaign.report_words, lang),
    )


def sign_off(store: Store, clock: Clock, month: PresentedMonth, *, by: str) -> None:
    """Write down that a person answers for what a report of a past period says now.

    DecisionError where nothing went out in it, or it is not over.
    """
    period = month.figures.period
    if not month.figures.now.posts:
        raise DecisionError(f"{period.name}: nothing went out, so there is nothing to sign")
    if not month.is_over:
        raise DecisionError(f"{period.name} is not over; sign it when no post can follow")
    store.audit.write(by, VERB, period.key, detail={"sha256": month.sha256}, now=clock.now())


log = get_logger(__name__)

#: Hour of Monday, in the campaign's zone, from which the last week's digest is due.
HOUR = 8
#: Posts that are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Message:
    """Something to read, and the same with charts as a file."""

    title: str
    text: str
    #: Name of the attached file.
    name: str
    html: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Writes the summary of the last seven days, and sends it once a week."""

    store: Store
    clock: Clock
    #: Of the campaign as its files are now.
    reporter: Callable[[], Reporter]
    #: The coming week.
    ahead: Callable[[], Outlook]
    channels: Channels
    #: What needs a person.
    matters: Callable[[], Iterable[Matter]]

    def message(self) -> Message:
        reporter, now = self.reporter(), self.clock.now()
        zone = reporter.campaign.zone
        start, end = midnight(now, zone, days=-7), midnight(now, zone)
        week = reporter.report(since=start)
        first, last = start.astimezone(zone), (end - timedelta(hours=12)).astimezone(zone)
        presented = Presented(week)
        chapters: dict[str, Iterable[str]] = {
            "WHAT WENT OUT": _went_out(week, end),
            "WHAT WORKED": _worked(presented),
            "WHAT NEEDS A PERSON": (matter.text for matter in self.matters()),
            "WHAT IT COST": (f"{account}: {text}" for account, text in presented.costs.items()),
            "WHAT COMES NEXT WEEK": _comes(self.ahead()),
        }
        lines = [f"{week.campaign}, the seven days from {shown(start, week.zone)}"]
        for title, entries in chapters.items():
            lines += ["", title]
            lines += [f"- {visible.indented(entry)}" for entry in list(entries) or ["nothing"]]
        lines += ["", "The attached page has all numbers, their charts, and what the words mean."]
        head = "How the log of decisions ends now, signed; keep it, `audit verify` takes it:"
        lines += ["", head, self.store.audit.signed_head(now)]
        return Message(
            f"{week.campaign}: {first:%d %b} to {last:%d %b %Y}",
            "\n".join(lines),
            f"engagement-{last:%Y-%m-%d}.html",
            page(reporter.report()),
        )

    def send(self, message: Message) -> bool:
        """Send a message; True where an address took it, as the others must not hear it again."""
        if not self.channels.all:
            log.info("digest not sent: no address is set", title=message.title)
            return False
        with TemporaryDirectory() as folder:
            file = Path(folder) / message.name
            file.write_text(message.html, encoding="utf-8")
            alert = Alert(message.title, message.text, severity=Severity.NOTICE, file=file)
            return self.channels.send(alert)

    def run(self) -> bool:
        """Send last week's digest where that is due and nobody has; return whether it went out."""
        now = self.clock.now()
        local = now.astimezone(self.reporter().campaign.zone)
        if local.weekday() == 0 and local.hour < HOUR:
            return False
        monday = midnight(now, self.reporter().campaign.zone, days=-local.weekday())
        began = min((account.added_at for account in self.store.accounts.all()), default=now)
        if began >= monday:
            return False  # there was no campaign last week
        week = "{}-W{:02}".format(*(local - timedelta(days=7)).isocalendar()[:2])
        if not self.store.digests.claim(week, now):
            return False
        if not self.send(self.message()):
            log.warning("digest not sent; tried again later", week=week)
            return False
        self.store.digests.mark_sent(week, self.clock.now())
        return True


def digest_of(
    store: Store,
    clock: Clock,
    rendered: Callable[[], RenderedCampaign],
    specs: Mapping[str, PlatformSpec],
    channels: Channels,
) -> Digest:
    return Digest(
        store,
        clock,
        reporter=lambda: Reporter(store, clock, rendered().campaign, specs),
        ahead=lambda: outlook_of(store, clock, rendered(), days=7),
        channels=channels,
        matters=lambda: status_of(store, rendered().campaign.schedule, clock).matters,
    )


def _went_out(week: Report, end: datetime) -> Iterator[str]:
    sent = Counter(reading.account for reading in week.readings if reading.sent_at < end)
    for account, count in sorted(sent.items()):
        yield f"{account}: {count} post{'s' if count > 1 else ''}"
    gone = {(blank.post_id, blank.account) for blank in week.blanks
            if blank.outcome is SnapshotState.GONE}  # fmt: skip
    for post_id, account in sorted(gone):
        yield f"{post_id} is no longer on {account}"
    not_read = {SnapshotState.FAILED, SnapshotState.MISSED}
    failed = sum(blank.outcome in not_read for blank in week.blanks)
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
    by_post = groupby(ahead.entries, key=lambda entry: (entry.due_at, entry.post_id))
    for (due_at, post_id), entries in by_post:
        known = list(entries)
        accounts = ", ".join(entry.account for entry in known)
        notes = (f" [{entry.note}]" for entry in known if entry.note not in {"", "approved"})
        yield f"{shown(due_at, ahead.zone)}: {post_id} ({accounts}){next(notes, '')}"
    if ahead.holes:
        yield f"{len(ahead.holes)} slot(s) stay empty; `plan` says why"
