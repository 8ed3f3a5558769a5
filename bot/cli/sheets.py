"""The verb for who writes posts in a spreadsheet."""

from pathlib import Path

import click

from bot.app.content import Paths
from bot.app.sheets import export_sheet, import_sheet
from bot.cli.output import Output, prints

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def sheet() -> None:
    """Take posts into a spreadsheet, one row a post, and back into the files of posts."""


@sheet.command("export")
@click.argument("file", type=_FILE)
@prints
def export(paths: Paths, file: Path) -> Output:
    """Write every post of the files to FILE, which ends in .xlsx or .csv."""
    count = export_sheet(paths, file)
    return Output({"posts": count}, [f"{file}: {count} posts"])


@sheet.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@prints
def import_(paths: Paths, file: Path) -> Output:
    """Write changed and new rows of FILE into the files of posts, once all are right.

    Else no file changes, and a copy, FILE-problems, says beside each row what is wrong. Posts
    without a row stay as they are.
    """
    found = import_sheet(paths, file)
    lines = [str(each) for each in found.problems]
    if found.errors:
        lines.append(
            f"{len(found.errors)} problems; nothing was written, see the copy of the sheet"
        )
    else:
        lines += [f"changed: {name}" for name in found.changed]
        lines += [f"added: {name}" for name in found.added]
        lines.append(f"{len(found.changed)} changed, {len(found.added)} added, "
                     f"{len(found.absent)} without a row stay as they are")  # fmt: skip
    return Output(found, lines, code=1 if found.errors else 0)
