"""What a person decides, and the log of it: each decision is kept with who and why."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from bot import program
from bot.app.content import SPECS, Paths
from bot.app.storage import confirm_mode
from bot.app.workspace import EmergencyDesk, Workspace, open_workspace
from bot.authority.access import Access
from bot.authority.trust import ConfigurationGuard
from bot.authority.users import Right
from bot.cli.output import (
    WRITTEN,
    Output,
    as_option,
    as_rows,
    in_corrections,
    in_emergency,
    in_workspace,
    lines,
    prints,
    why_option,
)
from bot.cli.proof import decides, proved
from bot.clock import Clock
from bot.content.model import Mode
from bot.content.zones import brief, shown
from bot.delivery.answers import ASK, LONGEST, REFUSE, Answers, too_late
from bot.delivery.interactions import Interactions, Verb
from bot.delivery.model import Delivery
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.rendering.translations import side_lines, sides_of


@click.argument("post_ids", metavar="POST...", nargs=-1, required=True)
@decides(Right.APPROVE)
def approve(workspace: Workspace, post_ids: tuple[str, ...], by: str, why: str) -> Output:
    """Approve POSTs: their texts, links, pictures, warnings, accounts, and times that are fixed.

    Any change to these voids the approval. Authors do not approve their own posts.
    """
    for post in post_ids:
        workspace.require_post(post)
    approved = [row for post in post_ids for row in workspace.desk.approve(post, by=by, note=why)]
    consents = workspace.desk.consents
    found = {row.post_id: consents.of(row.publication) for row in approved}
    counts = {post: consent.count for post, consent in found.items()}
    required = max(consent.required for consent in found.values())
    campaign = workspace.rendered.campaign
    told = [f"{row.account}: {row.status.text}" for row in approved if row.part == 0]
    for post in found:
        told += side_lines(sides_of(campaign.post(post), campaign))
    told += [f"{post}: approved by {by}, {consent}" for post, consent in found.items()]
    return Output({"by": by, "approvals": counts, "required": required}, told)


@in_emergency
def held(workspace: EmergencyDesk) -> Output:
    """List held and failed deliveries, with why and what is known."""
    waiting = workspace.desk.held()
    if not waiting:
        return Output([], ["nothing waits for a person"])
    decide = f"decide: {program()} resolve ID send|queue|drop|ADDRESS --as NAME"
    retry = f"or:     {program()} retry ID --as NAME"
    return Output(as_rows(waiting), [*lines(waiting, workspace.zone), decide, retry])


@click.argument("delivery_id", metavar="ID")
@click.argument("choice", metavar="send|queue|drop|ADDRESS")
@decides(Right.SETTLE)
def resolve(workspace: Workspace, delivery_id: str, choice: str, by: str, why: str) -> Output:
    """Decide a held delivery.

    send: now, once. queue: back into its queue. drop: never. ADDRESS: it is out already, there.
    """
    with closing(workspace.connections()) as connections:
        desk = replace(workspace.desk, platform=connections.platform)
        return _decided(desk.resolve(delivery_id, choice, by=by, why=why))


@click.argument("delivery_id", metavar="ID")
@decides(Right.SETTLE)
def retry(workspace: Workspace, delivery_id: str, by: str, why: str) -> Output:
    """Try a failed delivery again, unchanged."""
    return _decided(workspace.desk.retry(delivery_id, by=by, why=why))


@click.argument("delivery_id", metavar="ID")
@decides(Right.SETTLE, in_emergency)
def cancel(workspace: EmergencyDesk, delivery_id: str, by: str, why: str) -> Output:
    """Take a delivery out that is not sent."""
    return _decided(workspace.desk.cancel(delivery_id, by=by, why=why))


def _decided(row: Delivery) -> Output:
    line = f"{row.id[:8]} {row.post_id} for {row.account} is {row.state}"
    return Output(next(as_rows([row])), [line])


@click.argument("post")
@click.option("--text", required=True, help="What is right.")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@click.option("--delete", is_flag=True, help="Delete the original too.")
@decides(Right.CORRECT, in_corrections, asks_why=False)
def correct(desk: Corrections, post: str, text: str, why: str, delete: bool, by: str) -> Output:
    """Put a dated correction of POST before the approvers.

    It goes where the post went, as a reply where the network allows it. It needs the same approvals
    as any post; then `resolve` sends it.
    """
    rows = desk.correct(post, text, by=by, why=why, delete_original=delete)
    told = [f"{row.id[:8]}  {row.account}: {row.status.text}" for row in rows]
    told += [f"next: {program()} approve {rows[0].post_id} --as NAME"]
    told += [f"then: {program()} resolve {row.id[:8]} send --as NAME" for row in rows]
    return Output(as_rows(rows), told)


@click.argument("post")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@decides(Right.CORRECT, in_corrections, asks_why=False)
def retract(desk: Corrections, post: str, why: str, by: str) -> Output:
    """Delete every status of POST and say what could not be deleted; then the exit code is 1.

    To keep it from coming again, its file must say `status: draft`.
    """
    outcomes = desk.retract(post, by=by, why=why)
    if not outcomes:
        line = "another post was deleted within a day: somebody else must retract this one too"
        return Output((), [line], code=1)
    signs = {True: "deleted", False: "NOT deleted"}
    told = [f"{signs[each.deleted]}: {each.account} {each.url}: {each.told}" for each in outcomes]
    return Output(outcomes, told, code=0 if all(each.deleted for each in outcomes) else 1)


@click.argument("post", metavar="POST")
@click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
@decides(Right.CORRECT, in_corrections)
def republish(desk: Corrections, post: str, accounts: tuple[str, ...], by: str, why: str) -> Output:
    """Put POST, which others took down, before the approvers again, for other ACCOUNTs."""
    rows = desk.republish(post, accounts, by=by, why=why)
    zone = desk.rendered().campaign.zone
    return Output(as_rows(rows), [*lines(rows, zone), f"approve: {rows[0].post_id}"])


@click.option("--html", type=WRITTEN, help="Write it as a page to publish.")
@in_corrections
def corrections(desk: Corrections, html: Path | None) -> Output:
    """List what was corrected and retracted; it names no person."""
    entries = desk.listed()
    if html is not None:
        from bot.web.pages.public import public_page

        html.write_text(public_page(entries, desk.rendered().campaign, SPECS), encoding="utf-8")
    zone = desk.rendered().campaign.zone
    told = [f"times are in {zone.key}" if entries else "nothing was corrected or retracted"]
    for entry in entries:
        told.append(f"{brief(entry.at, zone)}  {entry.kind} of {entry.post}: {entry.why}")
        remaining = (f"not deleted: {left}" for left in entry.remaining)
        told += [f"    {each}" for each in (entry.text, *entry.addresses, *remaining) if each]
    return Output(entries, told)


@as_option
@why_option
@prints
def accept_config(paths: Paths, by: str, why: str) -> Output:
    """Confirm a change of mode, accounts, approvals, coalition or sources.

    The accounts that the change stopped may send again. A change of mode is confirmed while the
    service is stopped.
    """

    def prove(store: Store, clock: Clock, mode: Mode) -> str:
        return proved(Access(store, clock), mode, by, Right.CONFIRM)

    if owner := confirm_mode(paths, prove=prove, why=why):
        return Output(owner, [f"confirmed by {by}: the next `run` is {owner}"])
    with open_workspace(paths) as workspace:
        guard = ConfigurationGuard(workspace.store, workspace.clock)
        by = prove(workspace.store, workspace.clock, workspace.campaign.schedule.mode)
        found = guard.accept(workspace.written, by=by, why=why)
    return Output(found, [*map(str, found), f"confirmed by {by}: {len(found)} change(s)"])


def _turning_away(verb: Verb, help_text: str) -> click.Command:
    """Return a verb about what others do with a post that is out: replies and quotes."""
    logged = "The log keeps a hash of the address, nothing of what was written or by whom."

    @click.command(verb.replace(" ", "-"), help=f"{help_text}\n\n{logged}")
    @click.argument("delivery_id", metavar="ID")
    @click.argument("address", metavar="ADDRESS")
    @decides(Right.CORRECT)
    def turn(workspace: Workspace, delivery_id: str, address: str, by: str, why: str) -> Output:
        with closing(workspace.connections()) as connections:
            row = workspace.desk.find(delivery_id)
            interactions = Interactions(workspace.store, workspace.clock, connections.platform)
            interactions.decide(row, verb, address, by=by, why=why)
        value = {"done": verb, "delivery": row.id, "post": row.post_id, "account": row.account}
        return Output(value, [f"done: {verb}, {row.post_id} on {row.account}"])

    return turn


hide_reply = _turning_away(
    "hide reply",
    "Hide the reply at ADDRESS below the delivery ID; everybody can still open it there.",
)
revoke_quote = _turning_away(
    "revoke quote",
    "Take the delivery ID out of the quote at ADDRESS; the words around it stay.",
)
_COMMENT = click.option(
    "--comment", required=True, metavar="TEXT",
    help=f"What should change, or why not: plain text, {LONGEST} characters at most.",
)  # fmt: skip
_POST = click.argument("post", metavar="POST")


@_POST
@_COMMENT
@decides(Right.APPROVE, asks_why=False)
def ask_change(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Let POST wait: it is held until it is edited, or you approve it or `withdraw` this."""
    rows = _answers(workspace, post).object_to(ASK, post, comment, by=by)
    return _output(rows, "waits for a change", by)


@_POST
@_COMMENT
@decides(Right.APPROVE, asks_why=False)
def refuse(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Never let POST go out as it is now: only an edited one may be planned again."""
    rows = _answers(workspace, post).object_to(REFUSE, post, comment, by=by)
    return _output(rows, "is refused", by)


@_POST
@decides(Right.APPROVE)
def withdraw(workspace: Workspace, post: str, why: str, by: str) -> Output:
    """Take back your approval of POST, or your request for a change, until it is sent."""
    return _output(_answers(workspace, post).withdraw(post, by=by, why=why), "has it no more", by)


@_POST
@_COMMENT
@decides(Right.COMMENT, asks_why=False)
def comment(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Add to what is said of POST; it changes nothing else."""
    _answers(workspace, post).comment(post, comment, by=by)
    return Output({"post": post, "by": by}, [f"{post}: it is in the log"])


@_POST
@in_workspace
def comments(workspace: Workspace, post: str) -> Output:
    """List the answers and comments on POST; `!` marks what holds it back now."""
    found, zone = _answers(workspace, post).thread(post), workspace.campaign.zone
    told = [
        f"{'!' if each.stands else ' '} {shown(each.at, zone)}  {each.by}: {each.answer}"
        + (f": {each.comment}" if each.comment else "")
        for each in found
    ]
    return Output(found, told or [f"nobody has said anything of {post}"])


def _answers(workspace: Workspace, post: str) -> Answers:
    workspace.require_post(post)
    return Answers(workspace.store, workspace.clock)


def _output(rows: tuple[Delivery, ...], what: str, by: str) -> Output:
    late = too_late(rows)
    told = [
        f"{row.account}: {'too late, it is on its way' if row in late else what}: {row.status.text}"
        for row in rows
        if row in late or row.part == 0
    ]
    value = {"by": by, "about": as_rows(rows), "too_late": as_rows(late)}
    return Output(value, told, code=1 if late else 0)
