"""The report as people read it: every label, number and sentence, ready to be laid out.

The terminal, the desk, the file and the mail read one `Presented`, and only differ in how they lay
it out. Programs get the report itself (`bot.engagement.export`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.content.zones import shown
from bot.delivery.model import State
from bot.engagement.ages import AGES
from bot.engagement.charts import Chart, follower_chart, growth_chart
from bot.engagement.costs import Forecast
from bot.engagement.readings import Reading
from bot.engagement.report import JUDGED_BY, Blank, Line, Report, Typical
from bot.engagement.report_text import (
    BETWEEN_GROUPS,
    BETWEEN_POSTS,
    BLANKS,
    GROUPS,
    UNTOLD,
    VERDICTS,
    cost_text,
    day_verdict,
    gained,
    number,
    place,
    ratio,
    trend_of,
    why_unread,
)
from bot.engagement.snapshots import SnapshotState
from bot.platforms.status import Metrics

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

    id: str
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
        return tuple(one for one in self.rows if one.plot)


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


def present(report: Report, *, account: str = "") -> Presented:
    """Present a report; chart and numbers of one account only, where it is named."""
    zone = report.zone
    ratios = {by: _ratio_table(by, report.lines[by], zone) for by in JUDGED_BY}
    readings = [one for one in report.readings if account in {"", one.account}]
    groups = {"account": report.accounts, "platform": report.platforms}
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
        day_verdict=day_verdict(report.day_parts),
        usual={by: _usual(by, group, report.followers) for by, group in groups.items()},
        growth={by: _growth(by, group) for by, group in groups.items()},
        growth_chart=growth_chart({one.name: one.growth for one in report.accounts
                                   if account in {"", one.name}}),
        follower_chart=follower_chart(report.followers),
        numbers=_numbers(readings, report),
        every_age=_every_age(readings, zone),
        missing=_missing(report.blanks),
        costs={one.account: cost_text(one) for one in report.costs},
        cost_items={one.account: _cost_items(one) for one in report.costs},
    )  # fmt: skip


# -- ratios


def _ratio_table(by: str, lines: Iterable[Line], zone: ZoneInfo) -> RatioTable:
    title, what, about = GROUPS[by]
    caption, unit = (BETWEEN_POSTS, "Accounts") if by == "post" else (BETWEEN_GROUPS, "Posts")
    rows = tuple(_row(by, line, zone) for line in lines)
    return RatioTable(by, title, what, about, caption, unit, rows)


def _row(by: str, line: Line, zone: ZoneInfo) -> Row:
    name, lang, detail, detail_lang = line.name, "", line.words, line.lang
    if by == "excerpt" and line.words:
        # People know a passage by its words.
        name, lang, detail, detail_lang = line.words, line.lang, place(line.name), "en"
    trend = trend_of(line.low, line.high)
    return Row(
        name=name,
        name_lang=lang,
        detail=detail,
        detail_lang=detail_lang,
        ratio=ratio(line.ratio, line.low, line.high),
        trend=trend,
        verdict=VERDICTS[trend],
        plot=_plot(line),
        n=str(line.n),
        growth=" · ".join(number(one) for one in line.growth),
        growth_plot=line.growth,
        as_of=f"{line.as_of.astimezone(zone):%d %b %Y}" if line.as_of else UNTOLD,
    )


def _plot(line: Line) -> tuple[float, float, float] | None:
    if line.ratio is None or line.low is None or line.high is None:
        return None
    return line.ratio, line.low, line.high


def _headlines(ratios: Mapping[str, RatioTable]) -> Iterator[str]:
    judged = ratios["post"].judged
    if not judged:
        yield "There is not enough yet to judge any post."
        return
    ups = [one for one in judged if one.trend == "up"]
    downs = [one for one in judged if one.trend == "down"]
    yield (
        f"Of {len(judged)} posts, {len(ups)} did better than usual and {len(downs)} worse; "
        f"for the other {len(judged) - len(ups) - len(downs)} the numbers cannot tell."
    )
    if ups:
        yield f"Furthest ahead: {ups[0].label}, {ups[0].ratio} the usual."
    for table in (ratios["theme"], ratios["excerpt"], ratios["form"]):
        first = next((one for one in table.judged if one.trend == "up"), None)
        if first:
            yield f"{table.what} ahead of the average: {first.name}, {first.ratio}."


# -- accounts and platforms


def _tiles(report: Report) -> Iterator[tuple[str, str]]:
    gains = [gain for days in report.followers.values() if (gain := gained(days)) is not None]
    yield "posts", str(len({one.post_id for one in report.readings}))
    yield "statuses on all accounts", str(len(report.readings))
    yield "engagements", number(sum(one.count(one.age) or 0 for one in report.readings))
    yield "followers gained", number(sum(gains) if gains else None)
    if report.costs:
        spent = sum(one.spent for one in report.costs)
        yield "US dollars spent this month", number(spent, 2)


def _usual(by: str, group: Iterable[Typical], followers: Mapping[str, Mapping[str, int]]) -> Grid:
    rows = []
    for one in group:
        days = followers.get(one.name, {})
        rows.append((
            one.name,
            one.age or UNTOLD,
            str(one.n),
            number(one.median),
            number(one.per_1000_followers, 2),
            number(one.per_1000_impressions, 1),
            number(days[max(days)] if days else one.followers),
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


def _growth(by: str, group: Iterable[Typical]) -> Grid:
    return Grid(
        "Mean engagements of a post at each age; only of posts that were read then.",
        (by.capitalize(),),
        tuple(AGES),
        tuple((one.name, *(number(value, 1) for value in one.growth)) for one in group),
    )


def _cost_items(one: Forecast) -> Grid:
    items = {
        **one.by_action,
        "posts to come this month": one.posts_to_come,
        "reads to come this month": one.reads_to_come,
        "expected in all": one.expected,
    }
    return Grid(
        f"US dollars, {one.month} (UTC); booked before each call. Reads are statuses, each once a "
        "day at most, and followers once a day.",
        ("For",),
        ("USD",),
        tuple((name, f"{cost:.3f}") for name, cost in items.items()),
    )


# -- numbers as they were told


def _numbers(readings: Iterable[Reading], report: Report) -> Grid:
    rows, links = [], []
    for one in readings:
        own = report.own.get(one.id)
        gone = "" if one.state is State.SENT else f" ({one.state.value.lower()})"
        rows.append((
            one.post_id,
            one.account,
            f"{one.sent_at.astimezone(report.zone):%d %b %Y %H:%M}{gone}",
            one.age or UNTOLD,
            *_counts(one, one.age),
            ratio(own.known.mean, *own.known.interval()) if own else UNTOLD,
        ))  # fmt: skip
        links.append(one.url if urlsplit(one.url).scheme in {"https", "http"} else "")
    return Grid(
        "Numbers at the age at which each post is judged. “–” is untold, never 0.",
        ("Post", "Account", "Sent", "Age"),
        (*KINDS, "Ratio"),
        tuple(rows),
        tuple(links),
    )


def _every_age(readings: Iterable[Reading], zone: ZoneInfo) -> Grid:
    rows = [
        (
            one.account,
            age,
            shown(one.taken_at[age], zone) if age in one.taken_at else why_unread(one, age),
            *_counts(one, age),
        )
        for one in readings
        for age in AGES
    ]
    return Grid("All numbers that were read.", ("Account", "Age", "Read"), KINDS, tuple(rows))


def _counts(one: Reading, age: str) -> Iterator[str]:
    known = one.numbers.get(age)
    return (number(getattr(known, kind) if known else None) for kind in KINDS)


def _missing(blanks: Iterable[Blank]) -> Grid:
    rows: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one in blanks:
        # Gone once is gone at every later age.
        age = "" if one.outcome is SnapshotState.GONE else one.age
        row = one.post_id, one.account, one.age, BLANKS[one.outcome], one.reason
        rows.setdefault((one.post_id, one.account, one.outcome, age), row)
    return Grid(
        "Reads that brought no numbers. They are left out, and nothing is estimated in their "
        "place.",
        ("Post", "Account", "Age", "What happened", "Why"),
        (),
        tuple(rows.values()),
    )
