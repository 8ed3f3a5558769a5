"""The report of a month: to look at, to take along as a file, and to sign off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

from bot.authority.users import Right
from bot.engagement import monthly_files
from bot.engagement.monthly import Period
from bot.engagement.monthly_text import PresentedMonth
from bot.errors import DecisionError
from bot.operations.monthly import monthly, sign_off
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

#: Months that are offered; any other days can be asked for.
_MONTHS = 13
#: Ending of a file -> its media type, and what writes it.
_FILES: Mapping[str, tuple[str, Callable[[PresentedMonth], str | bytes]]] = {
    "pdf": ("application/pdf", monthly_files.pdf),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        monthly_files.workbook,
    ),
    "html": ("text/html; charset=utf-8", monthly_files.page),
}


def page(request: RequestContext) -> Answer:
    period = _period(request.query_value("month", ""), request)
    today = request.context.clock.now().astimezone(request.context.campaign.zone).date()
    months = [Period(today.replace(day=1), today)]
    while len(months) < _MONTHS:
        months.append(Period.of_month(f"{months[-1].first - timedelta(days=1):%Y-%m}"))
    values = {
        "month": _report(request, period),
        "period": period,
        "months": [(f"{each.first:%Y-%m}", f"{each.first:%B %Y}") for each in months],
        "files": {kind: f"/report/file?{_query(period)}&kind={kind}" for kind in _FILES},
        "may_sign": request.who.may(Right.APPROVE),
        **monthly_files.WORDS,
    }
    return Page("report.html", values)


def file(request: RequestContext) -> Answer:
    """Return it as a file."""
    period = _period(request.query_value("month", ""), request)
    kind = request.choice("kind", tuple(_FILES))
    media_type, write = _FILES[kind]
    content = write(_report(request, period))
    raw = content.encode() if isinstance(content, str) else content
    return Raw(raw, media_type, filename=f"report-{period.key}.{kind}")


def sign(request: RequestContext) -> Answer:
    """Sign off just what the page showed."""
    by = request.require(Right.APPROVE)
    request.require_proof()
    period = _days(request.form_value("first"), request.form_value("last"))
    made = _report(request, period)
    if request.form_value("sha256") != made.sha256:
        raise DecisionError("the numbers have changed since that page was made; look again")
    sign_off(request.context.store, request.context.clock, made, by=by.name)
    return Redirect(f"/report?{_query(period)}&done=signed")


def _report(request: RequestContext, period: Period) -> PresentedMonth:
    context = request.context
    return monthly(context.store, context.clock, context.rendered(), period)


def _query(period: Period) -> str:
    if period.is_month:
        return urlencode({"month": period.key})
    return urlencode({"from": period.first, "to": period.last})


def _period(month: str, request: RequestContext) -> Period:
    """Read a month or two days; last month, where neither is given."""
    first, last = request.query_value("from", ""), request.query_value("to", "")
    if first or last:
        return _days(first, last)
    if not month:
        now = request.context.clock.now().astimezone(request.context.campaign.zone)
        month = f"{now.date().replace(day=1) - timedelta(days=1):%Y-%m}"
    try:
        whole = Period.of_month(month)
    except ValueError:
        raise RefusedRequestError(400, "month is one such as 2026-12") from None
    return _days(whole.first.isoformat(), whole.last.isoformat())


def _days(first: str, last: str) -> Period:
    try:
        period = Period(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        raise RefusedRequestError(400, "from and to are days such as 2026-12-09") from None
    if not period.is_possible:
        raise RefusedRequestError(400, "the last day is before the first, or they are far off")
    return period
