"""Pictures as they will be uploaded: files cleaned and fitted, quote cards drawn, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.canonical import sha256_hex
from bot.content.model import Campaign, MediaFile, Post
from bot.errors import CardError
from bot.platforms.spec import Limits
from bot.platforms.status import Picture
from bot.rendering.cards.card import CARD_SIZE, CardText, card_alt, draw
from bot.rendering.cards.pictures import clean
from bot.rendering.layout import direction, passage


@dataclass(frozen=True, slots=True)
class PreparedPictures:
    """Makes the pictures of one campaign ready, and keeps their bytes."""

    #: Gives a picture file's bytes as they stand in ``posts/media``.
    read: Callable[[MediaFile], bytes]
    #: Bytes of what was made ready, by hash.
    contents: dict[str, bytes] = field(default_factory=dict)
    _fitted: dict[tuple[MediaFile, Limits], Picture] = field(default_factory=dict)
    _cards: dict[str, Picture] = field(default_factory=dict)

    def fitted(self, file: MediaFile, limits: Limits) -> Picture:
        """Return a picture as it will be uploaded where these limits hold.

        Raises:
            PictureError: it cannot be made to fit.
        """
        if (file, limits) not in self._fitted:
            cleaned = clean(
                self.read(file),
                max_bytes=limits.max_picture_bytes,
                mimes=limits.picture_mimes,
                max_pixels=limits.max_pixels,
            )
            self._fitted[file, limits] = Picture(
                self._keep(cleaned.data), cleaned.mime, file.alt, cleaned.width, cleaned.height,
                len(cleaned.data),
            )  # fmt: skip
        return self._fitted[file, limits]

    def card(self, post: Post, campaign: Campaign) -> Picture:
        """Return a post's quote card, with the whole quotation as its alternative text.

        The same quotation gives the same bytes.

        Raises:
            CardError: the post quotes nothing, or the quotation is too long for a card.
        """
        if post.id in self._cards:
            return self._cards[post.id]
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
        data = draw(text)
        alt = card_alt(shown.marked, source.attribution)
        card = Picture(self._keep(data), "image/png", alt, *CARD_SIZE, len(data))
        self._cards[post.id] = card
        return card

    def _keep(self, data: bytes) -> str:
        digest = sha256_hex(data)
        self.contents[digest] = data
        return digest
