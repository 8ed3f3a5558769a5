"""The report as people read it: every label, number and sentence, ready to be laid out.

The terminal, the desk, the file and the mail read one `Presented`, and only differ in how they lay
it out; the file is laid out here. Programs get the report itself (`bot.engagement.export`).
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot import visible
from bot.content.zones import brief, shown
from bot.db.lazy import ReadOnce
from bot.delivery.model import State
from bot.engagement import charts, report_text
from bot.engagement.ages import AGES, KINDS, total
from bot.engagement.charts import Chart
from bot.engagement.judged import NOT_JUDGED_BY
from bot.engagement.readings import Reading
from bot.engagement.report import ByGrouping, Line, Report, Typical, blanks_of
from bot.engagement.report_text import BLANKS, UNTOLD, gained, number, ratio
from bot.engagement.snapshots import SnapshotState

#: Rows of a table of posts.
MOST_ROWS = 100
_ONLY_NEWEST = f" These are the newest {MOST_ROWS}; `export` has all."
_ONLY_BEST = f" These are the first {MOST_ROWS}; `engagement --csv` has all."
#: Where the templates and styles of reports are; the desk shows a month's body, too.
FOLDER = Path(__file__).parent / "reporting"

_Row = TypeVar("_Row")


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
    rows: Sequence[tuple[str, ...]]
    #: Where each row's post can be read; empty where none can.
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Presented:
    """A report as people read it; each part is made when it is first asked for."""

    report: Report
    #: The growth chart and the numbers are of this account only; of all, where it is empty.
    account: str = ""

    @ReadOnce
    def ratios(self) -> Mapping[str, RatioTable]:
        """Posts or groups of posts, by grouping."""
        return ByGrouping(lambda by: self._table(by, self.report.lines[by]))

    @ReadOnce
    def day_parts(self) -> RatioTable:
        return self._table("time", self.report.day_parts)

    def _table(self, by: str, lines: Sequence[Line]) -> RatioTable:
        title, what, about = report_text.GROUPS[by]
        caption, unit = report_text.BETWEEN_GROUPS, "Posts"
        if by == "post":
            caption, unit = report_text.BETWEEN_POSTS, "Accounts"
        rows = tuple(_row(by, line, self.report.zone) for line in lines[:MOST_ROWS])
        caption += _ONLY_BEST if len(lines) > MOST_ROWS else ""
        return RatioTable(title, what, about, caption, unit, rows)

    @property
    def day_verdict(self) -> str:
        if self.report.day_parts_differ:
            return "Some hours differ by more than chance. That need not be the hour."
        return "No difference shown."

    @property
    def headlines(self) -> tuple[str, ...]:
        """What the numbers carry, and what they do not, in a few sentences."""
        trends = Counter(line.trend for line in self.report.lines["post"])
        ups, downs, even = (trends[trend] for trend in ("up", "down", "even"))
        if not ups + downs + even:
            return ("There is not enough yet to judge any post.",)
        lines = [
            f"Of {ups + downs + even} posts, {ups} did better than usual and {downs} worse; "
            f"for the other {even} the numbers cannot tell."
        ]
        if row := self._first_up("post"):
            called = f"{row.detail} ({row.name})" if row.detail else row.name
            lines.append(f"Furthest ahead: {called}, {row.ratio} the usual.")
        for by in ("theme", "excerpt", "form"):
            if row := self._first_up(by):
                what = self.ratios[by].what
                lines.append(f"{what} ahead of the average: {row.name}, {row.ratio}.")
        return tuple(lines)

    def _first_up(self, by: str) -> Row | None:
        ups = (line for line in self.report.lines[by] if line.trend == "up")
        return next((_row(by, line, self.report.zone) for line in ups), None)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What each platform lacks before it can be judged."""
        lacking = self.report.lacking.items()
        return tuple(f"{name}: not enough yet, {missing} more needed" for name, missing in lacking)

    @property
    def tiles(self) -> Iterator[tuple[str, str]]:
        posts, costs = self.report.posts, self.report.costs
        gains = [gain for gain in map(gained, self.report.followers.values()) if gain is not None]
        yield "posts", str(len(posts))
        yield "statuses on all accounts", str(sum(post.n for post in posts.values()))
        counted = [post.judged for post in posts.values() if post.counted]
        yield "engagements", number(sum(counted) if counted else None)
        yield "followers gained", number(sum(gains) if gains else None)
        if costs:
            yield "US dollars spent this month", number(sum(month.spent for month in costs), 2)

    @ReadOnce
    def usual(self) -> Mapping[str, Grid]:
        """What is usual on each ``account`` and ``platform``."""
        return {
            by: Grid(
                f"What is usual on each {by}, at the oldest age with enough numbers. “–” is a "
                "number that the platform does not tell; it is never 0.",
                (by.capitalize(), "Age"),
                ("Posts", "Median engagements", "per 1,000 followers", "per 1,000 impressions",
                 "Followers", "gained"),
                tuple(self._usual_row(by, group) for group in self.report.usual[by]),
            )
            for by in NOT_JUDGED_BY
        }  # fmt: skip

    def _usual_row(self, by: str, group: Typical) -> tuple[str, ...]:
        ours = [group] if by == "account" else self.report.accounts_on(group.name)
        days = {each: self.report.followers.get(each.name, {}) for each in ours}
        last = (known[max(known)] if known else each.followers for each, known in days.items())
        return (
            group.name,
            group.age or UNTOLD,
            str(group.n),
            number(group.median),
            number(group.per_1000_followers, 2),
            number(group.per_1000_impressions, 1),
            number(total(last)),
            number(total(map(gained, days.values()))),
        )

    @ReadOnce
    def growth(self) -> Mapping[str, Grid]:
        """Mean engagements of a post at each age, by ``account`` and ``platform``."""
        return {
            by: Grid(
                "Mean engagements of a post at each age; only of posts that were read then.",
                (by.capitalize(),),
                tuple(AGES),
                tuple((group.name, *(number(mean, 1) for mean in group.growth))
                      for group in self.report.usual[by]),
            )
            for by in NOT_JUDGED_BY
        }  # fmt: skip

    @ReadOnce
    def charted(self) -> Sequence[str]:
        """Accounts of all charts, also without a post or no longer in the schedule."""
        return sorted(
            {*self.report.followers, *(each.name for each in self.report.usual["account"])}
        )

    @ReadOnce
    def growth_chart(self) -> Chart | None:
        means = {group.name: group.growth for group in self.report.usual["account"]
                 if self.account in {"", group.name}}  # fmt: skip
        return charts.growth_chart(means)

    @ReadOnce
    def follower_chart(self) -> Chart | None:
        return charts.follower_chart(self.report.followers)

    @ReadOnce
    def numbers(self) -> Grid:
        """Every post on every account, at the age at which it is judged; of many, the newest."""
        rows, links = [], []
        newest, note = _newest(self.report.newest(MOST_ROWS + 1, self.account))
        ratios = self.report.own(post.id for post in newest)
        for post in newest:
            own = ratios.get(post.id)
            gone = "" if post.state is State.SENT else f" ({post.state.value.lower()})"
            rows.append((
                post.post_id,
                post.account,
                f"{brief(post.sent_at, self.report.zone)}{gone}",
                post.age or UNTOLD,
                *_counts(post, post.age),
                ratio((own.known.mean, *own.known.interval()) if own else None),
            ))  # fmt: skip
            links.append(post.url if urlsplit(post.url).scheme in {"https", "http"} else "")
        return Grid(
            f"Numbers at the age at which each post is judged. “–” is untold, never 0.{note}",
            ("Post", "Account", "Sent", "Age"),
            (*KINDS, "Ratio"),
            tuple(rows),
            tuple(links),
        )

    @property
    def every_age(self) -> Grid:
        """Every post on every account, at every age."""
        rows = []
        newest, note = _newest(self.report.newest(MOST_ROWS + 1, self.account))
        for post in newest:
            for age in AGES:
                outcome, reason = post.blanks.get(age, (SnapshotState.DUE, ""))
                what = BLANKS[outcome] if reason or outcome is not SnapshotState.DUE else "not yet"
                read = f"{what}: {reason}" if reason else what
                if age in post.taken_at:
                    read = shown(post.taken_at[age], self.report.zone)
                rows.append((post.account, age, read, *_counts(post, age)))
        caption = f"All numbers that were read.{note}"
        return Grid(caption, ("Account", "Age", "Read"), KINDS, tuple(rows))

    @ReadOnce
    def missing(self) -> Grid:
        rows: dict[tuple[str, ...], tuple[str, ...]] = {}
        readings = self.report.newest(MOST_ROWS + 1, only_blank=True)
        for blank in chain.from_iterable(map(blanks_of, readings)):
            # Gone once is gone at every later age.
            age = "" if blank.outcome is SnapshotState.GONE else blank.age
            row = blank.post_id, blank.account, blank.age, BLANKS[blank.outcome], blank.reason
            rows.setdefault((blank.post_id, blank.account, blank.outcome, age), row)
        newest, note = _newest(tuple(rows.values()))
        return Grid(
            "Reads that brought no numbers. They are left out, and nothing is estimated in their "
            f"place.{note}",
            ("Post", "Account", "Age", "What happened", "Why"),
            (),
            newest,
        )

    @ReadOnce
    def costs(self) -> Mapping[str, str]:
        """How each account's month stands."""
        return {month.account: report_text.cost_text(month) for month in self.report.costs}

    @ReadOnce
    def cost_items(self) -> Mapping[str, Grid]:
        """What each account pays for."""
        grids = {}
        for month in self.report.costs:
            items = {
                **month.by_action,
                "posts to come this month": month.posts_to_come,
                "reads to come this month": month.reads_to_come,
                "expected in all": month.expected,
            }
            grids[month.account] = Grid(
                f"US dollars, {month.month} (UTC); booked before each call. Reads are statuses, "
                "each once a day at most, and followers once a day.",
                ("For",),
                ("USD",),
                tuple((name, f"{cost:.3f}") for name, cost in items.items()),
            )
        return grids


def _newest(rows: Sequence[_Row]) -> tuple[Sequence[_Row], str]:
    """Return as many as a table shows, and what is said where that leaves older ones out."""
    return rows[-MOST_ROWS:], _ONLY_NEWEST if len(rows) > MOST_ROWS else ""


def html_file(template: str, styles: Sequence[str], **values: object) -> str:
    """Return a template of ours as one HTML file: no script, nothing loaded."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=visible.shown,
    )  # fmt: skip
    style = "".join((FOLDER / name).read_text(encoding="utf-8") for name in styles)
    values["style"] = Markup(style)  # noqa: S704 - our own files
    values["style_hash"] = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(values)


def page(report: Report) -> str:
    """Return the report as one HTML file, with the same numbers as tables."""
    return html_file(
        "report.html.j2", ("report.css",), source=report, report=Presented(report),
        zone=report.zone, charts=charts, shown=shown, text=report_text,
    )  # fmt: skip


def _row(by: str, line: Line, zone: ZoneInfo) -> Row:
    name, lang, detail, detail_lang = line.name, "", line.words, line.lang
    if by == "excerpt" and line.words:
        # People know a passage by its words; ``letter:60-89`` is the letter's characters 60 to 89.
        source, _, stretch = line.name.rpartition(":")
        name, lang = line.words, line.lang
        detail, detail_lang = f"{source}, characters {stretch.replace('-', '–')}", "en"
    plot, trend = None, line.trend
    if line.ratio is not None and line.low is not None and line.high is not None:
        plot = line.ratio, line.low, line.high
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
        as_of=brief(line.as_of, zone).rpartition(" ")[0] if line.as_of else UNTOLD,
    )


def _counts(post: Reading, age: str) -> Iterator[str]:
    known = post.numbers.get(age)
    return (number(getattr(known, kind) if known else None) for kind in KINDS)
