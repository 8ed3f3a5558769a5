"""The verb `audit`: the log of decisions, shown, exported and verified."""

from pathlib import Path

import click

from bot.app.content import Paths
from bot.app.workspace import Workspace, open_workspace
from bot.authority.audit import first_break, problems_of
from bot.authority.audit_head import read_head, row_line, rows_in
from bot.cli.output import READ, WRITTEN, Output, in_workspace, prints
from bot.content.zones import brief
from bot.rendering.layout import first_words
from bot.settings.private import write_private


@click.group()
def audit() -> None:
    """Show or verify the log of decisions."""


@audit.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@in_workspace
def show(workspace: Workspace, limit: int) -> Output:
    """Show who decided what, when and why; the newest last."""
    rows, campaign = workspace.store.audit.rows(limit=limit)[::-1], workspace.campaign
    lines = [f"times are in {campaign.zone.key}"] if rows else []
    for row in rows:
        at, post = brief(row.at, campaign.zone), campaign.post(row.subject)
        why = f"  ({row.why})" if row.why else ""
        lines.append(f"{row.seq:>5}  {at:<17}  {row.who}: {row.verb} {row.subject}{why}")
        if post:
            words = first_words(post.quote.text if post.quote else post.text, 66)
            lines.append(f"       {words}")
    return Output(rows, lines)


@audit.command()
@click.argument("file", type=WRITTEN)
@in_workspace
def export(workspace: Workspace, file: Path) -> Output:
    """Write the whole log to FILE, for whoever verifies it without this machine."""
    store = workspace.store
    store.audit.write("command line", "export", "audit log", now=workspace.clock.now())
    rows = store.audit.raw()
    write_private(file, "".join(f"{row_line(row)}\n" for row in rows))
    return Output({"rows": len(rows)}, [f"{file}: {len(rows)} rows"])


@audit.command()
@click.option("--head", "heads", multiple=True, help="A signed head of a digest or an alert.")
@click.option("--signer", default="", metavar="KEY", help="Public key that signed the heads.")
@click.option("--log", "file", type=READ, help="An exported log, in the place of this machine's.")
@prints
def verify(paths: Paths, heads: tuple[str, ...], signer: str, file: Path | None) -> Output:
    """Prove the log, and what it confirms; exit code 1 where something was changed.

    The running hash shows a row that was changed, a head from earlier a log that was made anew.
    """
    if file is not None:
        if heads and not signer:
            raise click.UsageError("name the --signer of --head: anybody can sign one")
        known = [read_head(head, signer) for head in heads]
        rows = list(rows_in(file))
        head = len(rows), rows[-1]["sha256"] if rows else ""
        found = problems_of(rows, known)
        return _verified(found, first_break(rows) if found else None, head)
    with open_workspace(paths) as workspace:
        audit, now = workspace.store.audit, workspace.clock.now()
        known = [read_head(head, signer or audit.public_key()) for head in heads]
        found = workspace.store.audit_problems(known)
        signed = {"signed_head": audit.signed_head(now), "public_key": audit.public_key()}
        return _verified(found, first_break(audit.raw()) if found else None, audit.head(), **signed)


def _verified(found: list[str], broken: int | None, head: tuple[int, str], **signed: str) -> Output:
    value = {"problems": found, "broken_at": broken, "rows": head[0], "head": head[1], **signed}
    lines = [*found, "bring a backup and ask who had access"]
    if not found:
        whole = f"the log is whole: {head[0]} row(s), head {head[1]}"
        lines = [whole, *(f"{name.replace('_', ' ')}: {text}" for name, text in signed.items())]
    return Output(value, lines, code=1 if found else 0)
