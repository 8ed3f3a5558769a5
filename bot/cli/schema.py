"""`schema`: the JSON Schemas that editors' programs complete and check by."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.app.content import TRAITS
from bot.content.shape import SCHEMA_NAMES, schema_of


@click.command()
@click.argument("name", required=False, type=click.Choice(sorted(SCHEMA_NAMES)))
@click.option("--write", "folder", type=Path, help="Write all of them into this folder.")
def command(name: str | None, folder: Path | None) -> None:
    """Print the schema NAME, or write all."""
    if (name is None) == (folder is None):
        raise click.UsageError("name one schema, or --write a folder")
    if name is not None:
        click.echo(_text(name), nl=False)
        return
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for one in SCHEMA_NAMES:
            (folder / f"{one}.schema.json").write_text(_text(one), encoding="utf-8")


def _text(name: str) -> str:
    return json.dumps(schema_of(name, TRAITS), indent=2, ensure_ascii=False) + "\n"
