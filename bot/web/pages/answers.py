"""The answers of approvers to a post, what people say of it, and what waits for whom this week."""

from collections.abc import Sequence
from typing import Any

from bot.authority.approvals import WITHDRAW
from bot.authority.passkeys import request_options
from bot.authority.users import Right
from bot.delivery.answers import ASK, COMMENT, LONGEST, REFUSE, Answers, too_late
from bot.delivery.consent import challenge_of
from bot.delivery.decide import ApprovalCount, is_same_person
from bot.delivery.model import Delivery
from bot.delivery.moves import OPEN
from bot.operations.waiting import WaitingPost, waiting_posts
from bot.web.context import AppContext
from bot.web.pages.login import MOST
from bot.web.request import Answer, Page, Redirect, RequestContext

_NOTE = 2000
#: What people read of a row of the log.
_SAID = {ASK: "asks for a change", REFUSE: "refused it", WITHDRAW: "took their answer back",
         COMMENT: "says"}  # fmt: skip


def answer_values(
    request: RequestContext, post_id: str, waiting: Sequence[Delivery]
) -> dict[str, Any]:
    service, name = _answers(request.context), request.who.name
    consent, obstacle, options = _approval(request, waiting)
    thread = [each for each in service.thread(post_id) if each.answer in _SAID]
    rows = request.context.store.outbox.find(states=OPEN, post_id=post_id)
    current = {row.fingerprint for row in rows}
    has_approved = any(
        each.by == name and each.fingerprint in current
        for each in request.context.store.approvals.standing(post_id=post_id)
    )
    asks = any(each.by == name and each.stands and each.answer == ASK for each in thread)
    mine, _others = all_waiting(request)
    place = next((at for at, post in enumerate(mine) if post.post_id == post_id), None)
    return {
        "consent": consent,
        "obstacle": obstacle,
        "options": options,
        "thread": thread,
        "said": _SAID,
        "open_fingerprints": sorted(current),
        "may_answer": bool(rows) and request.who.may(Right.APPROVE),
        "can_withdraw": has_approved or asks,
        "longest": LONGEST,
        "week": mine,
        "place": place,
        "after": None if place is None else next(iter(mine[place + 1 :]), None),
    }


def all_waiting(request: RequestContext) -> tuple[tuple[WaitingPost, ...], ...]:
    """Return what waits for whoever asks, and for others, in order of time."""
    context, name = request.context, request.who.name
    found = waiting_posts(context.store, context.desk.consents, context.clock.now())
    # In a rehearsal without users its guest is everybody.
    is_guest = request.who == context.guest()
    mine = found if is_guest else tuple(post for post in found if post.is_for(name))
    return mine, tuple(post for post in found if post not in mine)


def this_week(request: RequestContext) -> Answer:
    return Page("week.html", {"week": all_waiting(request)[0]})


def _answers(context: AppContext) -> Answers:
    return Answers(context.store, context.clock)


def _approval(
    request: RequestContext, waiting: Sequence[Delivery]
) -> tuple[ApprovalCount | None, str, str]:
    """Return what stands of the approvals, why this person cannot add theirs, what they sign."""
    consents = request.context.desk.consents
    found = [consents.of(row.publication) for row in waiting]
    farthest = max(found, key=lambda consent: consent.missing, default=None)
    obstacle = _obstacle(request, found)
    if obstacle or not consents.are_signed:
        return farthest, obstacle, ""
    store, name = request.context.store, request.who.name
    pinned = {key.public_key for key in store.keys.of(name)}
    keys = [key for key in store.passkeys.of(name) if key.public_key in pinned]
    if not keys:
        return farthest, "Approvals are signed here, and no passkey of yours is pinned.", ""
    challenge = challenge_of(consents.statement(waiting))
    return farthest, "", request_options(request.site, challenge, keys)


def _obstacle(request: RequestContext, found: Sequence[ApprovalCount]) -> str:
    """Say why this person cannot approve; empty where they can."""
    who = request.who
    if not found:
        return "Nothing of it waits for approval."
    if not who.may(Right.APPROVE):
        return "Only approvers approve."
    if any(is_same_person(consent.author, who.name) for consent in found):
        return "You wrote it; somebody else must approve it."
    if all(any(is_same_person(by, who.name) for by in consent.by) for consent in found):
        return "You have approved it as it stands."
    return ""


def approve(request: RequestContext) -> Answer:
    """Approve just what the page showed."""
    by = request.require(Right.APPROVE)
    post_id, note = request.path_value("post"), request.form_value("note", most=_NOTE, default="")
    seen = request.form_values("fingerprint")
    answer = request.form_value("answer", most=MOST, default="")
    desk = request.context.desk
    desk.approve(post_id, by=by.name, note=note, seen=seen, signature=answer or None)
    return _next(request, post_id, "approved")


def ask_change(request: RequestContext) -> Answer:
    return _object(request, ASK, "change")


def refuse(request: RequestContext) -> Answer:
    return _object(request, REFUSE, "refused")


def _object(request: RequestContext, answer: str, done: str) -> Answer:
    by, post_id = request.require(Right.APPROVE), request.path_value("post")
    seen, comment = request.form_values("fingerprint"), request.form_value("comment", most=_NOTE)
    answered = _answers(request.context).object_to(answer, post_id, comment, by=by.name, seen=seen)
    return _next(request, post_id, done, answered)


def withdraw(request: RequestContext) -> Answer:
    by, post_id = request.require(Right.APPROVE), request.path_value("post")
    why = request.form_value("why", most=_NOTE, default="")
    answered = _answers(request.context).withdraw(post_id, by=by.name, why=why)
    told = "late" if too_late(answered) else "withdrawn"
    return Redirect(f"/posts/{post_id}?done={told}#read")


def comment(request: RequestContext) -> Answer:
    by, post_id = request.require(Right.COMMENT), request.path_value("post")
    text = request.form_value("comment", most=_NOTE)
    _answers(request.context).comment(post_id, text, by=by.name)
    return Redirect(f"/posts/{post_id}?done=said#said")


def _next(
    request: RequestContext, post_id: str, done: str, answered: Sequence[Delivery] = ()
) -> Redirect:
    """Lead to what waits for them next, or back to where they were."""
    if too_late(answered):
        return Redirect(f"/posts/{post_id}?done=late#read")
    mine = [post for post in all_waiting(request)[0] if post.post_id != post_id]
    if not mine:
        return Redirect(f"/posts/{post_id}?done={done}#read")
    return Redirect(f"/posts/{mine[0].post_id}?done={done}&of={post_id}#read")
