"""The report as one HTML file: no script, nothing loaded, the same numbers as tables."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.core.engagement import AGES
from bot.core.model import Metrics, State
from bot.core.zones import shown
from bot.services import charts
from bot.services.readings import Reading
from bot.services.reporter import Line, Report, Typical
from bot.services.telling import (
    BLANKS,
    TERMS,
    WHY_NO_BEST_TIME,
    cost_told,
    day_verdict,
    excerpt_told,
    headlines,
    lacking_told,
    money,
    number,
    ratio,
    standing_told,
)
from bot.store import Outcome

_HOME = Path(__file__).parent / "reporting"
KINDS = tuple(field.name for field in fields(Metrics))
_SECTIONS = (("short", "In short"), ("posts", "Posts"), ("groups", "In common"),
             ("time", "Time of day"), ("accounts", "Accounts"), ("cost", "Cost"),
             ("missing", "Missing"), ("numbers", "All numbers"), ("words", "Words"))  # fmt: skip
#: Posts in the first table; the rest is folded away.
_SHOWN = 20
_GROUPS = (
    ("theme", "Theme", "Theme", "Posts by the theme that their editors gave them."),
    ("excerpt", "Excerpt", "Passage", "Quotations by the passage that they quote."),
    ("form", "Form", "Form", "Quotation, card, link or thread."),
    ("lang", "Language", "Language", "By the language of the text."),
    ("slot", "Slot", "Slot", "By the named slot; see also the time of day below."),
)


def page(report: Report) -> str:
    """Write the whole page."""
    environment = Environment(
        loader=FileSystemLoader(_HOME), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style = (_HOME / "report.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    return environment.get_template("report.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(digest).decode(),
        **_context(report),
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    shown: str
    iso: str
    day: str


def _moment(at: datetime, report: Report) -> _Moment:
    local = at.astimezone(report.zone)
    return _Moment(shown(at, report.zone), local.isoformat(), f"{local:%d %b %Y}")


def _context(report: Report) -> Mapping[str, object]:
    posts = report.lines["post"]
    judged = [one for one in posts if one.ratio is not None]
    return {
        "campaign": report.campaign,
        "timezone": report.timezone,
        "at": _moment(report.at, report),
        "since": _moment(report.since, report) if report.since else None,
        "sections": [one for one in _SECTIONS if one[0] != "cost" or report.costs],
        "headlines": headlines(report),
        "tiles": _tiles(report),
        "lacking": lacking_told(report.lacking),
        "axis": charts.interval_axis(),
        "posts": [_row(one, report) for one in judged[:_SHOWN]],
        "more_posts": [_row(one, report) for one in judged[_SHOWN:]],
        "unjudged": ", ".join(one.name for one in posts if one.ratio is None),
        "groups": [
            {"id": by, "title": title, "what": what, "told": told,
             "rows": [_group_row(by, one, report) for one in report.lines[by]]}
            for by, title, what, told in _GROUPS
            if any(one.ratio is not None for one in report.lines[by])
        ],
        "day_parts": {
            "verdict": day_verdict(report.day_parts),
            "why": WHY_NO_BEST_TIME,
            "rows": [_row(one, report) for one in report.day_parts.lines],
        },
        "growth_chart": _growth_chart(report.accounts),
        "follower_chart": _follower_chart(report.followers),
        "ages": tuple(AGES),
        "accounts": [_account(one, report) for one in report.accounts],
        "costs": [_cost(report, number) for number in range(len(report.costs))],
        "blanks": _blanks(report),
        "kinds": KINDS,
        "numbers": [_numbers(one, report) for one in report.readings],
        "terms": TERMS,
    }  # fmt: skip


def _tiles(report: Report) -> Sequence[tuple[str, str]]:
    total = sum(one.count(one.age) or 0 for one in report.readings)
    posts = len({one.post_id for one in report.readings})
    spent = sum(one.spent for one in report.costs)
    tiles = [
        ("posts", str(posts)),
        ("statuses on all accounts", str(len(report.readings))),
        ("engagements", f"{total:,}"),
        ("followers gained", number(_sum_gained(report))),
    ]
    return [*tiles, ("US dollars on X this month", money(spent))] if report.costs else tiles


def _sum_gained(report: Report) -> int | None:
    gains = [gain for days in report.followers.values() if (gain := _gained(days)) is not None]
    return sum(gains) if gains else None


def _gained(days: Mapping[str, int]) -> int | None:
    known = sorted(days)
    return days[known[-1]] - days[known[0]] if len(known) > 1 else None


def _row(line: Line, report: Report) -> Mapping[str, object]:
    has = line.ratio is not None and line.low is not None and line.high is not None
    plot = charts.interval(line.ratio, line.low, line.high) if has else ""  # type: ignore[arg-type]  # proved by `has`
    return {
        "name": line.name,
        "name_lang": "",
        "words": line.words,
        "lang": line.lang,
        "plot": plot,
        "ratio": ratio(line),
        "standing": charts.standing(line.low, line.high),
        "told": standing_told(line),
        "n": line.n,
        "spark": charts.sparkline(line.growth),
        "growth": " · ".join(number(one) for one in line.growth),
        "as_of": _day(line.as_of, report),
    }


def _group_row(by: str, line: Line, report: Report) -> Mapping[str, object]:
    row = _row(line, report)
    if by != "excerpt" or not line.words:
        return row
    # People know a passage by its words.
    return {**row, "name": line.words, "name_lang": line.lang, "words": excerpt_told(line.name),
            "lang": "en"}  # fmt: skip


def _day(at: datetime | None, report: Report) -> str:
    return f"{at.astimezone(report.zone):%d %b %Y}" if at else "–"


def _growth_chart(accounts: Iterable[Typical]) -> Markup:
    names = tuple(AGES)
    places = [place / (len(names) - 1) for place in range(len(names))]
    series = [
        charts.Series(one.name, list(zip(places, one.growth, strict=True))) for one in accounts
    ]
    told = "; ".join(
        f"{one.name}: {number(one.growth[0])} after 1 hour, {number(one.growth[4])} after 7 days"
        for one in accounts
    )
    ticks = dict(zip(places, names, strict=True))
    return charts.lines("growth", "Growth of a post", told, series, ticks)


def _follower_chart(followers: Mapping[str, Mapping[str, int]]) -> Markup:
    days = sorted({day for counts in followers.values() for day in counts})
    if not days:
        return charts.lines("followers", "Followers gained", "No day is known yet.", [], {})
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    span = max(1, (last - first).days)
    series = []
    for name, counts in followers.items():
        start = counts[min(counts)] if counts else 0
        points = [
            ((date.fromisoformat(day) - first).days / span, float(count - start))
            for day, count in sorted(counts.items())
        ]
        series.append(charts.Series(name, points))
    told = "; ".join(f"{name}: {number(_gained(counts))}" for name, counts in followers.items())
    return charts.lines(
        "followers", "Followers gained", told, series, charts.day_ticks(first, last)
    )


def _account(one: Typical, report: Report) -> Mapping[str, object]:
    days = report.followers.get(one.name, {})
    return {
        "name": one.name,
        "platform": one.platform,
        "age": one.age or "–",
        "n": one.n,
        "median": number(one.median),
        "per_followers": number(one.per_1000_followers, 2),
        "per_impressions": number(one.per_1000_impressions, 1),
        "growth": [number(value, 1) for value in one.growth],
        "followers": number(days[max(days)] if days else one.followers),
        "gained": number(_gained(days)),
    }


def _cost(report: Report, place: int) -> Mapping[str, object]:
    one = report.costs[place]
    items = [
        *one.by_action.items(),
        ("posts to come this month", one.posts_to_come),
        ("reads to come this month", one.reads_to_come),
        ("expected in all", one.expected),
    ]
    return {
        "account": one.account,
        "month": one.month,
        "told": cost_told(one),
        "costs": [(name, f"{cost:.3f}") for name, cost in items],
    }


def _blanks(report: Report) -> Sequence[Mapping[str, str]]:
    seen: set[tuple[str, str]] = set()
    rows = []
    for one in report.blanks:
        if one.outcome is Outcome.GONE and (one.post_id, one.account) in seen:
            continue  # gone once is gone at every later age
        if one.outcome is Outcome.GONE:
            seen.add((one.post_id, one.account))
        rows.append({"post_id": one.post_id, "account": one.account, "age": one.age,
                     "told": BLANKS[one.outcome], "reason": one.reason})  # fmt: skip
    return rows


def _numbers(one: Reading, report: Report) -> Mapping[str, object]:
    known = one.numbers.get(one.age)
    line = report.own.get(one.id)
    is_web = urlsplit(one.url).scheme in {"https", "http"}
    gone = "" if one.state is State.SENT else f" ({one.state.value.lower()})"
    return {
        "post_id": one.post_id,
        "url": one.url if is_web else "",
        "account": one.account,
        "sent": f"{one.sent_at.astimezone(report.zone):%d %b %Y %H:%M}{gone}",
        "age": one.age or "–",
        "counts": [number(getattr(known, kind) if known else None) for kind in KINDS],
        "ratio": ratio(line) if line else "–",
    }
