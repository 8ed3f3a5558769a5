"""`engagement`: what worked, in the terminal or as a file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.commands.common import Places, json_option, places, print_json
from bot.core.engagement import AGES
from bot.core.judging import ENOUGH
from bot.core.zones import shown
from bot.errors import OperatorError
from bot.services.page import KINDS, page
from bot.services.readings import Reading
from bot.services.reporter import GROUPINGS, Line, Report, Typical
from bot.services.telling import (
    BLANKS,
    WHY_NO_BEST_TIME,
    cost_told,
    day_verdict,
    excerpt_told,
    lacking_told,
    number,
    ratio,
    standing_told,
)
from bot.wiring.desk import looking
from bot.wiring.engagement import reporter

_BARS = "▁▂▃▄▅▆▇█"


@click.command()
@click.option("--by", type=click.Choice(GROUPINGS), default="post", show_default=True,
              help="What to compare.")  # fmt: skip
@click.option("--since", metavar="DAY", help="Only posts from this day on, such as 2026-12-09.")
@click.option("--post", metavar="ID", help="All numbers of one post.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the whole report as one web page.")  # fmt: skip
@json_option
@places
def command(
    where: Places,
    by: str,
    since: str | None,
    post: str | None,
    as_csv: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show what worked: each post against its own account's median, with its uncertainty.

    Asks no server and spends nothing; `run` and `collect` read the numbers.
    """
    with looking(where.config, where.posts, where.data) as place:
        start = _day(since, place.campaign.zone) if since else None
        report = reporter(place).report(since=start, post=post)
    if post is not None and not report.readings:
        raise OperatorError(f"nothing of {post!r} has gone out{' since then' if since else ''}")
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
        click.echo(f"{html}: {len(report.readings)} statuses", err=as_json or as_csv)
    if as_json:
        print_json(_plain(report, by))
    elif as_csv:
        csv.writer(sys.stdout).writerows(_csv(report, by))
    elif html is None:
        _print(report, by, post)


def _day(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-12-09") from None


def _usual(report: Report, by: str) -> Sequence[Typical]:
    return report.accounts if by == "account" else report.platforms


def _print(report: Report, by: str, post: str | None) -> None:
    console = Console()
    if post is not None:
        console.print(_post_table(report))
    elif by in report.lines:
        console.print(_ratio_table(report, by))
    else:
        console.print(_usual_table(report, by))
    for line in _notes(report, by):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _ratio_table(report: Report, by: str) -> Table:
    table = _table(f"{report.campaign}, as of {shown(report.at, report.zone)}")
    table.add_column(by, overflow="fold", min_width=10)
    table.add_column("ratio (80 %)", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("growth", no_wrap=True)
    table.add_column("as of", no_wrap=True)
    for line in report.lines[by]:
        table.add_row(_name(line, by), ratio(line), standing_told(line), str(line.n),
                      spark(line.growth), _as_of(line, report.zone))  # fmt: skip
    return table


def _usual_table(report: Report, by: str) -> Table:
    table = _table(f"{report.campaign}, as of {shown(report.at, report.zone)}")
    for name in (
        by,
        "age",
        "n",
        "median",
        "per 1,000 followers",
        "per 1,000 impressions",
        "growth",
    ):
        table.add_column(name, justify="left" if name in {by, "age", "growth"} else "right")
    for one in _usual(report, by):
        table.add_row(one.name, one.age or "–", str(one.n), number(one.median),
                      number(one.per_1000_followers, 2), number(one.per_1000_impressions, 1),
                      spark(one.growth))  # fmt: skip
    return table


def _post_table(report: Report) -> Table:
    table = _table(f"{report.readings[0].post_id}, as of {shown(report.at, report.zone)}")
    for name in ("account", "age", *KINDS, "read"):
        table.add_column(name, justify="left" if name in {"account", "age", "read"} else "right")
    for one in report.readings:
        for age in AGES:
            known, blank = one.numbers.get(age), one.blanks.get(age)
            told = shown(one.taken_at[age], report.zone) if known else _blank(blank)
            counts = [number(getattr(known, kind) if known else None) for kind in KINDS]
            table.add_row(one.account, age, *counts, told)
    return table


def _blank(blank: tuple[Any, str] | None) -> str:
    if blank is None:
        return "not yet"
    outcome, reason = blank
    told = "not yet" if outcome.value == "DUE" and not reason else BLANKS[outcome]
    return f"{told}: {reason}" if reason else told


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", show_edge=False, pad_edge=False, box=None,
                 header_style="bold", padding=(0, 2, 0, 0))  # fmt: skip


def _name(line: Line, by: str) -> Text:
    if by == "excerpt" and line.words:
        return Text.assemble(line.words, "\n", (excerpt_told(line.name), "dim"))
    return Text(line.name)


def _as_of(line: Line, zone: ZoneInfo) -> str:
    return f"{line.as_of.astimezone(zone):%d %b %H:%M}" if line.as_of else "–"


def spark(growth: Sequence[float | None]) -> str:
    """Draw growth from age to age in one line of text; · is an age without numbers."""
    top = max((value for value in growth if value is not None), default=0) or 1
    return "".join(
        "·" if value is None else _BARS[min(7, int(8 * value / top))] for value in growth
    )


def _notes(report: Report, by: str) -> Iterator[str]:
    if by in report.lines:
        usual = "the median of its own account at the same age" if by == "post" else "the average"
        yield f"1× is {usual}; a range that crosses 1 may be chance. Growth: {', '.join(AGES)}."
    else:
        yield "An account is compared with itself only: audiences differ."
    if by == "slot":
        yield f"Time of day: {day_verdict(report.day_parts)} {WHY_NO_BEST_TIME}"
    yield from lacking_told(report.lacking)
    yield from (f"{one.account}: {cost_told(one)}" for one in report.costs)


def _plain(report: Report, by: str) -> dict[str, Any]:
    return {
        "campaign": report.campaign,
        "as_of": report.at,
        "since": report.since,
        "by": by,
        "lines": report.lines[by] if by in report.lines else _usual(report, by),
        "ages": list(AGES),
        "time_of_day": {"differs": report.day_parts.differs, "why": WHY_NO_BEST_TIME,
                        "lines": report.day_parts.lines},
        "lacking": report.lacking,
        "enough": ENOUGH,
        "statuses": [_status(one) for one in report.readings],
        "without_numbers": report.blanks,
        "costs": report.costs,
    }  # fmt: skip


def _status(one: Reading) -> dict[str, Any]:
    """Return a reading as one flat object."""
    shared = one.publication
    names = ("theme", "excerpt", "form", "slot", "lang", "queue")
    own = {each.name: getattr(one, each.name) for each in fields(one)}
    del own["publication"]
    return {
        "post_id": one.post_id, "occurrence": shared.occurrence, "account": one.account,
        "platform": one.platform, **own,
        "labels": {name: getattr(shared, name) for name in names},
    }  # fmt: skip


def _csv(report: Report, by: str) -> Iterator[Sequence[object]]:
    if by in report.lines:
        yield (by, "words", "n", "ratio", "low", "high", "as_of", *AGES)
        for line in report.lines[by]:
            yield (line.name, line.words, line.n, line.ratio, line.low, line.high, line.as_of,
                   *line.growth)  # fmt: skip
        return
    yield (
        by,
        "platform",
        "age",
        "n",
        "median",
        "per_1000_followers",
        "per_1000_impressions",
        *AGES,
    )
    for one in _usual(report, by):
        yield (one.name, one.platform, one.age, one.n, one.median, one.per_1000_followers,
               one.per_1000_impressions, *one.growth)  # fmt: skip
