"""What a person decides; each decision is written to the audit log with who and why."""

from __future__ import annotations

from pathlib import Path

import click

from bot import program
from bot.app.desk import office
from bot.app.people import as_page, open_corrections
from bot.authority.trust import ConfigurationGuard
from bot.cli.output import (
    Places,
    as_option,
    as_rows,
    json_option,
    lines,
    places,
    print_json,
    tell,
    why_option,
)


@click.command()
@click.argument("post_ids", metavar="POST...", nargs=-1, required=True)
@as_option
@why_option
@json_option
@places
def approve(where: Places, post_ids: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
    """Approve POSTs: their texts, links, pictures, warnings, accounts, and times that are fixed.

    Any change to these voids the approval. Authors do not approve their own posts.
    """
    with office(where.config, where.posts, where.data) as place:
        approved = [row for one in post_ids for row in place.desk.approve(one, by=by, note=why)]
        required = place.campaign.schedule.approvals_required
        counts = {one.post_id: place.desk.approvals(one.publication) for one in approved}
    if as_json:
        print_json({"by": by, "approvals": counts, "required": required})
        return
    for one in approved:
        if one.part == 0:
            click.echo(f"{one.account}: {one.status.text}")
    for post, count in counts.items():
        click.echo(f"{post}: approved by {by}, {count} of {required}")


@click.command()
@click.option("--reason", required=True, help="Why; people will read it.")
@as_option
@json_option
@places
def pause(where: Places, reason: str, by: str, as_json: bool) -> None:
    """Hold everything before its next network call, in every process."""
    with office(where.config, where.posts, where.data) as place:
        place.desk.pause(reason, by=by)
    if as_json:
        print_json({"paused": True, "reason": reason, "by": by})
    else:
        click.echo("paused: nothing is sent until `resume`; what lapses waits under `held`")


@click.command()
@click.argument("account", required=False, metavar="[ACCOUNT]")
@as_option
@why_option
@json_option
@places
def resume(where: Places, account: str | None, by: str, why: str, as_json: bool) -> None:
    """Let sending go on; what lapsed meanwhile waits for a person under `held`.

    With ACCOUNT: let one account send again that was stopped (by revoked credentials, say).
    """
    with office(where.config, where.posts, where.data) as place:
        stopped = place.desk.restart(account, by=by, why=why) if account else ""
        if not account:
            place.desk.resume(by=by, why=why)
        waiting = len(place.desk.held())
    if as_json:
        print_json({"paused": False, "account": account, "stopped": stopped, "held": waiting})
        return
    if account:
        click.echo(f"{account} is looked at and may send again; it was stopped: {stopped}")
    else:
        click.echo(f"sending goes on; {waiting} held or failed delivery(ies) wait: see `held`")


@click.command()
@json_option
@places
def held(where: Places, as_json: bool) -> None:
    """List held and failed deliveries, with why and what is known."""
    with office(where.config, where.posts, where.data) as place:
        waiting = place.desk.held()
        zone = place.campaign.zone
    if as_json:
        print_json(as_rows(waiting))
        return
    for line in lines(waiting, zone):
        click.echo(line)
    if not waiting:
        click.echo("nothing waits for a person")
    else:
        click.echo(f"decide: {program()} resolve ID send|queue|drop|ADDRESS --as NAME")
        click.echo(f"or:     {program()} retry ID --as NAME")


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("choice", metavar="send|queue|drop|ADDRESS")
@as_option
@why_option
@json_option
@places
def resolve(where: Places, delivery_id: str, choice: str, by: str, why: str, as_json: bool) -> None:
    """Decide a held delivery.

    send: now, once. queue: back into its queue. drop: never. ADDRESS: it is out already, there.
    """
    with office(where.config, where.posts, where.data) as place:
        row = place.desk.resolve(delivery_id, choice, by=by, why=why)
    tell(row, as_json=as_json)


@click.command()
@click.argument("delivery_id", metavar="ID")
@as_option
@why_option
@json_option
@places
def retry(where: Places, delivery_id: str, by: str, why: str, as_json: bool) -> None:
    """Try a failed delivery again, unchanged."""
    with office(where.config, where.posts, where.data) as place:
        row = place.desk.retry(delivery_id, by=by, why=why)
    tell(row, as_json=as_json)


@click.command()
@click.argument("delivery_id", metavar="ID")
@as_option
@why_option
@json_option
@places
def cancel(where: Places, delivery_id: str, by: str, why: str, as_json: bool) -> None:
    """Take a delivery out that is not sent."""
    with office(where.config, where.posts, where.data) as place:
        row = place.desk.cancel(delivery_id, by=by, why=why)
    tell(row, as_json=as_json)


@click.command()
@click.argument("post")
@click.option("--text", required=True, help="What is right.")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@click.option("--delete", is_flag=True, help="Delete the original too.")
@as_option
@json_option
@places
def correct(
    where: Places, post: str, text: str, why: str, delete: bool, by: str, as_json: bool
) -> None:
    """Put a dated correction of POST before the approvers.

    It goes where the post went, as a reply where the network allows it. It needs the same approvals
    as any post; then `resolve` sends it.
    """
    with open_corrections(where.config, where.posts, where.data) as desk:
        rows = desk.correct(post, text, by=by, why=why, delete_original=delete)
    if as_json:
        print_json(as_rows(rows))
        return
    for row in rows:
        click.echo(f"{row.id[:8]}  {row.account}: {row.status.text}")
    click.echo(f"next: {program()} approve {rows[0].post_id} --as NAME")
    for row in rows:
        click.echo(f"then: {program()} resolve {row.id[:8]} send --as NAME")


@click.command()
@click.argument("post")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@as_option
@json_option
@places
def retract(where: Places, post: str, why: str, by: str, as_json: bool) -> int:
    """Delete every status of POST and say what could not be deleted; then the exit code is 1.

    To keep it from coming again, its file must say `status: draft`.
    """
    with open_corrections(where.config, where.posts, where.data) as desk:
        outcomes = desk.retract(post, by=by, why=why)
    if as_json:
        print_json(outcomes)
    else:
        for one in outcomes:
            sign = "deleted" if one.deleted else "NOT deleted"
            click.echo(f"{sign}: {one.account} {one.url}: {one.told}")
    return 0 if all(one.deleted for one in outcomes) else 1


@click.command()
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False),
              help="Write it as a page to publish.")  # fmt: skip
@json_option
@places
def corrections(where: Places, html: Path | None, as_json: bool) -> None:
    """List what was corrected and retracted; it names no person."""
    with open_corrections(where.config, where.posts, where.data) as desk:
        entries = desk.listed()
    if html is not None:
        page = as_page(where.config, where.posts, where.data, entries)
        html.write_text(page, encoding="utf-8")
    if as_json:
        print_json(entries)
        return
    for one in entries:
        click.echo(f"{one.at:%Y-%m-%d %H:%M} UTC  {one.kind} of {one.post}: {one.why}")
        for line in (one.text, *one.addresses, *(f"not deleted: {left}" for left in one.remaining)):
            click.echo(f"    {line}" if line else "", nl=bool(line))
    if not entries:
        click.echo("nothing was corrected or retracted")


@click.command()
@as_option
@why_option
@json_option
@places
def accept_config(where: Places, by: str, why: str, as_json: bool) -> None:
    """Confirm a change of mode, accounts, approvals, coalition or sources.

    The accounts that the change stopped may send again.
    """
    with office(where.config, where.posts, where.data) as place:
        found = ConfigurationGuard(place.store, place.clock).accept(place.campaign, by=by, why=why)
    if as_json:
        print_json(found)
        return
    for change in found:
        click.echo(str(change))
    click.echo(f"confirmed by {by}: {len(found)} change(s)")
