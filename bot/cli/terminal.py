"""The printer of every verb: nothing else writes to a terminal."""

import sys
from collections.abc import Iterator, Sequence

import click

from bot import program, visible

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
    between its words. An address or a path stays whole, so that it can be opened.
    """
    from rich.cells import chop_cells  # only who prints a table pays for it

    line, margin = begin, " " * indent
    for cell in filter(None, cells):
        gap = "  " if line.removeprefix(begin).strip() else ""
        if gap and _width(f"{line}{gap}{cell}") > WIDTH:
            yield line.rstrip()
            line, gap = margin, ""
        for word in cell.split(" "):
            is_whole = "/" in word or _width(word) <= WIDTH - indent
            for piece in [word] if is_whole else chop_cells(word, WIDTH - indent):
                is_begun = line.removeprefix(begin).strip()
                if is_begun and _width(f"{line}{gap}{piece}") > WIDTH:
                    yield line.rstrip()
                    line, gap = margin, ""
                line, gap = f"{line}{gap}{piece}", " " if piece is word else ""
            gap = " "
    yield line.rstrip()


def fitting(text: str) -> Iterator[str]:
    """Break lines between their words where they are too wide; what is to be pasted stays whole.

    Further lines of one are marked as `show` marks them.
    """
    for number, line in enumerate(visible.block(text).split("\n")):
        bare = line.lstrip(" ")
        begin = "  | " if number else line[: len(line) - len(bare)]
        if not bare or program() in line:
            yield f"{begin}{bare}"
        elif _width(f"{begin}{bare}") <= WIDTH:
            yield f"{begin}{bare}".rstrip()
        else:
            yield from wrapped(bare, indent=len(begin) + 4 * (not number), begin=begin)


def show_fitting(*lines: str) -> None:
    """Print lines, those that are too wide broken between their words."""
    show(*(part for line in lines for part in fitting(line)))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> Iterator[str]:
    """Lay rows out below their heads, and cut nothing.

    Where that is too wide, the words of a row have lines of their own, above its numbers; where
    these are too wide still, each stands beside its head.

    Args:
        words: How many columns from the left are words, set left; numbers are set right.
    """
    every = [[visible.line(cell) for cell in row] for row in (head, *rows)]
    lines = _aligned(every, words)
    if max(map(_width, lines)) <= WIDTH:
        yield from lines
        return
    heads, *numbers = _aligned([row[words:] for row in every], 0)
    is_narrow = max(map(_width, (heads, *numbers))) <= WIDTH - 4
    yield from [f"    {heads}"] if is_narrow else []
    for row, line in zip(every[1:], numbers, strict=True):
        yield from wrapped(*row[:words], indent=2)
        pairs = zip(every[0][words:], row[words:], strict=True)
        told = ", ".join(f"{name} {cell}".strip() for name, cell in pairs if cell)
        yield from [f"    {line}"] if is_narrow else wrapped(told, indent=4, begin="    ")


def _aligned(rows: Sequence[Sequence[str]], words: int) -> list[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell}{' ' * (width - _width(cell))}" if at < words
            else f"{' ' * (width - _width(cell))}{cell}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]  # fmt: skip


def _width(text: str) -> int:
    """Return how many columns a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only who prints a table pays for it

    return cell_len(text)
