"""The report as people read it: every label, number and sentence, ready to be laid out.

The terminal, the desk, the file and the mail read one `Presented`, and only differ in how they lay
it out; the file is laid out here. Programs get the report itself (`bot.engagement.export`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.content.zones import shown
from bot.delivery.model import State
from bot.engagement import charts, report_text
from bot.engagement.ages import AGES
from bot.engagement.charts import Chart
from bot.engagement.costs import Forecast
from bot.engagement.readings import Reading
from bot.engagement.report import JUDGED_BY, Line, Report, Typical
from bot.engagement.report_text import BLANKS, UNTOLD, gained, number, ratio
from bot.engagement.snapshots import SnapshotState
from bot.platforms.status import Metrics

_FOLDER = Path(__file__).parent / "reporting"
#: What platforms tell of a status.
KINDS = tuple(field.name for field in fields(Metrics))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table of ratios."""

    name: str
    #: Language of the name; empty where it is a name of ours.
    name_lang: str
    #: What stands small beside the name.
    detail: str
    detail_lang: str
    ratio: str
    #: ``up`` or ``down`` where the interval is clear of the usual; else ``even`` or ``unknown``.
    trend: str
    verdict: str
    #: Ratio and both ends of its interval, to be drawn; None where it is unknown.
    plot: tuple[float, float, float] | None
    n: str
    growth: str
    growth_plot: tuple[float | None, ...]
    as_of: str

    @property
    def label(self) -> str:
        """The name, with what stands beside it in brackets."""
        return f"{self.name} ({self.detail})" if self.detail else self.name


@dataclass(frozen=True, slots=True)
class RatioTable:
    """Posts or groups of posts, best first."""

    title: str
    #: Heading of the names.
    what: str
    about: str
    caption: str
    #: Heading of the counts.
    unit: str
    rows: tuple[Row, ...]

    @property
    def judged(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.plot)


@dataclass(frozen=True, slots=True)
class Grid:
    """A plain table: words in the first columns, numbers in the others."""

    caption: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    #: Where each row's post can be read; empty where none can.
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Presented:
    """A report as people read it."""

    campaign: str
    timezone: str
    at: datetime
    since: datetime | None
    #: What the numbers carry, and what they do not, in a few sentences.
    headlines: tuple[str, ...]
    #: What each platform lacks before it can be judged.
    lacking: tuple[str, ...]
    tiles: tuple[tuple[str, str], ...]
    #: Grouping -> posts or groups of posts.
    ratios: Mapping[str, RatioTable]
    day_parts: RatioTable
    day_verdict: str
    #: ``account`` and ``platform`` -> what is usual on each.
    usual: Mapping[str, Grid]
    #: The same two -> mean engagements of a post at each age.
    growth: Mapping[str, Grid]
    growth_chart: Chart | None
    follower_chart: Chart | None
    #: Every post on every account, at the age at which it is judged, and at every age.
    numbers: Grid
    every_age: Grid
    missing: Grid
    #: Account -> how its month stands.
    costs: Mapping[str, str]
    #: Account -> what it pays for.
    cost_items: Mapping[str, Grid]


def page(report: Report) -> str:
    """Return the report as one HTML file: no script, nothing loaded, the same numbers as tables."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    return environment.get_template("report.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(digest).decode(),
        report=present(report),
        zone=report.zone,
        charts=charts,
        shown=shown,
        terms=report_text.TERMS,
        why_no_best_time=report_text.WHY_NO_BEST_TIME,
    )


def present(report: Report, *, account: str = "") -> Presented:
    """Present a report; chart and numbers of one account only, where it is named."""
    zone, differs = report.zone, report.day_parts.differs
    ratios = {by: _ratio_table(by, report.lines[by], zone) for by in JUDGED_BY}
    readings = [post for post in report.readings if account in {"", post.account}]
    groups = {"account": report.accounts, "platform": report.platforms}
    growths = {group.name: group.growth for group in report.accounts
               if account in {"", group.name}}  # fmt: skip
    return Presented(
        campaign=report.campaign,
        timezone=report.timezone,
        at=report.at,
        since=report.since,
        headlines=tuple(_headlines(ratios)),
        lacking=tuple(f"{name}: not enough yet, {missing} more needed"
                      for name, missing in report.lacking.items()),
        tiles=tuple(_tiles(report)),
        ratios=ratios,
        day_parts=_ratio_table("time", report.day_parts.lines, zone),
        day_verdict="Some hours differ by more than chance. That need not be the hour."
                    if differs else "No difference shown.",
        usual={by: _usual(by, group, report.followers) for by, group in groups.items()},
        growth={by: _growth(by, group) for by, group in groups.items()},
        growth_chart=charts.growth_chart(growths),
        follower_chart=charts.follower_chart(report.followers),
        numbers=_numbers(readings, report),
        every_age=_every_age(readings, zone),
        missing=_missing(report),
        costs={month.account: report_text.cost_text(month) for month in report.costs},
        cost_items={month.account: _cost_items(month) for month in report.costs},
    )  # fmt: skip


def _ratio_table(by: str, lines: Iterable[Line], zone: ZoneInfo) -> RatioTable:
    title, what, about = report_text.GROUPS[by]
    caption, unit = report_text.BETWEEN_GROUPS, "Posts"
    if by == "post":
        caption, unit = report_text.BETWEEN_POSTS, "Accounts"
    rows = tuple(_row(by, line, zone) for line in lines)
    return RatioTable(title, what, about, caption, unit, rows)


def _row(by: str, line: Line, zone: ZoneInfo) -> Row:
    name, lang, detail, detail_lang = line.name, "", line.words, line.lang
    if by == "excerpt" and line.words:
        # People know a passage by its words; ``letter:60-89`` is the letter's characters 60 to 89.
        source, _, stretch = line.name.rpartition(":")
        name, lang = line.words, line.lang
        detail, detail_lang = f"{source}, characters {stretch.replace('-', '–')}", "en"
    plot, trend = None, "unknown"
    if line.ratio is not None and line.low is not None and line.high is not None:
        plot = line.ratio, line.low, line.high
        trend = "up" if line.low > 1 else "down" if line.high < 1 else "even"
    return Row(
        name=name,
        name_lang=lang,
        detail=detail,
        detail_lang=detail_lang,
        ratio=ratio(plot),
        trend=trend,
        verdict=report_text.VERDICTS[trend],
        plot=plot,
        n=str(line.n),
        growth=" · ".join(number(mean) for mean in line.growth),
        growth_plot=line.growth,
        as_of=f"{line.as_of.astimezone(zone):%d %b %Y}" if line.as_of else UNTOLD,
    )


def _headlines(ratios: Mapping[str, RatioTable]) -> Iterator[str]:
    judged = ratios["post"].judged
    if not judged:
        yield "There is not enough yet to judge any post."
        return
    ups = [row for row in judged if row.trend == "up"]
    downs = [row for row in judged if row.trend == "down"]
    yield (
        f"Of {len(judged)} posts, {len(ups)} did better than usual and {len(downs)} worse; "
        f"for the other {len(judged) - len(ups) - len(downs)} the numbers cannot tell."
    )
    if ups:
        yield f"Furthest ahead: {ups[0].label}, {ups[0].ratio} the usual."
    for table in (ratios["theme"], ratios["excerpt"], ratios["form"]):
        first = next((row for row in table.judged if row.trend == "up"), None)
        if first:
            yield f"{table.what} ahead of the average: {first.name}, {first.ratio}."


def _tiles(report: Report) -> Iterator[tuple[str, str]]:
    gains = [gain for days in report.followers.values() if (gain := gained(days)) is not None]
    yield "posts", str(len({post.post_id for post in report.readings}))
    yield "statuses on all accounts", str(len(report.readings))
    yield "engagements", number(sum(post.count(post.age) or 0 for post in report.readings))
    yield "followers gained", number(sum(gains) if gains else None)
    if report.costs:
        spent = sum(month.spent for month in report.costs)
        yield "US dollars spent this month", number(spent, 2)


def _usual(by: str, groups: Iterable[Typical], followers: Mapping[str, Mapping[str, int]]) -> Grid:
    rows = []
    for group in groups:
        days = followers.get(group.name, {})
        rows.append((
            group.name,
            group.age or UNTOLD,
            str(group.n),
            number(group.median),
            number(group.per_1000_followers, 2),
            number(group.per_1000_impressions, 1),
            number(days[max(days)] if days else group.followers),
            number(gained(days)),
        ))  # fmt: skip
    return Grid(
        f"What is usual on each {by}, at the oldest age with enough numbers. “–” is a number that "
        "the platform does not tell; it is never 0.",
        (by.capitalize(), "Age"),
        ("Posts", "Median engagements", "per 1,000 followers", "per 1,000 impressions",
         "Followers", "gained"),
        tuple(rows),
    )  # fmt: skip


def _growth(by: str, groups: Iterable[Typical]) -> Grid:
    return Grid(
        "Mean engagements of a post at each age; only of posts that were read then.",
        (by.capitalize(),),
        tuple(AGES),
        tuple((group.name, *(number(mean, 1) for mean in group.growth)) for group in groups),
    )


def _cost_items(month: Forecast) -> Grid:
    items = {
        **month.by_action,
        "posts to come this month": month.posts_to_come,
        "reads to come this month": month.reads_to_come,
        "expected in all": month.expected,
    }
    return Grid(
        f"US dollars, {month.month} (UTC); booked before each call. Reads are statuses, each once "
        "a day at most, and followers once a day.",
        ("For",),
        ("USD",),
        tuple((name, f"{cost:.3f}") for name, cost in items.items()),
    )


def _numbers(readings: Iterable[Reading], report: Report) -> Grid:
    rows, links = [], []
    for post in readings:
        own = report.own.get(post.id)
        gone = "" if post.state is State.SENT else f" ({post.state.value.lower()})"
        rows.append((
            post.post_id,
            post.account,
            f"{post.sent_at.astimezone(report.zone):%d %b %Y %H:%M}{gone}",
            post.age or UNTOLD,
            *_counts(post, post.age),
            ratio((own.known.mean, *own.known.interval()) if own else None),
        ))  # fmt: skip
        links.append(post.url if urlsplit(post.url).scheme in {"https", "http"} else "")
    return Grid(
        "Numbers at the age at which each post is judged. “–” is untold, never 0.",
        ("Post", "Account", "Sent", "Age"),
        (*KINDS, "Ratio"),
        tuple(rows),
        tuple(links),
    )


def _every_age(readings: Iterable[Reading], zone: ZoneInfo) -> Grid:
    rows = []
    for post in readings:
        for age in AGES:
            outcome, reason = post.blanks.get(age, (SnapshotState.DUE, ""))
            what = BLANKS[outcome] if reason or outcome is not SnapshotState.DUE else "not yet"
            why = f"{what}: {reason}" if reason else what
            read = shown(post.taken_at[age], zone) if age in post.taken_at else why
            rows.append((post.account, age, read, *_counts(post, age)))
    return Grid("All numbers that were read.", ("Account", "Age", "Read"), KINDS, tuple(rows))


def _counts(post: Reading, age: str) -> Iterator[str]:
    known = post.numbers.get(age)
    return (number(getattr(known, kind) if known else None) for kind in KINDS)


def _missing(report: Report) -> Grid:
    rows: dict[tuple[str, ...], tuple[str, ...]] = {}
    for blank in report.blanks:
        # Gone once is gone at every later age.
        age = "" if blank.outcome is SnapshotState.GONE else blank.age
        row = blank.post_id, blank.account, blank.age, BLANKS[blank.outcome], blank.reason
        rows.setdefault((blank.post_id, blank.account, blank.outcome, age), row)
    return Grid(
        "Reads that brought no numbers. They are left out, and nothing is estimated in their "
        "place.",
        ("Post", "Account", "Age", "What happened", "Why"),
        (),
        tuple(rows.values()),
    )
