"""Everything the campaign would say, rendered once: what check, plan and preview share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.cards.pictures import clean
from bot.core.campaign import Account, Campaign, MediaFile, Place, Post
from bot.core.fingerprint import fingerprint
from bot.core.model import Limits, Picture, Status, Traits, sha256_hex
from bot.core.planning import Offer
from bot.core.pricing import cost_of
from bot.core.rendering import CardPicture, Rendered, render
from bot.errors import CardError, ContentError, OperatorError, PictureError, Problem

#: Gives a picture file's bytes as they stand in ``posts/media``.
ReadMedia = Callable[[MediaFile], bytes]


@dataclass(slots=True)
class Composition:
    """A campaign with what each of its accounts would show of each post."""

    campaign: Campaign
    traits: Mapping[str, Traits]
    limits: Mapping[str, Limits]
    rendered: dict[tuple[str, str], Rendered] = field(default_factory=dict)
    #: Bytes of all pictures that the statuses name, by hash.
    pictures: dict[str, bytes] = field(default_factory=dict)

    def traits_of(self, account: str) -> Traits:
        return self.traits[self.campaign.schedule.accounts[account].platform]

    def offers(self) -> list[Offer]:
        """List what could go where, in the order of writing."""
        return [
            self._offer(post, account) for post in self.campaign.posts for account in post.accounts
        ]

    def _offer(self, post: Post, account: str) -> Offer:
        shown = self.rendered[post.id, account]
        why = shown.skipped or (shown.problems[0].message if shown.problems else "")
        traits = self.traits_of(account)
        return Offer(post, account, traits.name, why, traits.may_repeat)

    def cost_of(self, status: Status, account: str) -> float:
        """Give in US dollars what one status costs on an account."""
        return cost_of(status, self.traits_of(account), self.campaign.schedule)

    def fingerprint(self, post: Post, due_at: datetime | None) -> str:
        """Hash what approvers of this occurrence answer for."""
        statuses = {
            name: self.rendered[post.id, name].statuses
            for name in post.accounts
            if self.rendered[post.id, name].statuses
        }
        return fingerprint(post, statuses, fixed_at=None if post.queue else due_at)


def compose(
    campaign: Campaign,
    *,
    traits: Mapping[str, Traits],
    limits: Mapping[str, Limits],
    read_media: ReadMedia,
    draw_card: Callable[[Post, Campaign], tuple[bytes, Picture]],
) -> Composition:
    """Render every post for every account it goes to.

    Args:
        campaign: Proved content.
        traits: By platform.
        limits: By account: the server's own numbers where it was asked.
        read_media: Where pictures' bytes come from.
        draw_card: Draws a post's quote card.
    """
    whole = Composition(campaign, traits, limits)
    for post in campaign.posts:
        for name in post.accounts:
            account = campaign.schedule.accounts[name]
            fitted = _with_fitted_media(post, limits[name], read_media, whole.pictures)
            whole.rendered[post.id, name] = render(
                fitted,
                account,
                campaign=campaign,
                traits=traits[account.platform],
                limits=limits[name],
                card_picture=_drawer(whole, draw_card),
            )
    return whole


def _drawer(
    whole: Composition, draw_card: Callable[[Post, Campaign], tuple[bytes, Picture]]
) -> CardPicture:
    def draw(post: Post, _account: Account) -> Picture:
        try:
            data, picture = draw_card(post, whole.campaign)
        except CardError as error:
            raise _problem(post.place, f"{post.id}.card", error) from error
        whole.pictures[picture.sha256] = data
        return picture

    return draw


def _with_fitted_media(
    post: Post, limits: Limits, read_media: ReadMedia, pictures: dict[str, bytes]
) -> Post:
    """Put pictures as they will be uploaded in the place of the files they come from."""
    if not post.media and not any(one.media for one in post.variants.values()):
        return post

    def fit(file: MediaFile) -> MediaFile:
        try:
            cleaned = clean(
                read_media(file),
                max_bytes=limits.max_picture_bytes,
                mimes=limits.picture_mimes,
                max_pixels=limits.max_pixels,
            )
        except PictureError as error:
            raise _problem(file.place, f"{post.id}.media", error) from error
        digest = sha256_hex(cleaned.data)
        pictures[digest] = cleaned.data
        return replace(
            file, sha256=digest, mime=cleaned.mime, width=cleaned.width, height=cleaned.height,
            size=len(cleaned.data),
        )  # fmt: skip

    variants = {
        name: replace(one, media=tuple(map(fit, one.media)) if one.media is not None else None)
        for name, one in post.variants.items()
    }
    return replace(post, media=tuple(map(fit, post.media)), variants=variants)


def _problem(place: Place, where: str, error: OperatorError) -> ContentError:
    """Say where the files are to be mended."""
    return ContentError([Problem(place.file, place.line, place.column, where, str(error))])
