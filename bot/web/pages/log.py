"""The log of decisions, and whether anybody touched it, or what it confirms, since."""

from __future__ import annotations

from bot.web.request import Answer, Page, RequestContext

_ROWS = 50


def page(request: RequestContext) -> Answer:
    """Show decisions, newest first."""
    audit, number = request.context.store.audit, request.number("page", 1)
    who, verb = request.query_value("who"), request.query_value("verb")
    rows = audit.rows()
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
    }
    return Page("log.html", values)
