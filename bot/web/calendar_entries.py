"""What happens when: deliveries, drafts and what is further ahead, one line a post and moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import Post
from bot.content.zones import resolve
from bot.delivery.model import Delivery, State
from bot.planning.plan import Assignment
from bot.planning.planner import Planner
from bot.platforms.status import Status
from bot.web.context import AppContext
from bot.web.words import KIND_OF

#: What no longer matters once something else took its place.
_SILENT = frozenset({State.CANCELLED})
_MOST_DAYS = 800
_LEAP_DAY = (2, 29)
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Target:
    """One account's part in an entry."""

    account: str
    platform: str
    kind: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One post at one moment (UTC), on some accounts."""

    at: datetime
    post_id: str
    words: str
    lang: str
    theme: str
    places: tuple[Target, ...]

    @property
    def kind(self) -> str:
        """What of it needs a person most."""
        order = ("failed", "held", "unapproved", "sending", "approved", "forecast", "draft")
        kinds = {place.kind for place in self.places}
        return next((one for one in order if one in kinds), next(iter(sorted(kinds)), "draft"))


class CalendarQuery:
    """Looks things up once for one page."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._approved: dict[str, bool] = {}

    def between(self, since: datetime, until: datetime) -> list[CalendarEntry]:
        """Find what happens from ``since`` and before ``until``, in order."""
        rows = self._context.store.outbox.find(since=since, until=until)
        found = list(self._of_rows(rows))
        found += self._ahead(since, until)
        found += self._drafts(since, until)
        return sorted(found, key=lambda one: (one.at, one.post_id))

    def next(self, count: int) -> list[CalendarEntry]:
        """Find the next things to go out."""
        now = self._context.clock.now()
        states = {State.PLANNED, State.READY}
        rows = self._context.store.outbox.find(states=states, since=now - timedelta(hours=1))
        return sorted(self._of_rows(rows), key=lambda one: (one.at, one.post_id))[:count]

    def undated_drafts(self) -> tuple[Post, ...]:
        """Find drafts that have no time of their own."""
        return tuple(one for one in self._context.campaign.posts if not one.ready and one.queue)

    def kind_of(self, row: Delivery) -> str:
        """Return where a delivery stands, for people."""
        if row.state is not State.PLANNED:
            return KIND_OF[row.state]
        return "approved" if self._is_approved(row) else "unapproved"

    def _is_approved(self, row: Delivery) -> bool:
        if row.fingerprint not in self._approved:
            required = self._context.campaign.schedule.approvals_required
            self._approved[row.fingerprint] = (
                self._context.desk.approvals(row.publication) >= required
            )
        return self._approved[row.fingerprint]

    def _of_rows(self, rows: Iterable[Delivery]) -> Iterator[CalendarEntry]:
        groups: dict[tuple[datetime, str], list[Delivery]] = {}
        for row in rows:
            if row.part == 0 and row.due_at and row.state not in _SILENT:
                groups.setdefault((row.due_at, row.post_id), []).append(row)
        for (at, post_id), group in groups.items():
            places = tuple(
                Target(row.account, row.platform, self.kind_of(row), row.url) for row in group
            )
            status, theme = group[0].status, group[0].publication.theme
            yield CalendarEntry(at, post_id, self._bare(status), status.lang, theme, places)

    def _ahead(self, since: datetime, until: datetime) -> Iterator[CalendarEntry]:
        """Ask the planner for what the outbox does not reach to yet."""
        context = self._context
        planned = context.store.outbox.find(states={State.PLANNED})
        dues = (row.due_at for row in planned if row.due_at)
        horizon = max(dues, default=context.clock.now())
        if until <= horizon:
            return
        days = min(_MOST_DAYS, (until - context.clock.now()).days + 1)
        if days <= 0:
            return
        plan = Planner(context.store, context.clock).outlook(context.rendered(), days=days)
        known = {(row.account, row.publication.occurrence) for row in context.store.outbox.find()}
        ahead: dict[tuple[datetime, str], list[Assignment]] = {}
        for one in plan.assignments:
            if since <= one.due_at < until and (one.account, one.occurrence) not in known:
                ahead.setdefault((one.due_at, one.post_id), []).append(one)
        for (at, post_id), group in ahead.items():
            yield self._forecast(at, post_id, [one.account for one in group])

    def _forecast(self, at: datetime, post_id: str, accounts: list[str]) -> CalendarEntry:
        whole = self._context.rendered()
        post = whole.campaign.post(post_id)
        statuses = whole.texts[post_id, accounts[0]].statuses
        places = tuple(Target(name, whole.spec_of(name).name, "forecast") for name in accounts)
        theme = post.theme if post else ""
        return CalendarEntry(at, post_id, self._bare(statuses[0]), statuses[0].lang, theme, places)

    def _bare(self, status: Status) -> str:
        """Return a status without what is the same in all of them: attribution and links."""
        text = status.text
        for source in self._context.campaign.sources.values():
            text = text.replace(source.attribution, "")
        return _LINK.sub("", text).strip()

    def _drafts(self, since: datetime, until: datetime) -> Iterator[CalendarEntry]:
        whole = self._context.rendered()
        for post in whole.campaign.posts:
            if post.ready:
                continue
            words = " ".join(one for one in (post.text, post.quote and post.quote.text) if one)
            places = tuple(
                Target(name, whole.spec_of(name).name, "draft") for name in post.accounts
            )
            for at in _moments(post, since, until, whole.campaign.zone):
                yield CalendarEntry(at, post.id, words, post.lang, post.theme, places)


def _moments(post: Post, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Return the moments a draft would have, from ``since`` and before ``until``."""
    if post.at and since <= post.at < until:
        yield post.at
    yearly = post.every_year
    for year in range(since.year - 1, until.year + 2) if yearly else ():
        if yearly is None or yearly.on == _LEAP_DAY:
            continue
        local = datetime.combine(date(year, *yearly.on), yearly.at)
        at = resolve(local, zone).utc
        if since <= at < until:
            yield at


def filtered(
    entries: Iterable[CalendarEntry], *, account: str, kind: str, theme: str
) -> list[CalendarEntry]:
    """Keep what has an account, stands somewhere, or is about a theme; empty keeps all."""
    kept = []
    for one in entries:
        places = tuple(
            place
            for place in one.places
            if account in {"", place.account} and kind in {"", place.kind}
        )
        if places and theme in {"", one.theme}:
            kept.append(CalendarEntry(one.at, one.post_id, one.words, one.lang, one.theme, places))
    return kept


def counted(entries: Iterable[CalendarEntry]) -> Mapping[str, int]:
    """Count places by where they stand."""
    counts: dict[str, int] = {}
    for one in entries:
        for place in one.places:
            counts[place.kind] = counts.get(place.kind, 0) + 1
    return counts
