"""The printer of every verb: nothing else writes to a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from bot import visible

#: Columns of the narrowest terminal that is usual.
WIDTH = 80


def show(*lines: object, err: bool = False) -> None:
    """Print lines for people; what is foreign in them neither acts on the terminal nor hides.

    Further lines of one stand indented, so that none passes for a line of ours.
    """
    stream = sys.stderr if err else sys.stdout
    for line in lines:
        text = visible.indented(line)
        click.echo(isolated(text) if stream and stream.isatty() else text, err=err)


def isolated(text: str) -> str:
    """Put words from right to left into isolates: they turn nothing beside them around.

    Only on a terminal: what is piped or kept in a file is as it was written.
    """
    if text.isascii():
        return text
    import regex  # 0.03 s: nobody waits for it where all is plain ASCII

    strong = r"[\p{BC=R}\p{BC=AL}]"
    # Up to two spaces, between which cells of a table stand, or letters of the other direction.
    words = rf"{strong}(?:(?:(?!  |\p{{BC=L}})[^\n])*{strong})?[\p{{M}}\p{{Nd}}-]*"
    return str(regex.sub(words, "\u2068\\g<0>\u2069", text))


def wrapped(*cells: str, indent: int = 10, begin: str = "") -> Iterator[str]:
    """Lay cells out in lines of `WIDTH` columns, and cut nothing.

    A cell that does not fit goes on the next line; one that is longer than a line is broken
    between its words. An address stays whole, so that it can be opened.
    """
    from rich.cells import cell_len, chop_cells  # only who prints a table pays for it

    line, margin = begin, " " * indent
    for cell in filter(None, cells):
        gap = "  " if line.strip() else ""
        if gap and cell_len(f"{line}{gap}{cell}") > WIDTH:
            yield line.rstrip()
            line, gap = margin, ""
        for word in cell.split(" "):
            is_whole = "://" in word or cell_len(word) <= WIDTH - indent
            for piece in [word] if is_whole else chop_cells(word, WIDTH - indent):
                if line.strip() and cell_len(f"{line}{gap}{piece}") > WIDTH:
                    yield line.rstrip()
                    line, gap = margin, ""
                line, gap = f"{line}{gap}{piece}", " " if piece is word else ""
            gap = " "
    yield line.rstrip()
