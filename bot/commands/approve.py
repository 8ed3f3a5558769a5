"""`approve`: answer for what a post will send, as it stands now."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json, why_option
from bot.wiring.desk import office


@click.command()
@click.argument("post_ids", metavar="POST...", nargs=-1, required=True)
@as_option
@why_option
@json_option
@places
def command(where: Places, post_ids: tuple[str, ...], by: str, why: str, as_json: bool) -> None:
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
