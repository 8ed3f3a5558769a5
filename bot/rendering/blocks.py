"""The shape of a source: headings, paragraphs, lists and signatures, sentence by sentence."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import regex

from bot.content.model import Source, Stretch
from bot.content.passages import goes_on_after, goes_on_before, paragraphs
from bot.content.quoting import overlaps
from bot.rendering.fitting import find_sentences

_HEADING = regex.compile(r"#{1,6}[ \t]+")
_ITEM = regex.compile(r"[ \t]*(?:[-*•–—]|\d+[.)])[ \t]+")
_LINE = regex.compile(r"[^\r\n]+")


class BlockKind(StrEnum):
    """What a block is for its reader."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    SIGNATURE = "signature"
    #: A date, a salutation: no text of the source's own.
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An entry of a list; any other block is one."""

    start: int
    end: int
    #: Each complete, in order; none where nothing may be quoted.
    sentences: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """A part of a source that stands by itself."""

    kind: BlockKind
    entries: tuple[ListEntry, ...]


@lru_cache(maxsize=16)
def blocks_of(source: Source) -> tuple[SourceBlock, ...]:
    """Return all blocks of a source in order; nothing but white space and ``#`` is outside them."""
    found: list[SourceBlock] = []
    for paragraph in paragraphs(source.text):
        for kind, start, end in _segments(source.text, *paragraph):
            own, entry = _entry(source, kind, (start, end), found)
            last = found[-1] if found else None
            if last and own is last.kind is BlockKind.LIST:
                found[-1] = replace(last, entries=(*last.entries, entry))
            else:
                found.append(SourceBlock(own, (entry,)))
    return tuple(found)


def sentences_of(source: Source) -> tuple[Stretch, ...]:
    """Return the sentences of a source that may be quoted, in order."""
    entries = (entry for block in blocks_of(source) for entry in block.entries)
    return tuple(sentence for entry in entries for sentence in entry.sentences)


def _segments(text: str, start: int, end: int) -> list[tuple[BlockKind, int, int]]:
    """Part a paragraph at its headings and list entries; other lines go on with the last one."""
    found: list[tuple[BlockKind, int, int]] = []
    for line in _LINE.finditer(text, start, end):
        if heading := _HEADING.match(line[0]):
            found.append((BlockKind.HEADING, line.start() + heading.end(), line.end()))
        elif _ITEM.match(line[0]):
            found.append((BlockKind.LIST, *line.span()))
        elif found and found[-1][0] is not BlockKind.HEADING:
            found[-1] = (*found[-1][:2], line.end())
        else:
            found.append((BlockKind.PARAGRAPH, *line.span()))
    return found


def _entry(
    source: Source, kind: BlockKind, span: Stretch, before: list[SourceBlock]
) -> tuple[BlockKind, ListEntry]:
    """Return an entry with its sentences, and what it is where it may not be quoted."""
    start, end = span
    text, never = source.text[start:end], source.never_spans
    mark = _ITEM.match(text) if kind is BlockKind.LIST else None
    found = _sentences(source, start + (mark.end() if mark else 0), end)
    entry = ListEntry(start, end, tuple(each for each in found if not overlaps(each, never)))
    if entry.sentences or kind is not BlockKind.PARAGRAPH:
        return kind, entry
    if all(line.strip() in source.signatories for line in text.splitlines()):
        return BlockKind.SIGNATURE, entry
    has_text = any(block.kind is BlockKind.PARAGRAPH for block in before)
    if has_text and text.rstrip().endswith((":", "：")):
        return BlockKind.HEADING, entry
    follows = before and before[-1].kind in (BlockKind.HEADING, BlockKind.LIST)
    return (BlockKind.LIST if has_text and follows else BlockKind.ASIDE), entry


def _sentences(source: Source, start: int, end: int) -> tuple[Stretch, ...]:
    """Return sentences as the marks of a cut have them: between two of them, nothing is cut."""
    text = source.text
    found: list[Stretch] = []
    for first, last in find_sentences(text[start:end], source.lang):
        a, b = start + first, start + last
        if found and (goes_on_after(text, found[-1][1], found[-1][0]) or goes_on_before(text, a)):
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return tuple(found)
