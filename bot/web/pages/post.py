"""One post: as its accounts show it, where its words stand, who approved it, what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.authority.users import Right
from bot.content.model import Post
from bot.content.quoting import is_exact
from bot.delivery.interactions import VERBS, Interactions, can
from bot.delivery.model import Correction, Delivery, State
from bot.engagement import charts
from bot.engagement.presenter import Presented
from bot.planning.corrections import REPUBLICATION
from bot.planning.diff import is_as_written
from bot.planning.removals import ASKED, BEGUN, WAITING, requests
from bot.rendering.layout import html_direction
from bot.rendering.translations import sides_of
from bot.web.context import AppContext
from bot.web.pages.answers import answer_values
from bot.web.pages.calendar import CalendarQuery
from bot.web.rendering import by_account, difference, looks_of, looks_of_rows, passage_in, words_of
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

_MOST = 2000
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
#: Between the parts of a thread, where two are compared.
_BETWEEN = "\n⁂\n"


def page(request: RequestContext) -> Answer:
    context, post_id = request.context, request.path_value("post")
    post, whole = context.campaign.post(post_id), context.rendered()
    quote = post.quote if post else None
    source = context.campaign.sources.get(quote.source) if quote else None
    rows = context.store.outbox.find(states=set(State) - {State.CANCELLED}, post_id=post_id)
    if post is None and not rows:
        raise RefusedRequestError(404, f"no post is called {post_id}")
    with context.store.looking():  # what is shown is what is signed
        waiting = context.desk.waiting(post_id)
        answers = answer_values(request, post_id, waiting)
        strange = _unlike_files(context, waiting)
    current = {row.fingerprint for row in waiting}
    now = context.clock.now()
    asked = context.store.audit.about(post_id, ASKED, BEGUN, since=now - WAITING)
    approvals = context.store.approvals.standing(post_id=post_id)
    values: dict[str, Any] = {
        "post_id": post_id,
        "words": words_of(post) if post else rows[0].status.text,
        "lang": post.lang if post else rows[0].status.lang,
        "report": Presented(context.reporter().report(since=None, post=post_id)),
        "charts": charts,
        "post": post,
        "looks": looks_of(whole, post)
        if post and not strange
        else [look for group in strange or [rows] for look in looks_of_rows(whole, group)],
        "is_strange": bool(post and strange),
        "source": source,
        # Of a translation, what it translates too.
        "passages": [
            (of, html_direction(of.text), passage_in(of.text, each.fragments))
            for each in (quote, quote.translates if quote else None)
            if each and (of := context.campaign.sources.get(each.source))
        ],
        "sides": sides_of(post, context.campaign),
        "is_exact": bool(quote and source and is_exact(quote, source)),
        "texts": whole.texts_of(post) if post else (),
        "warnings": _warnings(context, post) if post else [],
        "rows": rows,
        "kind_of": CalendarQuery(context).kind_of,
        "waiting": waiting,
        "fingerprints": sorted(current),
        # What a person said at once is one line, for however many accounts it counts.
        "standing": {
            (each.by, each.at): each for each in approvals if each.fingerprint in current
        }.values(),
        **answers,
        "changed": _changed(context, post_id, waiting),
        "is_live": any(row.state is State.SENT for row in rows),
        "answerable": [
            (verb, row, context.price_of(row, verb.replace(" ", "_")))
            for verb in VERBS
            for row in rows
            if row.state is State.SENT and can(context.specs[row.platform], verb)
        ],
        "elsewhere": context.corrections.elsewhere(post_id) or (),
        "asked": requests(asked, post_id, now),
        "is_correction": any(isinstance(row.publication.occurrence, Correction) for row in rows)
        and not post_id.startswith(REPUBLICATION),
    }
    return Page("post.html", values, has_script=bool(answers["options"]))


def _unlike_files(context: AppContext, waiting: Sequence[Delivery]) -> list[tuple[Delivery, ...]]:
    """Return the publications that wait where any is not what the files say; else none.

    It was edited just now, or was begun before that, or somebody changed the database.
    """
    publications = dict.fromkeys(row.publication.id for row in waiting)
    groups = [context.store.outbox.find(publication_id=each) for each in publications]
    as_written = (is_as_written(group, context.rendered()) for group in groups)
    return [] if all(as_written) else groups


def _warnings(context: AppContext, post: Post) -> list[str]:
    """Find the warnings and notices between the post's first line and the next post's."""
    places = [other.place for other in context.campaign.posts]
    file, line = post.place.file, post.place.line
    later = [place.line for place in places if place.file == file and place.line > line]
    end = min(later, default=10**9)
    return [
        problem.message
        for problem in context.warnings()
        if problem.file == file and line <= problem.line < end
    ]


def _changed(
    context: AppContext, post_id: str, waiting: Sequence[Delivery]
) -> list[dict[str, Any]]:
    """Find approvals that an edit voided, and what the edit was; newest first, one an edit."""
    current = {row.fingerprint for row in waiting}
    if not current:
        return []
    # What each account would show now.
    now = {
        account: _BETWEEN.join(row.status.text for row in rows)
        for account, rows in by_account(waiting).items()
    }
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in context.store.audit.about(post_id, "approve"):
        fingerprints = tuple(row.detail.get("fingerprints", ()))
        then = row.detail.get("said")
        is_known = current.issuperset(fingerprints) or fingerprints in found
        if is_known or not isinstance(then, Mapping):
            continue
        texts = [
            (account, difference(_BETWEEN.join(said), now.get(account, "")))
            for account, said in sorted(then.items())
        ]
        found[fingerprints] = {"approval": row, "texts": texts}
    return list(found.values())[:3]


def correct(request: RequestContext) -> Answer:
    by = request.require(Right.CORRECT)
    deletes = request.form_value("delete", default="") == "yes"
    if deletes:
        request.require_proof()
    post_id, desk = request.path_value("post"), request.context.corrections
    text, why = (request.form_value(name, most=_MOST) for name in ("text", "why"))
    rows = desk.correct(post_id, text, by=by.name, why=why, delete_original=deletes)
    return Redirect(f"/posts/{rows[0].post_id}?done=corrected")


def retract(request: RequestContext) -> Answer:
    by = request.require(Right.CORRECT)
    why = request.form_value("why", most=_MOST)
    if request.form_value("sure", default="") != "yes":
        raise RefusedRequestError(400, "tick the box that says that you are sure")
    request.require_proof()
    post_id = request.path_value("post")
    done = request.context.corrections.retract(post_id, by=by.name, why=why)
    return Redirect("/corrections?done=retracted" if done else f"/posts/{post_id}?done=asked")


def turn_away(request: RequestContext) -> Answer:
    """Hide a reply to the post, or take the post out of a quote."""
    by, context = request.require(Right.CORRECT), request.context
    post_id = request.path_value("post")
    verb, _, id_ = request.form_value("choice").partition("/")
    row = context.desk.find(id_)
    if row.post_id != post_id or verb not in VERBS:
        raise RefusedRequestError(400, "choose what is to be done")
    interactions = Interactions(context.store, context.clock, context.corrections.platform)
    address, why = (request.form_value(name, most=_MOST) for name in ("address", "why"))
    interactions.decide(row, verb, address, by=by.name, why=why)
    return Redirect(f"/posts/{post_id}?done=turned-away")


def republish(request: RequestContext) -> Answer:
    by = request.require(Right.CORRECT)
    why = request.form_value("why", most=_MOST)
    request.require_proof()
    post_id, accounts = request.path_value("post"), sorted(request.form_values("account"))
    rows = request.context.corrections.republish(post_id, accounts, by=by.name, why=why)
    return Redirect(f"/posts/{rows[0].post_id}?done=republished")


def picture(request: RequestContext) -> Answer:
    sha256, whole = request.path_value("sha256"), request.context.rendered()
    kinds = {
        picture.sha256: picture.mime
        for rendered in whole.texts.values()
        for status in rendered.statuses
        for picture in status.pictures
    }
    if kinds.get(sha256) not in _PICTURES or sha256 not in whole.pictures:
        raise RefusedRequestError(404, "no post shows that picture")
    return Raw(whole.pictures[sha256], kinds[sha256], keep=3600)
