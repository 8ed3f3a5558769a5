"""`preview`: each post as each account would show it, byte for byte."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.core.model import Status
from bot.errors import DecisionError
from bot.services.reviewer import Preview, Shown, preview
from bot.wiring.content import compose_files

WIDTH = 78


@click.command()
@click.argument("post_id", required=False, metavar="[POST]")
@click.option("--all", "every", is_flag=True, help="Every post, drafts too.")
@json_option
@places
def command(where: Places, post_id: str | None, every: bool, as_json: bool) -> None:
    """Show what each account would show: text, count of limit, link card, warning, price."""
    if bool(post_id) == every:
        raise click.UsageError("name one POST, or --all")
    composition = compose_files(where.config, where.posts)
    posts = [one for one in composition.campaign.posts if every or one.id == post_id]
    if not posts:
        raise DecisionError(f"no post is called {post_id!r}")
    shown = [preview(composition, post) for post in posts]
    if as_json:
        print_json([_as_json(one) for one in shown])
        return
    for one in shown:
        click.echo("\n".join(_lines(one)))


def _as_json(one: Preview) -> dict[str, object]:
    return {"id": one.post.id, "ready": one.post.ready, "shown": one.shown}


def _lines(one: Preview) -> Iterator[str]:
    draft = "" if one.post.ready else "  (draft)"
    yield f"━━ {one.post.id}{draft} " + "━" * max(2, WIDTH - len(one.post.id) - len(draft) - 4)
    for shown in one.shown:
        yield from _account(shown)
    yield ""


def _account(shown: Shown) -> Iterator[str]:
    price = f" · ${shown.cost:.3f}" if shown.cost else ""
    if shown.skipped:
        yield f"  {shown.account}: nothing ({shown.skipped})"
        return
    for number, (status, length) in enumerate(
        zip(shown.statuses, shown.lengths, strict=True), start=1
    ):
        part = f" · part {number} of {len(shown.statuses)}" if len(shown.statuses) > 1 else ""
        yield f"  {shown.account} · {length} of {shown.max_length}{part}{price} · {status.lang}"
        yield from (f"  │ {line}" for line in _body(status))


def _body(status: Status) -> Iterator[str]:
    if status.warning:
        yield f"[folded: {status.warning}]"
    for line in status.text.split("\n"):
        yield from textwrap.wrap(
            line, WIDTH - 6, break_on_hyphens=False, break_long_words=False
        ) or [""]
    for picture in status.pictures:
        yield f"[picture {picture.width}x{picture.height}, alt: {picture.alt}]"
    if status.card:
        yield f"[card: {status.card.title} · {status.card.description} · {status.card.url}]"
