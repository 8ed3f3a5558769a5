"""The quote card of a post: drawn from its proved quotation, with the whole of it as alt text."""

from __future__ import annotations

from bot.cards.card import LANDSCAPE, CardText, card_alt, draw
from bot.core.campaign import Campaign, Post
from bot.core.layout import direction, passage
from bot.core.model import Picture, sha256_hex
from bot.errors import CardError


def draw_card(post: Post, campaign: Campaign) -> tuple[bytes, Picture]:
    """Draw a post's card; the same quotation gives the same bytes.

    Raises:
        CardError: the post quotes nothing, or the quotation is too long for a card.
    """
    quote = post.quote
    source = campaign.sources.get(quote.source) if quote else None
    if quote is None or source is None:
        raise CardError(f"{post.id}: a card needs a quotation")
    shown = passage(quote, source)
    text = CardText(
        quotation=shown.marked,
        attribution=source.attribution,
        campaign=source.title,
        lang=source.lang,
        direction="rtl" if direction(shown.text) == "R" else "ltr",
    )
    data = draw(text, size=LANDSCAPE)
    alt = card_alt(shown.marked, source.attribution)
    width, height = LANDSCAPE
    return data, Picture(sha256_hex(data), "image/png", alt, width, height, len(data))
