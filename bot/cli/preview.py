"""`preview`: each post as each account would show it, byte for byte."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from bot.app.content import prove_files
from bot.cli.output import Places, json_option, places, print_json
from bot.content.model import Post
from bot.errors import DecisionError
from bot.platforms.status import Status
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign

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
    whole = prove_files(where.config, where.posts).rendered
    posts = [one for one in whole.campaign.posts if every or one.id == post_id]
    if not posts:
        raise DecisionError(f"no post is called {post_id!r}")
    if as_json:
        print_json([_as_json(post, whole) for post in posts])
        return
    for post in posts:
        click.echo("\n".join(_lines(post, whole)))


def _as_json(post: Post, whole: RenderedCampaign) -> dict[str, object]:
    shown = [
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
    return {"id": post.id, "ready": post.ready, "shown": shown}


def _lines(post: Post, whole: RenderedCampaign) -> Iterator[str]:
    draft = "" if post.ready else "  (draft)"
    yield f"━━ {post.id}{draft} " + "━" * max(2, WIDTH - len(post.id) - len(draft) - 4)
    for text in whole.texts_of(post):
        yield from _account(text, whole.cost_of_all(text))
    yield ""


def _account(text: RenderedText, cost: float) -> Iterator[str]:
    price = f" · ${cost:.3f}" if cost else ""
    if text.why_not:
        yield f"  {text.account.name}: nothing ({text.why_not})"
        return
    for number, (status, length) in enumerate(zip(text.statuses, text.lengths, strict=True), 1):
        part = f" · part {number} of {len(text.statuses)}" if len(text.statuses) > 1 else ""
        count = f"{length} of {text.max_length}"
        yield f"  {text.account.name} · {count}{part}{price} · {status.lang}"
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
