"""The log of decisions, and evidence: what is kept, and what each account published."""

from bot.authority.users import Right
from bot.delivery.interactions import PUBLISHED
from bot.delivery.lifecycle import OUT
from bot.delivery.links import looks
from bot.evidence.archive import kept, link_to_copy
from bot.web.rendering import titles
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

_ROWS = 50
#: These rows have a page of their own: they are many, and decide nothing.
_SIGN_INS = frozenset({"sign in", "sign-in failed", "sign out", "sign out everywhere"})


def page(request: RequestContext) -> Answer:
    """Show decisions, or who signed in or tried to, newest first."""
    audit, number = request.context.store.audit, request.number("page", 1)
    is_sign_ins = request.path == "/sign-ins"
    who, verb = request.query_value("who"), request.query_value("verb")
    rows = [row for row in audit.rows() if (row.verb in _SIGN_INS) is is_sign_ins]
    chosen = [row for row in rows if who in {"", row.who} and verb in {"", row.verb}]
    pages = max(1, -(-len(chosen) // _ROWS))
    number = min(max(number, 1), pages)
    values = {
        "rows": chosen[(number - 1) * _ROWS : number * _ROWS],
        "page": number,
        "pages": pages,
        "people": sorted({row.who for row in rows}),
        "verbs": sorted({row.verb for row in rows}),
        "who": who,
        "verb": verb,
        "problems": request.context.store.audit_problems(),
        "head": audit.head(),
        "is_sign_ins": is_sign_ins,
        "posts": titles(request.context.campaign),
    }
    return Page("log.html", values)


def evidence(request: RequestContext) -> Answer:
    context = request.context
    values = {
        "investigations": context.campaign.investigations.values(),
        "looks": looks(context.store),
        "kept": kept(context.store),
        "documents": context.store.audit.of(PUBLISHED),
        "accounts": [state.name for state in context.store.accounts.all()],
    }
    return Page("evidence.html", values)


def download(request: RequestContext) -> Answer:
    """Return a WARC file, or the reply of the authority that stamped it."""
    sha256, store = request.path_value("sha256"), request.context.store
    for one in kept(store):
        if sha256 == one.sha256:
            return Raw(store.media.get(sha256), "application/warc", filename=one.name)
        if sha256 == one.time_stamp:
            content = store.media.get(sha256)
            return Raw(content, "application/timestamp-reply", filename=f"{one.name}.tsr")
    raise RefusedRequestError(404, "nothing with this hash is kept as evidence")


def history(request: RequestContext) -> Answer:
    """Show what is or was out on an account, also when its platform shows it no more."""
    account, store = request.path_value("account"), request.context.store
    if store.accounts.get(account) is None:
        raise RefusedRequestError(404, "no account was ever called that")
    rows = [*store.outbox.each(states=OUT, account=account)][::-1]
    return Page("evidence_history.html", {"account": account, "rows": rows})


def link(request: RequestContext) -> Answer:
    """Let posts link to the copy that the files name."""
    by, context = request.require(Right.CORRECT), request.context
    request.require_proof()
    each = context.campaign.investigations.get(request.form_value("id"))
    if each is None:
        raise RefusedRequestError(404, "no investigation is called that")
    why = request.form_value("why", most=1000)
    link_to_copy(context.store, context.clock, each, by=by.name, why=why)
    return Redirect("/evidence?done=linked")
