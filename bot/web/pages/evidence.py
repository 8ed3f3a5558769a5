"""Evidence: the state of links, what is kept, and what each account published."""

from bot.authority.users import Right
from bot.delivery.documents import PUBLISHED
from bot.delivery.links import looks
from bot.delivery.reads import OUT
from bot.evidence.archive import kept, link_to_copy
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext


def page(request: RequestContext) -> Answer:
    context = request.context
    values = {
        "investigations": context.campaign.investigations.values(),
        "looks": looks(context.store),
        "kept": kept(context.store),
        "documents": context.store.audit.of(PUBLISHED),
        "accounts": [state.name for state in context.store.accounts.all()],
        "may_download": request.who.may(Right.CHECK),
        "may_link": request.who.may(Right.CORRECT),
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
