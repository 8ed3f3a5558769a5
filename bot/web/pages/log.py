"""The log of decisions, and whether anybody touched it, or what it confirms, since."""

from bot.web.request import Answer, Page, RequestContext
from bot.web.words import titles

_ROWS = 50
#: These rows have a page of their own: they are many, and decide nothing.
_SIGN_INS = frozenset({"sign in", "sign-in failed", "sign out", "sign out everywhere"})


def page(request: RequestContext) -> Answer:
    """Show decisions, newest first."""
    return _page(request, is_sign_ins=False)


def sign_ins(request: RequestContext) -> Answer:
    """Show who signed in or tried to, newest first."""
    return _page(request, is_sign_ins=True)


def _page(request: RequestContext, *, is_sign_ins: bool) -> Answer:
    audit, number = request.context.store.audit, request.number("page", 1)
    who, verb = request.query_value("who"), request.query_value("verb")
    rows = [row for row in audit.rows() if (row.verb in _SIGN_INS) is is_sign_ins]
    kept = [row for row in rows if who in {"", row.who} and verb in {"", row.verb}]
    pages = max(1, -(-len(kept) // _ROWS))
    number = min(max(number, 1), pages)
    values = {
        "rows": kept[(number - 1) * _ROWS : number * _ROWS],
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
