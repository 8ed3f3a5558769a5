"""Verbs of who reads the numbers."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot.app.content import SPECS, Paths
from bot.app.storage import settings
from bot.app.workspace import Workspace, open_readonly
from bot.authority.access import Access
from bot.authority.users import Right
from bot.cli.output import (
    WRITTEN,
    Output,
    in_readonly,
    in_workspace,
    json_option,
    places,
    print_json,
    somebody,
)
from bot.cli.proof import proved
from bot.cli.terminal import show, show_fitting, table
from bot.content.report_words import ENGLISH, FOLDER, to_translate
from bot.content.zones import shown
from bot.engagement import export as exports
from bot.engagement import monthly_files
from bot.engagement.ages import AGES
from bot.engagement.collector import Collector
from bot.engagement.judged import GROUPINGS, JUDGED_BY
from bot.engagement.monthly import Period
from bot.engagement.monthly_text import monthly_lines
from bot.engagement.presenter import Grid, Presented, page
from bot.engagement.report import Reporter
from bot.engagement.report_text import OWN_AUDIENCE, WHY_NO_BEST_TIME
from bot.errors import OperatorError
from bot.operations.channels import channels_of
from bot.operations.digest import digest_of, monthly, sign_off
from bot.settings.private import write_private

_BARS = "▁▂▃▄▅▆▇█"


@in_workspace
def collect(workspace: Workspace) -> Output:
    """Read the numbers that are due now; a running service does so by itself."""
    store, clock = workspace.store, workspace.clock
    with closing(workspace.connections()) as connections:
        campaign, platform = workspace.campaign, connections.platform
        tally = Collector(store, clock, lambda: campaign, platform, SPECS.__getitem__).run()
    line = (
        f"{tally.taken} read, {tally.put_off} tried again later, {tally.failed} failed, "
        f"{tally.missed} missed, {tally.gone} gone; followers of {tally.followers} account(s)"
    )
    return Output(tally, [line])


@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@in_readonly
def export(workspace: Workspace, folder: Path) -> Output:
    """Write deliveries, snapshots and provenance to FOLDER: CSV, JSON Lines, data dictionary."""
    counts = exports.export(workspace.store, folder)
    now, where = workspace.clock.now(), folder.name
    workspace.store.audit.write("command line", "export", where, detail=counts, now=now)
    files = (f"{folder / name}.csv, .jsonl: {counts[name]} rows" for name in counts)
    return Output(counts, [*files, f"{folder / 'data-dictionary.md'}: what the columns mean"])


@click.option("--print", "only_print", is_flag=True, help="Show it and send nothing.")
@json_option
@places
def digest(paths: Paths, only_print: bool, as_json: bool) -> None:
    """Send the last seven days' summary to VERBATIM_ALERTS; `run` does so each Monday."""
    with open_readonly(paths) as workspace:
        channels = channels_of(tuple(map(str, settings().alerts)))
        wanted = digest_of(
            workspace.store, workspace.clock, lambda: workspace.rendered, SPECS, channels
        )
        message = wanted.message()
        if not (only_print or as_json) and not wanted.send(message):
            raise OperatorError("not sent: set VERBATIM_ALERTS, or see the log for who refused it")
    if as_json:
        print_json({"title": message.title, "text": message.text, "html": message.html})
    else:
        lines = (message.title, "", *message.text.splitlines())
        show_fitting(*(lines if only_print else (f"sent: {message.title}",)))


@click.option("--by", type=click.Choice(GROUPINGS), default="post", show_default=True,
              help="What to compare.")  # fmt: skip
@click.option("--since", metavar="DAY", help="Only posts from this day on, such as 2026-12-09.")
@click.option("--post", metavar="ID", help="All numbers of one post.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--html", type=WRITTEN, metavar="FILE",
              help="Write the whole report as one web page.")  # fmt: skip
@json_option
@places
def engagement(
    paths: Paths,
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
    with open_readonly(paths) as workspace:
        start = _day(since, workspace.campaign.zone) if since else None
        reporter = Reporter(workspace.store, workspace.clock, workspace.campaign, SPECS)
        report = reporter.report(since=start, post=post)
        if post is not None and not report.posts:
            raise OperatorError(
                f"nothing of {post!r} has gone out{' since then' if report.chosen.since else ''}"
            )
        if html is not None:
            write_private(html, page(report))
            count = sum(each.n for each in report.posts.values())
            show(f"{html}: {count} statuses", err=as_json or as_csv)
        if as_json:
            print_json(exports.json_of(report, by))
        elif as_csv:
            csv.writer(sys.stdout).writerows(exports.csv_of(report, by))
        elif html is None:
            title = f"{post or report.campaign}, as of {shown(report.at, report.zone)}"
            _print(Presented(report), by, title, only=post)


@click.option(
    "--month", metavar="MONTH", default="", help="Such as 2026-12; last month, where left out."
)
@click.option("--from", "first", metavar="DAY", default="", help="Other days: the first of them.")
@click.option("--to", "last", metavar="DAY", default="", help="The last of them.")
@click.option("--html", type=WRITTEN, metavar="FILE", help="Write it as one web page.")
@click.option("--pdf", type=WRITTEN, metavar="FILE", help="Write it to be printed.")
@click.option("--xlsx", type=WRITTEN, metavar="FILE", help="Write it as a workbook.")
@click.option("--lang", metavar="LANG", default=ENGLISH, show_default=True,
              help="Language of the report's own words; quotations keep theirs.")  # fmt: skip
@click.option("--catalogue", metavar="LANG", default="",
              help="Print the words to be translated, as a file of posts/reports.")  # fmt: skip
@click.option("--as", "by", metavar="NAME", callback=somebody,
              help="Sign it off first: an approver answers for it.")  # fmt: skip
@in_readonly
def report(
    workspace: Workspace, month: str, first: str, last: str, html: Path | None,
    pdf: Path | None, xlsx: Path | None, lang: str, catalogue: str, by: str | None,
) -> Output:  # fmt: skip
    """Report on a month: posts, what they brought, followers, corrections, cost, what is missing.

    Each number stands beside the month before. Asks no server and spends nothing.
    """
    store, clock, rendered = workspace.store, workspace.clock, workspace.rendered
    if catalogue:
        content = to_translate(catalogue, rendered.campaign.report_words)
        value = {"file": f"{FOLDER}/{catalogue}.yaml", "content": content}
        return Output(value, content.splitlines(), whole=True)
    try:
        today = clock.now().astimezone(rendered.campaign.zone).date()
        period = Period.read(month, first, last, today)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    made = monthly(store, clock, rendered, period, lang)
    if lacking := made.words.lacking:
        show(f"in English, as {lang} has no words for it: {', '.join(lacking)}", err=True)
    if by is not None:
        by = proved(Access(store, clock), workspace.mode, by, Right.APPROVE)
        sign_off(store, clock, made, by=by)
        made = monthly(store, clock, rendered, period, lang)
    writers = ((html, monthly_files.page), (pdf, monthly_files.pdf), (xlsx, monthly_files.workbook))
    files = [(file, write(made)) for file, write in writers if file is not None]
    for file, written in files:
        write_private(file, written)
    told = [f"{file}: {made.title}" for file, _written in files]
    lines = () if told else monthly_lines(made)
    return Output(monthly_files.json_of(made), lines, files=told)


def _day(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-12-09") from None


def _print(report: Presented, by: str, title: str, *, only: str | None) -> None:
    if only is not None:
        notes = [report.every_age.caption]
        show(title, *_grid(report.every_age))
    elif by in JUDGED_BY:
        ratios = report.ratios[by]
        head = (ratios.what.lower(), "ratio (80 %)", "", "n", "growth", "as of")
        # A passage stands with its place; posts have their names only.
        names = (f"{row.name}  {row.detail}" if row.name_lang else row.name for row in ratios.rows)
        rows = [(name, row.ratio, row.verdict, row.n, _spark(row.growth_plot), row.as_of)
                for name, row in zip(names, ratios.rows, strict=True)]  # fmt: skip
        show(title, *table(head, rows))
        notes = [f"{ratios.caption} Growth: {', '.join(AGES)}."]
    else:
        show(title, *_grid(report.usual[by]), "", *_grid(report.growth[by]))
        notes = [OWN_AUDIENCE]
    if by == "slot":
        notes.append(f"Time of day: {report.day_verdict} {WHY_NO_BEST_TIME}")
    costs = (f"{account}: {text}" for account, text in report.costs.items())
    show_fitting(*notes, *report.lacking, *costs)


def _grid(grid: Grid) -> Iterator[str]:
    head = [name.lower() for name in (*grid.words, *grid.numbers)]
    return table(head, grid.rows, words=len(grid.words))


def _spark(growth: Sequence[float | None]) -> str:
    """Draw growth from age to age in one line of text; · is an age without numbers."""
    top = max((value for value in growth if value is not None), default=0) or 1
    return "".join(
        "·" if value is None else _BARS[min(7, int(8 * value / top))] for value in growth
    )
