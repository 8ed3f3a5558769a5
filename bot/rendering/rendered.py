"""Everything that the campaign would say, rendered once.

Checks, previews, planning and the desk all read one `RenderedCampaign`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from bot.canonical import canonical_json, sha256_hex
from bot.content.model import Campaign, Post, Schedule
from bot.errors import Problem
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Status
from bot.rendering.render import MISFITS, PICTURE, RenderedText, render
from bot.rendering.similarity import shares_with, similar_pairs

if TYPE_CHECKING:
    from bot.rendering.cards.pictures import PreparedPictures

#: So many new texts are held against each other one; more are compared all at once.
_FEW = 20
_PICTURE_LIMITS = ("max_picture_bytes", "max_pixels", "picture_mimes")


@dataclass(frozen=True)  # no slots: what is computed once is kept
class RenderedCampaign:
    """A campaign with what each of its accounts would show of each post."""

    campaign: Campaign
    #: By platform.
    specs: Mapping[str, PlatformSpec]
    #: By account: the server's own numbers, where it was asked.
    limits: Mapping[str, Limits]
    #: By post and account.
    texts: Mapping[tuple[str, str], RenderedText]
    #: Bytes of all pictures that the statuses name, by hash.
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    #: By post and account, what fitted before: planned, or in force as it is.
    known: Collection[tuple[str, str]] = ()
    #: Texts of the rendering before, and how alike they are.
    shares_before: tuple[Collection[str], Mapping[tuple[str, str], float]] | None = None

    @property
    def context(self) -> tuple[object, ...]:
        """All that a rendering depends on beside the posts."""
        known = self.campaign
        return known.schedule, known.sources, known.investigations, self.specs, self.limits

    def known_shares(self) -> tuple[Collection[str], Mapping[tuple[str, str], float]] | None:
        """Return all texts and how alike they are, where that was asked for."""
        if "_shares" not in self.__dict__:
            return None
        return {text.words for text in self.texts.values()}, self._shares

    def spec_of(self, account: str) -> PlatformSpec:
        return self.specs[self.campaign.schedule.accounts[account].platform]

    def limits_of(self, account: str) -> Limits:
        return self.limits.get(account, self.spec_of(account).limits)

    def is_servers_word(self, problem: Problem, text: RenderedText) -> bool:
        """Return whether its server's own limits keep a post from its account.

        Then it is left out there: no server has a say in what the others get.
        """
        name = text.account.name
        spec, limits = self.spec_of(name), self.limits.get(name)
        if limits is None or not spec.floors:
            return False
        if problem.rule == PICTURE:  # it may be broken, too, which is nobody's limit
            return any(getattr(limits, each) != getattr(spec.limits, each)
                       for each in _PICTURE_LIMITS)  # fmt: skip
        if problem.rule not in MISFITS or (text.post.id, name) in self.known:
            return problem.rule in MISFITS
        usual = render(
            text.post, text.account, campaign=self.campaign, spec=spec, limits=spec.limits
        )
        return (problem.rule, problem.where) not in {
            (one.rule, one.where) for one in usual.problems
        }

    def texts_of(self, post: Post) -> tuple[RenderedText, ...]:
        return tuple(self.texts[post.id, name] for name in post.accounts)

    @cached_property
    def going_out(self) -> tuple[RenderedText, ...]:
        """What is ready and has statuses."""
        return tuple(text for text in self.texts.values() if text.statuses and text.post.ready)

    def cost_of(self, status: Status, account: str) -> float:
        """Return in US dollars what one status costs on an account."""
        spec = self.spec_of(account)
        prices = prices_for(spec, self.campaign.schedule)
        return sum(prices.get(charge.action, 0.0) * charge.units for charge in spec.charges(status))

    def cost_of_all(self, text: RenderedText) -> float:
        """Return in US dollars what all statuses of a text cost."""
        return sum(self.cost_of(status, text.account.name) for status in text.statuses)

    def fingerprint(self, post: Post, account: str, due_at: datetime | None) -> str:
        """Hash what approvers of this occurrence answer for on one account."""
        text = self.texts[post.id, account]
        return fingerprint(
            post,
            text.statuses,
            account=account,
            shown=self.spec_of(account).shown(text.account),
            fixed_at=None if post.queue else due_at,
        )

    def share(self, one: str, two: str) -> float | None:
        """Return how alike two texts are; None where that is less than the schedule minds."""
        return 1.0 if one == two else self._shares.get((min(one, two), max(one, two)))

    def alike(self, one: str, two: str) -> bool:
        """Return of two posts whether they need a distance: they say the same, or nearly."""
        return one == two or (min(one, two), max(one, two)) in self._alike

    @cached_property
    def _shares(self) -> Mapping[tuple[str, str], float]:
        every = {text.words for text in self.texts.values()}
        threshold = self.campaign.schedule.similarity
        before, shares = self.shares_before or ((), {})
        new = every.difference(before)
        if before and len(new) <= _FEW:
            kept = {pair: share for pair, share in shares.items() if every.issuperset(pair)}
            return kept | shares_with(new, every, threshold)
        texts = sorted(every)
        pairs = similar_pairs(texts, threshold)
        return {(texts[first], texts[second]): share for first, second, share in pairs}

    @cached_property
    def _alike(self) -> frozenset[tuple[str, str]]:
        saying: dict[str, set[str]] = {}
        for text in self.texts.values():
            saying.setdefault(text.words, set()).add(text.post.id)
            if text.post.quote:
                saying.setdefault(f"“{text.post.quote.text}”", set()).add(text.post.id)
        groups = [(ids, ids) for ids in saying.values()]
        groups += [(saying[first], saying[second]) for first, second in self._shares]
        pairs = ((one, two) for ids, others in groups for one in ids for two in others)
        return frozenset((min(pair), max(pair)) for pair in pairs)


def render_campaign(
    campaign: Campaign,
    *,
    specs: Mapping[str, PlatformSpec],
    limits: Mapping[str, Limits],
    pictures: PreparedPictures | None = None,
    pictured: Callable[[Post], bool] = lambda _post: True,
    known: Collection[tuple[str, str]] = (),
    before: RenderedCampaign | None = None,
) -> RenderedCampaign:
    """Render every post for every account it goes to; a post without accounts goes to all.

    Args:
        limits: By account; one without limits has its platform's.
        pictures: Makes pictures ready; without it they are as their files are.
        pictured: Of which posts pictures are made ready, which takes its time.
        known: By post and account, what fitted before.
        before: What was rendered last: a post that is the same object shows the same.
    """
    accounts = campaign.schedule.accounts
    whole = RenderedCampaign(campaign, specs, limits, {}, known=known)
    before = before if before and before.context == whole.context else None
    old = before.texts if before else {}
    texts = {
        (post.id, name): _unchanged(old.get((post.id, name)), post)
        or render(
            post,
            accounts[name],
            campaign=campaign,
            spec=whole.spec_of(name),
            limits=whole.limits_of(name),
            pictures=pictures if pictured(post) else None,
        )
        for post in campaign.posts
        for name in post.accounts or accounts
    }
    contents = pictures.contents if pictures else {}
    shares = before.known_shares() if before else None
    return replace(whole, texts=texts, pictures=contents, shares_before=shares)


def _unchanged(text: RenderedText | None, post: Post) -> RenderedText | None:
    """Return what was rendered of the very same post; None where pictures must be made ready."""
    if text is None or text.post is not post or text.version.card or text.version.media:
        return None
    return text


def fingerprint(
    post: Post,
    statuses: Sequence[Status],
    *,
    account: str,
    shown: Mapping[str, object],
    fixed_at: datetime | None,
) -> str:
    """Return the hash that an approval binds to: all that readers of an account will see.

    That is its statuses: text, links, pictures, warnings, language, sources. Each account has its
    own, so that what changes on one takes nothing back on another.

    Args:
        post: Whose; its author is bound too, so that nobody becomes an approver by an edit.
        shown: What the account's own keys say that readers see, such as a visibility.
        fixed_at: UTC instant of a post with a fixed time; None lets a queued post move.
    """
    bound: dict[str, object] = {
        "post": post.id,
        "author": post.author,
        "account": account,
        "shown": shown,
        "statuses": [status.to_json() for status in statuses],
        "source": post.quote.source_sha256 if post.quote else None,
        "at": fixed_at.isoformat() if fixed_at else None,
    }
    if post.quote and post.quote.translates:
        bound["translators"] = post.quote.translators
    if post.partners_from:  # others will say it too
        bound["partners_from"] = post.partners_from.isoformat()
    return sha256_hex(canonical_json(bound))


def prices_for(spec: PlatformSpec, schedule: Schedule) -> Mapping[str, float]:
    """Return US dollars by action; what the schedule names overrides the platform's own."""
    return {**spec.prices, **schedule.prices.get(spec.name, {})}
