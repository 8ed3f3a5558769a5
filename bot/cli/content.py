"""Verbs of who writes: is it right, what will it look like, what comes when."""

from __future__ import annotations

import json
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from bot.app.content import SPECS, Paths, prove_files, read_files
from bot.app.storage import known_store, prove_content, settings
from bot.checks.checking import CheckCache, CheckedContent
from bot.cli.output import Output, in_readonly, json_option, places, print_json, prints
from bot.cli.terminal import show, show_fitting, table
from bot.content.excerpts import located_lines
from bot.content.files import tree_digest
from bot.content.model import Post
from bot.content.quoting import locate
from bot.content.shape import SCHEMA_NAMES, schema_of
from bot.content.values import no_such
from bot.content.zones import shown
from bot.errors import ContentError, DecisionError, Problem, Severity
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.translations import side_lines, sides_of
from bot.settings.private import write_private

# What only one verb needs, and takes long to load, is imported by that verb.
if TYPE_CHECKING:
    from bot.app.workspace import Workspace
    from bot.delivery.model import Delivery
    from bot.engine.rehearsal import RehearsalReport
    from bot.planning.outlook import Outlook

#: Seconds between two looks of `check --watch` at the files.
_LOOK_AGAIN = 0.5
#: Columns of a preview.
_WIDTH = 78


@click.option("--format", "form", type=click.Choice(["text", "github"]), default="text",
              show_default=True, help="github writes annotations for a pull request.")  # fmt: skip
@click.option("--base", metavar="REF",
              help="Leave out warnings and notices that this commit has too.")  # fmt: skip
@click.option("--summary", type=Path, metavar="FILE",
              help="Append a page: problems, and posts that differ from --base.")  # fmt: skip
@click.option("--watch", is_flag=True,
              help="Check again whenever a file changes, until Ctrl-C; prints text.")  # fmt: skip
@prints
def check(paths: Paths, form: str, base: str | None, summary: Path | None, watch: bool) -> Output:
    """Validate everything and print every problem as file:line:col: where: what to do."""
    if watch:
        for content in checked_again(paths, Event().wait):
            show(*_check_output(paths, content, form, base, summary).lines, "")
    return _check_output(paths, prove_content(paths), form, base, summary)


def checked_again(paths: Paths, wait: Callable[[float], object]) -> Iterator[CheckedContent]:
    """Yield what a check finds, now and after each change, until ``wait``, for seconds, is true.

    Only what changed is read anew.
    """
    cache, seen = CheckCache(), ""
    while True:
        found = tree_digest(paths.config, paths.posts)
        if found != seen:
            seen = found
            yield prove_content(paths, cache)
        if wait(_LOOK_AGAIN):
            return


def _check_output(
    paths: Paths, content: CheckedContent, form: str, base: str | None, summary: Path | None
) -> Output:
    from bot.cli import pull_request

    before, known = pull_request.read_base(paths, base) if base else (None, ())
    problems = pull_request.new_problems(content.problems, known)
    value = {"problems": problems, "tree": content.tree_sha256}
    if summary is not None:
        changes = pull_request.ChangedPosts.between(before, content)
        pull_request.write_summary(summary, problems, changes)
    if form == "github":
        lines = [pull_request.annotation(problem) for problem in problems]
    else:
        posts = len(content.campaign.posts) if content.campaign else 0
        counts = Counter(each.severity for each in problems)
        warned = f"{counts[Severity.WARNING]} warning(s), {counts[Severity.NOTICE]} notice(s)"
        lines = [*_each_once(problems), f"no problem in {posts} posts; {warned}"]
        if wrong := counts[Severity.ERROR]:
            lines[-1] = f"{wrong} problem(s); nothing is applied before they are fixed"
        if left_out := len(content.problems) - len(problems):
            lines.append(f"{left_out} that {base} has too are left out")
    return Output(value, lines, code=1 if content.errors else 0, whole=True)


def _each_once(problems: Iterable[Problem]) -> Iterator[str]:
    """Write each problem on a line; of warnings and notices that say the same, only the first."""
    same: dict[object, list[Problem]] = defaultdict(list)
    for each in problems:
        is_error = each.severity is Severity.ERROR
        same[each if is_error else (each.severity, each.rule, each.message)].append(each)
    for first, *more in same.values():
        places = ", ".join(f"{each.file}:{each.line}" for each in more[:3])
        places += ", …" if len(more) > 3 else ""
        yield f"{first} ({len(more)} more: {places})" if more else str(first)


@click.argument("post_id", required=False, metavar="[POST]")
@click.option("--all", "every", is_flag=True, help="Every post, drafts too.")
@prints
def preview(paths: Paths, post_id: str | None, every: bool) -> Output:
    """Show what each account would show: text, count of limit, link card, warning, price."""
    if bool(post_id) == every:
        raise click.UsageError("name one POST, or --all")
    with known_store(paths) as store:
        # By the limits that servers told, as approvals and the outbox are.
        content = prove_files(paths.config, paths.posts, store=store)
    whole, wrong = content.without_errors().rendered, content.errors
    posts = [post for post in whole.campaign.posts if every or post.id == post_id]
    wrong = tuple(each for each in wrong if every or each.where.partition(".")[0] == post_id)
    if not posts and wrong:
        raise ContentError(wrong)
    if not posts and post_id:
        ids = (each.id for each in whole.campaign.posts)
        raise DecisionError(no_such("post", post_id, ids))
    value = [preview_value(post, whole) for post in posts]
    lines = [line for post in posts for line in _preview_lines(post, whole)]
    return Output(value, [*lines, *map("left out: {}".format, wrong)], code=1 if wrong else 0)


def preview_value(post: Post, whole: RenderedCampaign) -> dict[str, object]:
    accounts = [
        {
            "account": text.account.name,
            "platform": text.account.platform,
            "statuses": text.statuses,
            "lengths": text.lengths if text.statuses else (),
            "max_length": text.max_length,
            "skipped": text.why_not,
            "cost": whole.cost_of_all(text),
        }
        for text in whole.texts_of(post)
    ]
    value: dict[str, object] = {"id": post.id, "ready": post.ready, "shown": accounts}
    if sides := sides_of(post, whole.campaign):
        value["beside"] = [
            {"is": side.name, "source": side.source.id, "lang": side.source.lang,
             "text": side.marked, "people": side.people}
            for side in sides
        ]  # fmt: skip
    return {**value, "partners_from": post.partners_from} if post.partners_from else value


def _preview_lines(post: Post, whole: RenderedCampaign) -> Iterator[str]:
    draft = "" if post.ready else "  (draft)"
    yield f"━━ {post.id}{draft} " + "━" * max(2, _WIDTH - len(post.id) - len(draft) - 4)
    yield from (f"  {line}" for line in side_lines(sides_of(post, whole.campaign)))
    if post.partners_from:
        yield f"  for partners from {shown(post.partners_from, whole.campaign.zone)}"
    for text in whole.texts_of(post):
        if text.why_not:
            yield f"  {text.account.name}: nothing ({text.why_not})"
            continue
        cost = whole.cost_of_all(text)
        price = f" · ${cost:.3f}" if cost else ""
        for number, (status, length) in enumerate(zip(text.statuses, text.lengths, strict=True), 1):
            part = f" · part {number} of {len(text.statuses)}" if len(text.statuses) > 1 else ""
            count = f"{length} of {text.max_length}"
            yield f"  {text.account.name} · {count}{part}{price} · {status.lang}"
            yield from (f"  │ {line}" for line in _status_lines(status))
            if status.controls:
                yield f"  {status.controls}"
    yield ""


def _status_lines(status: Status) -> Iterator[str]:
    if status.warning:
        yield f"[folded: {status.warning}]"
    for line in status.text.split("\n"):
        yield from textwrap.wrap(
            line, _WIDTH - 6, break_on_hyphens=False, break_long_words=False
        ) or [""]
    for picture in status.pictures:
        yield f"[picture {picture.width}x{picture.height}, alt: {picture.alt}]"
    if status.card:
        yield f"[card: {status.card.title} · {status.card.description} · {status.card.url}]"


@click.argument("text")
@prints
def quote(paths: Paths, text: str) -> Output:
    """Return where TEXT stands, to the character; exit code 1 where it stands nowhere."""
    loaded = read_files(paths.config, paths.posts)
    if not loaded.sources:
        raise ContentError(loaded.errors)
    located = locate(text, loaded.sources.values())
    lines = located_lines(located, loaded.sources)
    return Output(located, lines, code=0 if located.exact else 1)


@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 800))
@click.option("--ics", type=Path, help="Write an iCalendar file too.")
@in_readonly
def plan(workspace: Workspace, days: int, ics: Path | None) -> Output:
    """Show the calendar ahead: local time and UTC, empty slots, held and unapproved posts, cost."""
    from bot.planning.outlook import as_calendar, outlook_of

    outlook = outlook_of(workspace.store, workspace.clock, workspace.rendered, days=days)
    if ics is not None:
        write_private(ics, as_calendar(outlook))
    return Output(outlook, _plan_lines(outlook))


def _plan_lines(outlook: Outlook) -> Iterator[str]:
    yield f"{outlook.campaign}, {outlook.days} days from {shown(outlook.start, outlook.zone)}"
    by_moment: dict[str, list[str]] = defaultdict(list)
    for entry in outlook.entries:
        when = f"{shown(entry.due_at, outlook.zone)}  ({entry.due_at:%H:%M} UTC)"
        note = f"  [{entry.note}]" if entry.note else ""
        by_moment[when].append(f"    {entry.account}  {entry.post_id}{note}")
    for when, lines in by_moment.items():
        yield f"  {when}"
        yield from lines
    if outlook.holes:
        yield "Empty slots:"
    for slot in outlook.holes:
        yield f"    {shown(slot.due_at, outlook.zone)}  {slot.account}: {slot.why}"
    for month, cost in outlook.cost_by_month.items():
        reading = outlook.reading_by_month.get(month, 0.0)
        budget = "" if outlook.budget is None else f" of ${outlook.budget:.2f} a month"
        yield f"cost in {month}: ${cost:.3f} for posting, ${reading:.3f} for reading{budget}"


@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 800))
@click.option(
    "--serve", is_flag=True, help="Then show it on the dashboard, day by day, until Ctrl-C."
)
@json_option
@places
def rehearse(paths: Paths, days: int, serve: bool, as_json: bool) -> int:
    """Run the real planner and publisher over the coming days; nothing leaves the machine.

    Posts with errors are left out and named; then the exit code is 1.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from bot.app import rehearsal
    from bot.engine.scheduler import stopped_by_signals

    errors = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        console=errors, transient=True, disable=not errors.is_terminal,
    )  # fmt: skip
    start = datetime.now(UTC)
    with bar:
        task = bar.add_task("rehearsing", total=days * 86400)

        def progress(now: datetime) -> None:
            done = (now - start) / timedelta(seconds=1)
            bar.update(task, completed=done, description=f"{now:%a %d %b %Y}")

        report = rehearsal.rehearse(paths, days=days, progress=progress, keeps_days=serve)
    if as_json:
        print_json(_rehearsal_value(report))
    else:
        show_fitting(*_rehearsal_lines(report))
        show(*map("left out: {}".format, report.left_out), err=True)
    if serve:
        stop = Event()
        with stopped_by_signals(stop):
            show(f"The dashboard is at http://{settings().web}/ until Ctrl-C.", err=True)
            rehearsal.serve_rehearsal(paths, stop=stop)
    return 1 if report.left_out else 0


def _rehearsal_value(report: RehearsalReport) -> dict[str, object]:
    return {
        "campaign": report.campaign, "start": report.start, "end": report.end,
        "approvals": "simulated",
        "deliveries": [_flat(row) for row in report.deliveries],
        "holes": report.empty_slots, "spent": report.spent, "counts": report.counts,
        "left_out": report.left_out,
    }  # fmt: skip


def _flat(row: Delivery) -> dict[str, object]:
    """Return all that is stored of a delivery, as one flat object."""
    shared, own = asdict(row.publication), asdict(row)
    del own["publication"], own["detail"]  # it is in the reason
    own["reason"] = row.reason_text
    names = ("author", "theme", "excerpt", "lang", "form", "slot", "graphic")
    labels = {name: shared.pop(name) for name in names}
    labels |= {"queue": row.publication.queue, "cost": own.pop("cost_usd")}
    return {**shared, **own, "occurrence": row.publication.occurrence, "labels": labels}


def _rehearsal_lines(report: RehearsalReport) -> Iterator[str]:
    rows = []
    for row in report.sent:
        part = f" ({row.part + 1}/{row.parts})" if row.parts > 1 else ""
        when = shown(row.sent_at or row.updated_at, report.zone)
        rows.append((when, row.account, f"{row.post_id}{part}"))
    yield from table(("when", "account", "post"), rows, words=3)
    span = f"{shown(report.start, report.zone)} to {shown(report.end, report.zone)}"
    yield f"{report.campaign}: {span}"
    accounts = Counter(row.account for row in report.sent)
    counts = ", ".join(f"{count} on {name}" for name, count in sorted(accounts.items()))
    yield f"Published on rehearsal accounts: {len(report.sent)} statuses ({counts or 'none'})."
    yield "Approvals were simulated; nothing left this machine."
    for row in report.not_sent:
        when = shown(row.due_at, report.zone) if row.due_at else "next free slot"
        yield f"Not sent: {when} {row.account} {row.post_id}: {row.state} ({row.reason_text})"
    for slot in report.empty_slots:
        yield f"Empty: {shown(slot.due_at, report.zone)} {slot.account}: {slot.why}"
    for account, months in report.spent.items():
        for month, dollars in months.items():
            yield f"Cost on {account} in {month}: ${dollars:.3f}"


@click.argument("name", required=False, metavar="NAME", type=click.Choice(sorted(SCHEMA_NAMES)))
@click.option("--write", "folder", type=Path, help="Write all of them into this folder.")
def schema(name: str | None, folder: Path | None) -> None:
    """Print the schema NAME, or write all."""
    if (name is None) == (folder is None):
        raise click.UsageError("name one schema, or --write a folder")
    for each in SCHEMA_NAMES if name is None else (name,):
        text = json.dumps(schema_of(each, SPECS), indent=2, ensure_ascii=False) + "\n"
        if folder is None:
            click.echo(text, nl=False)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{each}.schema.json").write_text(text, encoding="utf-8")
