"""`approve`: answer for what a post will send, as it stands now."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json, why_option
from bot.wiring.desk import office


@click.command()
@click.argument("post_id", metavar="POST")
@as_option
@why_option
@json_option
@places
def command(where: Places, post_id: str, by: str, why: str, as_json: bool) -> None:
    """Approve POST: its text, links, pictures, warning, accounts, and its time if that is fixed.

    Any change to these voids the approval. Authors do not approve their own posts.
    """
    with office(where.config, where.posts, where.data) as place:
        approved = place.desk.approve(post_id, by=by, note=why)
        required = place.campaign.schedule.approvals_required
        counts = {
            one.fingerprint: len(place.store.approvals.of(one.fingerprint)) for one in approved
        }
    if as_json:
        print_json({"post": post_id, "by": by, "approvals": counts, "required": required})
        return
    for one in approved:
        if one.part == 0:
            click.echo(f"{one.account}: {one.status.text}")
    click.echo(f"approved by {by}: {min(counts.values())} of {required}")
