"""One post: as its accounts show it, where its words stand, who approved it, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.authority.approvals import Approval
from bot.authority.audit import AuditRow
from bot.authority.users import Right
from bot.content.model import Post
from bot.content.quoting import is_exact
from bot.delivery.gate import approvers, is_same_person
from bot.delivery.lifecycle import UNSENT
from bot.delivery.model import Delivery, State
from bot.delivery.publications import Correction
from bot.engagement import charts
from bot.engagement.presenter import Presented
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign
from bot.web.answers import Answer, Page, Raw, Redirect
from bot.web.calendar_entries import CalendarQuery
from bot.web.context import AppContext
from bot.web.request_context import RefusedRequestError, RequestContext
from bot.web.words import by_account, difference, host_of, passage_in, pieces

_MOST = 2000
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_OUT = frozenset({State.SENT, State.SENDING, State.UNKNOWN, State.RETRACTED, State.GONE})


@dataclass(frozen=True, slots=True)
class AccountView:
    """What one account shows."""

    account: str
    platform: str
    handle: str
    parts: tuple[StatusView, ...]
    max_length: int
    skipped: str
    cost: float


@dataclass(frozen=True, slots=True)
class StatusView:
    """One status of it."""

    status: Status
    pieces: tuple[Any, ...]
    length: int
    card_host: str


@dataclass(frozen=True, slots=True)
class Test:
    """One thing that was checked."""

    is_well: bool
    told: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What somebody approved that is no longer what would go out."""

    approval: AuditRow
    #: By account: (kind, words) of the difference.
    texts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def page(request: RequestContext) -> Answer:
    context, post_id = request.context, request.place("post")
    post = context.campaign.post(post_id)
    rows = tuple(
        row
        for row in context.store.outbox.find(post_id=post_id)
        if row.state is not State.CANCELLED
    )
    if post is None and not rows:
        raise RefusedRequestError(404, f"no post is called {post_id}")
    almanac = CalendarQuery(context)
    waiting = context.desk.waiting(post_id)
    current = {one.fingerprint for one in waiting}
    approvals = context.store.approvals.of_post(post_id)
    values: dict[str, Any] = {
        "post_id": post_id,
        "report": Presented(context.report(since=None, post=post_id)),
        "charts": charts,
        "post": post,
        "looks": looks_of(context.rendered(), post) if post else looks_of_rows(context, rows),
        "passages": passages(context, post) if post else [],
        "tests": list(_tests(context, post)) if post else [],
        "remarks": _remarks(context, post) if post else [],
        "rows": rows,
        "kind_of": almanac.kind_of,
        "waiting": waiting,
        "fingerprints": sorted(current),
        "standing": [one for one in approvals if one.fingerprint in current],
        "required": context.campaign.schedule.approvals_required,
        "counting": _counting(waiting, approvals),
        "obstacle": _obstacle(request, waiting, approvals),
        "changed": _changed(context, post_id, waiting),
        "out": [row for row in rows if row.state in _OUT],
        "live": [row for row in rows if row.state is State.SENT],
        "unsent": [row for row in rows if row.state in UNSENT],
        "may_correct": request.who.may(Right.CORRECT),
        "may_approve": request.who.may(Right.APPROVE),
        "is_correction": any(isinstance(row.publication.occurrence, Correction) for row in rows),
    }
    return Page("post.html", values)


def looks_of(whole: RenderedCampaign, post: Post) -> list[AccountView]:
    """Lay a post out as each of its accounts shows it."""
    return [
        AccountView(
            account=text.account.name,
            platform=text.account.platform,
            handle=text.account.handle or text.account.name,
            parts=tuple(
                _part(status, length)
                for status, length in zip(text.statuses, text.lengths, strict=False)
            ),
            max_length=text.max_length,
            skipped=text.why_not,
            cost=whole.cost_of_all(text),
        )
        for text in whole.texts_of(post)
    ]


def looks_of_rows(context: AppContext, rows: Sequence[Delivery]) -> list[AccountView]:
    """Show what deliveries froze: of corrections, and of posts that no file has any more."""
    whole = context.rendered()
    accounts = whole.campaign.schedule.accounts
    looks = []
    for name, group in by_account(rows):
        if name not in accounts:
            continue
        spec, limits = whole.spec_of(name), whole.limits[name]
        first = [row for row in group if row.publication.id == group[0].publication.id]
        parts = tuple(_part(row.status, spec.length_of(row.status, limits)) for row in first)
        handle = accounts[name].handle or name
        most = accounts[name].max_length or limits.max_length
        looks.append(AccountView(name, spec.name, handle, parts, most, "", 0.0))
    return looks


def _part(status: Status, length: int) -> StatusView:
    host = host_of(status.card.url) if status.card else ""
    return StatusView(status, pieces(status), length, host)


def passages(context: AppContext, post: Post) -> list[dict[str, Any]]:
    """Find the quoted words in their source, with a paragraph before and after."""
    source = context.campaign.sources.get(post.quote.source) if post.quote else None
    if post.quote is None or source is None:
        return []
    found = passage_in(source.text, post.quote.fragments, around=1)
    return [{"source": source, "paragraphs": found}]


def _tests(context: AppContext, post: Post) -> Any:
    """Say what was proved about a post, in the words of editors."""
    campaign = context.campaign
    source = campaign.sources.get(post.quote.source) if post.quote else None
    if post.quote and source:
        exact = is_exact(post.quote, source)
        told = f"quoted to the character from {source.title} (SHA-256 {source.sha256[:12]}…)"
        yield Test(exact, told if exact else "the quotation is not what the source says")
        yield Test(bool(source.attribution), f"attributed in the post itself: {source.attribution}")
    for one in context.rendered().texts_of(post):
        if one.statuses:
            most = max(one.lengths)
            parts = f" in {len(one.statuses)} parts" if len(one.statuses) > 1 else ""
            yield Test(True, f"fits {one.account.name}{parts}: {most} of {one.max_length}")
        else:
            yield Test(False, f"does not go to {one.account.name}: {one.why_not}")
    if post.graphic:
        yield Test(bool(post.warning), f"graphic passage, warned: {post.warning or 'no warning'}")
    for file in post.media:
        yield Test(bool(file.alt), f"{file.file} is described for people who cannot see it")


def _remarks(context: AppContext, post: Post) -> list[str]:
    """Find the warnings and notices between the post's first line and the next post's."""
    later = [
        one.place.line
        for one in context.campaign.posts
        if one.place.file == post.place.file and one.place.line > post.place.line
    ]
    end = min(later, default=10**9)
    return [
        one.message
        for one in context.remarks()
        if one.file == post.place.file and post.place.line <= one.line < end
    ]


def _counting(waiting: Sequence[Delivery], approvals: Sequence[Approval]) -> int:
    """Count the people whose approvals stand for all that waits; the author is none of them."""
    counts = [
        approvers(
            (one.by for one in approvals if one.fingerprint == row.fingerprint),
            row.publication.author,
        )
        for row in waiting
    ]
    return min(counts, default=0)


def _obstacle(
    request: RequestContext, waiting: Sequence[Delivery], approvals: Sequence[Approval]
) -> str:
    """Say why this person cannot approve; empty where they can."""
    who = request.who
    if not waiting:
        return "Nothing of it waits for approval."
    if not who.may(Right.APPROVE):
        return "Only approvers approve."
    if any(is_same_person(row.publication.author, who.name) for row in waiting):
        return "You wrote it; somebody else must approve it."
    done = {one.fingerprint for one in approvals if is_same_person(one.by, who.name)}
    if {row.fingerprint for row in waiting} <= done:
        return "You have approved it as it stands."
    return ""


def _changed(context: AppContext, post_id: str, waiting: Sequence[Delivery]) -> list[Changed]:
    """Find approvals that an edit voided, and what the edit was; newest first, one an edit."""
    current = {row.fingerprint for row in waiting}
    if not current:
        return []
    now = _said(waiting)
    found: dict[str, Changed] = {}
    for row in context.store.audit.rows():
        if row.verb != "approve" or row.subject != post_id:
            continue
        bound = str(row.detail.get("fingerprint", ""))
        said = row.detail.get("said")
        if bound in current or bound in found or not isinstance(said, Mapping):
            continue
        texts = tuple(
            (account, difference("\n⁂\n".join(said.get(account, ())), now.get(account, "")))
            for account in sorted({*said, *now})
        )
        found[bound] = Changed(row, texts)
    return list(found.values())[:3]


def _said(waiting: Sequence[Delivery]) -> dict[str, str]:
    said: dict[str, str] = {}
    for account, rows in by_account(waiting):
        first = [row for row in rows if row.publication.id == rows[0].publication.id]
        said[account] = "\n⁂\n".join(row.status.text for row in first)
    return said


def approve(request: RequestContext) -> Answer:
    """Approve just what the page showed."""
    by = request.require(Right.APPROVE)
    post_id, note = request.place("post"), request.form_value("note", most=_MOST, default="")
    seen = request.form_values("fingerprint")
    request.context.desk.approve(post_id, by=by.name, note=note, seen=seen)
    return Redirect(f"/posts/{post_id}?done=approved")


def correct(request: RequestContext) -> Answer:
    by = request.require(Right.CORRECT)
    post_id = request.place("post")
    rows = request.context.corrections.correct(
        post_id,
        request.form_value("text", most=_MOST),
        by=by.name,
        why=request.form_value("why", most=_MOST),
        delete_original=request.form_value("delete", default="") == "yes",
    )
    return Redirect(f"/posts/{rows[0].post_id}?done=corrected")


def retract(request: RequestContext) -> Answer:
    by = request.require(Right.CORRECT)
    why = request.form_value("why", most=_MOST)
    if request.form_value("sure", default="") != "yes":
        raise RefusedRequestError(400, "tick the box that says that you are sure")
    request.context.corrections.retract(request.place("post"), by=by.name, why=why)
    return Redirect("/corrections?done=retracted")


def source(request: RequestContext) -> Answer:
    """Show a whole source, with what a post quotes of it marked."""
    context, name = request.context, request.place("source")
    found = context.campaign.sources.get(name)
    if found is None:
        raise RefusedRequestError(404, f"no source is called {name}")
    post = context.campaign.post(request.one("post"))
    quote = post.quote if post and post.quote and post.quote.source == name else None
    quoting = [one for one in context.campaign.posts if one.quote and one.quote.source == name]
    values = {
        "source": found,
        "post": post if quote else None,
        "paragraphs": passage_in(found.text, quote.fragments if quote else (), around=None),
        "quoting": quoting,
    }
    return Page("source.html", values)


def picture(request: RequestContext) -> Answer:
    """Return a picture that a post shows, by its hash."""
    context, sha256 = request.context, request.place("sha256")
    whole = context.rendered()
    kinds = {
        one.sha256: one.mime
        for rendered in whole.texts.values()
        for status in rendered.statuses
        for one in status.pictures
    }
    if kinds.get(sha256) not in _PICTURES or sha256 not in whole.pictures:
        raise RefusedRequestError(404, "no post shows that picture")
    return Raw(whole.pictures[sha256], kinds[sha256], keep=3600)
