"""What approvers answer besides their yes, and what people say of a post."""

from collections.abc import Iterator

import click

from bot.app.workspace import Workspace
from bot.authority.users import Right
from bot.cli.output import Output, as_rows, in_workspace, why_option
from bot.cli.people import decides
from bot.content.zones import shown
from bot.delivery.answers import LONGEST, Answered, Answers

_COMMENT = click.option(
    "--comment", required=True, metavar="TEXT",
    help=f"What should change, or why not: plain text, {LONGEST} characters at most.",
)  # fmt: skip
_POST = click.argument("post", metavar="POST")


@click.command()
@_POST
@_COMMENT
@in_workspace
@decides(Right.APPROVE)
def ask_change(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Let POST wait: it is held until it is edited, or you approve it or `withdraw` this."""
    return _output(_answers(workspace).ask_change(post, comment, by=by), "waits for a change", by)


@click.command()
@_POST
@_COMMENT
@in_workspace
@decides(Right.APPROVE)
def refuse(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Never let POST go out as it is now: only an edited one may be planned again."""
    return _output(_answers(workspace).refuse(post, comment, by=by), "is refused", by)


@click.command()
@_POST
@why_option
@in_workspace
@decides(Right.APPROVE)
def withdraw(workspace: Workspace, post: str, why: str, by: str) -> Output:
    """Take back your approval of POST, or your request for a change, until it is sent."""
    return _output(_answers(workspace).withdraw(post, by=by, why=why), "has it no more", by)


@click.command()
@_POST
@_COMMENT
@in_workspace
@decides(Right.COMMENT)
def comment(workspace: Workspace, post: str, comment: str, by: str) -> Output:
    """Add to what is said of POST; it changes nothing else."""
    _answers(workspace).comment(post, comment, by=by)
    return Output({"post": post, "by": by}, [f"{post}: it is in the log"])


@click.command()
@_POST
@in_workspace
def comments(workspace: Workspace, post: str) -> Output:
    """List the answers and comments on POST; `!` marks what holds it back now."""
    found, zone = _answers(workspace).thread(post), workspace.campaign.zone
    return Output(
        found,
        [
            f"{'!' if each.stands else ' '} {shown(each.at, zone)}  {each.by}: {each.answer}"
            + (f": {each.comment}" if each.comment else "")
            for each in found
        ]
        or [f"nobody has said anything of {post}"],
    )


def _answers(workspace: Workspace) -> Answers:
    return Answers(workspace.store, workspace.clock)


def _output(answered: Answered, what: str, by: str) -> Output:
    value = {"by": by, "about": list(as_rows(answered.rows))}
    value["too_late"] = list(as_rows(answered.too_late))
    return Output(value, _lines(answered, what), code=1 if answered.too_late else 0)


def _lines(answered: Answered, what: str) -> Iterator[str]:
    for row in answered.rows:
        if row in answered.too_late:
            yield f"{row.account}: too late, it is on its way: {row.status.text}"
        elif row.part == 0:
            yield f"{row.account}: {what}: {row.status.text}"
