"""`quote`: where a text stands in which source, or what comes nearest."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bot.app.content import read_files
from bot.cli.output import Places, json_option, places, print_json
from bot.content.model import Campaign
from bot.content.quoting import Found, Located, locate
from bot.errors import ContentError

#: Characters shown before and after a passage.
AROUND = 60


@click.command()
@click.argument("text")
@json_option
@places
def command(where: Places, text: str, as_json: bool) -> int:
    """Return where TEXT stands, to the character; exit code 1 where it stands nowhere."""
    loaded = read_files(where.config, where.posts)
    campaign = loaded.campaign
    if campaign is None:
        raise ContentError(loaded.errors)
    located = locate(text, campaign.sources.values())
    if as_json:
        print_json(located)
    else:
        for line in _lines(located, campaign):
            click.echo(line)
    return 0 if located.exact else 1


def _lines(located: Located, campaign: Campaign) -> Iterator[str]:
    for found in located.exact:
        yield from _exact(found, campaign)
    for source, message in located.look_alikes:
        yield f"{source}: not these characters: {message}"
    for near in located.nearest:
        text = campaign.sources[near.source].text[near.start : near.end]
        yield f"{near.source}: nowhere; nearest ({near.ratio:.0%} alike): {text}"
    if not (located.exact or located.look_alikes or located.nearest):
        yield "nowhere, and nothing is near"


def _exact(found: Found, campaign: Campaign) -> Iterator[str]:
    source = campaign.sources[found.source]
    before = source.text[max(0, found.start - AROUND) : found.start].replace("\n", " ")
    after = source.text[found.end : found.end + AROUND].replace("\n", " ")
    section = f", {found.section}" if found.section else ""
    yield f"{found.source}: characters {found.start} to {found.end}{section}"
    yield f"  {before}⟦{source.text[found.start : found.end]}⟧{after}"
    yield f"  {source.attribution}"
