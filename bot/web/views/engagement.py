"""Engagement: what worked, how sure that is, and every number as its platform told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from bot.core.engagement import AGES
from bot.core.model import Metrics, State
from bot.core.zones import midnight
from bot.services import charts
from bot.services.readings import Reading
from bot.services.reporter import GROUPINGS, Line, Report, Typical
from bot.services.telling import (
    TERMS,
    WHY_NO_BEST_TIME,
    cost_told,
    day_verdict,
    excerpt_told,
    headlines,
    lacking_told,
    number,
    ratio,
    standing_told,
)
from bot.web.answers import Answer, Page
from bot.web.asking import Asked

KINDS = tuple(field.name for field in fields(Metrics))
#: What people choose from: days back; 0 is everything.
PERIODS = {"all": 0, "30d": 30, "90d": 90, "365d": 365}


def page(asked: Asked) -> Answer:
    """Show one grouping, one period and one account or all."""
    house = asked.house
    by, period = asked.choice("by", GROUPINGS), asked.choice("period", tuple(PERIODS))
    accounts = tuple(house.campaign.schedule.accounts)
    account = asked.choice("account", ("", *accounts))
    days = PERIODS[period]
    now, zone = house.clock.now(), house.campaign.zone
    since = midnight(now - timedelta(days=days), zone) if days else None
    report = house.report(since=since, post=None)
    readings = [one for one in report.readings if account in {"", one.account}]
    values = {
        "by": by,
        "period": period,
        "account": account,
        "accounts": accounts,
        "groupings": GROUPINGS,
        "periods": PERIODS,
        "report": report,
        "headlines": headlines(report),
        "lacking": lacking_told(report.lacking),
        "axis": charts.interval_axis(),
        "rows": [_row(one, by) for one in report.lines.get(by, ())],
        "usual": _usual(report, by),
        "chart": growth_chart("growth", readings),
        "numbers": [numbers_of(one, report) for one in reversed(readings)],
        "kinds": KINDS,
        "ages": tuple(AGES),
        "day_verdict": f"{day_verdict(report.day_parts)} {WHY_NO_BEST_TIME}",
        "costs": [(one.account, cost_told(one)) for one in report.costs],
        "terms": TERMS,
    }
    return Page("engagement.html", values)


def _usual(report: Report, by: str) -> Sequence[Mapping[str, Any]]:
    if by not in {"account", "platform"}:
        return ()
    every: Sequence[Typical] = report.accounts if by == "account" else report.platforms
    return [
        {
            "name": one.name,
            "age": one.age or "–",
            "n": one.n,
            "median": number(one.median),
            "followers": number(one.per_1000_followers, 2),
            "impressions": number(one.per_1000_impressions, 1),
            "growth": [number(value, 1) for value in one.growth],
        }
        for one in every
    ]


def _row(line: Line, by: str) -> Mapping[str, Any]:
    has = line.ratio is not None and line.low is not None and line.high is not None
    plot = charts.interval(line.ratio or 1, line.low or 1, line.high or 1) if has else ""
    return {
        "name": excerpt_told(line.name) if by == "excerpt" else line.name,
        "words": line.words,
        "lang": line.lang or "en",
        "link": f"/posts/{line.name}" if by == "post" else "",
        "plot": plot,
        "ratio": ratio(line),
        "standing": charts.standing(line.low, line.high),
        "told": standing_told(line),
        "n": line.n,
        "as_of": line.as_of,
    }


def numbers_of(one: Reading, report: Report) -> Mapping[str, Any]:
    """Give a post's numbers on one account at the age at which it is judged."""
    known, line = one.numbers.get(one.age), report.own.get(one.id)
    return {
        "post": one.post_id,
        "account": one.account,
        "sent": one.sent_at,
        "gone": one.state is not State.SENT,
        "age": one.age or "–",
        "counts": [number(getattr(known, kind) if known else None) for kind in KINDS],
        "ratio": ratio(line) if line else "–",
    }


def growth_chart(id_: str, readings: Sequence[Reading]) -> Markup | str:
    """Draw the mean engagements of a post at each age, a line an account; empty without any."""
    places = [place / (len(AGES) - 1) for place in range(len(AGES))]
    series = []
    for name in dict.fromkeys(one.account for one in readings):
        of_account = [one for one in readings if one.account == name]
        means = [_mean([one.count(age) for one in of_account]) for age in AGES]
        series.append(charts.Series(name, list(zip(places, means, strict=True))))
    if not any(value is not None for one in series for _at, value in one.points):
        return ""
    told = "; ".join(
        f"{one.name}: {', '.join(number(value, 1) for _at, value in one.points)}" for one in series
    )
    ticks = dict(zip(places, AGES, strict=True))
    return charts.lines(id_, "Engagements of a post by its age", told, series, ticks)


def _mean(counts: Sequence[int | None]) -> float | None:
    known = [one for one in counts if one is not None]
    return sum(known) / len(known) if known else None
