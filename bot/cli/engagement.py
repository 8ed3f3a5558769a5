"""`engagement`: what worked, in the terminal or as a file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.app.desk import open_readonly
from bot.app.engagement import reporter
from bot.cli.output import Places, json_option, places, print_json
from bot.content.zones import shown
from bot.engagement.ages import AGES
from bot.engagement.export import csv_of, json_of
from bot.engagement.presenter import Grid, Presented, RatioTable, Row, page
from bot.engagement.report import GROUPINGS
from bot.engagement.report_text import OWN_AUDIENCE, WHY_NO_BEST_TIME
from bot.errors import OperatorError

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
    with open_readonly(where.config, where.posts, where.data) as place:
        start = _day(since, place.campaign.zone) if since else None
        report = reporter(place).report(since=start, post=post)
    if post is not None and not report.readings:
        raise OperatorError(f"nothing of {post!r} has gone out{' since then' if since else ''}")
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
        click.echo(f"{html}: {len(report.readings)} statuses", err=as_json or as_csv)
    if as_json:
        print_json(json_of(report, by))
    elif as_csv:
        csv.writer(sys.stdout).writerows(csv_of(report, by))
    elif html is None:
        title = f"{post or report.campaign}, as of {shown(report.at, report.zone)}"
        _print(Presented(report), by, title, only=post)


def _day(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-12-09") from None


def _print(report: Presented, by: str, title: str, *, only: str | None) -> None:
    console, notes = Console(), []
    if only is not None:
        console.print(_grid(report.every_age, title))
    elif by in report.ratios:
        console.print(_ratios(report.ratios[by], title))
        notes = [f"{report.ratios[by].caption} Growth: {', '.join(AGES)}."]
    else:
        console.print(_grid(report.usual[by], title))
        console.print(_grid(report.growth[by], ""))
        notes = [OWN_AUDIENCE]
    if by == "slot":
        notes.append(f"Time of day: {report.day_verdict} {WHY_NO_BEST_TIME}")
    costs = (f"{account}: {text}" for account, text in report.costs.items())
    for line in (*notes, *report.lacking, *costs):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _ratios(ratios: RatioTable, title: str) -> Table:
    table = _table(title)
    table.add_column(ratios.what.lower(), overflow="fold", min_width=10)
    table.add_column("ratio (80 %)", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("growth", no_wrap=True)
    table.add_column("as of", no_wrap=True)
    for row in ratios.rows:
        table.add_row(_name(row), row.ratio, row.verdict, row.n, spark(row.growth_plot), row.as_of)
    return table


def _name(row: Row) -> Text:
    """Write a passage with its place below; posts have their names only, to stay on one line."""
    name = Text(row.name)
    return name.append(f"\n{row.detail}", "dim") if row.name_lang else name


def _grid(grid: Grid, title: str) -> Table:
    table = _table(title)
    for name in grid.words:
        table.add_column(name.lower(), no_wrap=name == grid.words[0])
    for name in grid.numbers:
        table.add_column(name.lower(), justify="right")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", show_edge=False, pad_edge=False, box=None,
                 header_style="bold", padding=(0, 2, 0, 0))  # fmt: skip


def spark(growth: Sequence[float | None]) -> str:
    """Draw growth from age to age in one line of text; · is an age without numbers."""
    top = max((value for value in growth if value is not None), default=0) or 1
    return "".join(
        "·" if value is None else _BARS[min(7, int(8 * value / top))] for value in growth
    )
