"""A quoted translation beside the words that it translates, as people read and approve both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.content.model import Campaign, Post, Quote, Source
from bot.rendering.layout import html_direction, passage


@dataclass(frozen=True, slots=True)
class PassageSide:
    """One of the two passages, in the marks of its own language."""

    #: ``original`` or ``translation``.
    name: str
    source: Source
    quote: Quote
    marked: str

    @property
    def direction(self) -> str:
        return html_direction(self.quote.text)

    @property
    def people(self) -> str:
        """Who translated it and who answers for it; empty for an original."""
        return people_of(self.source)


def people_of(source: Source) -> str:
    """Return who translated a source and who answers for that; empty for what is no translation."""
    if not source.translation_of:
        return ""
    return (
        f"Translated by {', '.join(source.translated_by)}. "
        f"Compared with the original, and answered for, by {', '.join(source.confirmed_by)}."
    )


def sides_of(post: Post | None, campaign: Campaign) -> tuple[PassageSide, ...]:
    """Return the original and the translation that a post quotes; nothing where it quotes none."""
    quote = post.quote if post else None
    if quote is None or quote.translates is None:
        return ()
    named = (("original", quote.translates), ("translation", quote))
    return tuple(
        PassageSide(name, source, each, passage(each, source).marked)
        for name, each in named
        if (source := campaign.sources.get(each.source))
    )


def side_lines(sides: Sequence[PassageSide]) -> Iterator[str]:
    """Yield both passages and who answers for the translation, for a terminal."""
    for side in sides:
        yield f"{side.name}, {side.source.id} ({side.source.lang}): {side.marked}"
    yield from (side.people for side in sides if side.people)
