"""Engagement: what worked, how sure that is; and the report of a month, to be signed off."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from bot.authority.users import Right
from bot.content.report_words import ENGLISH, english
from bot.content.zones import midnight
from bot.engagement import charts, monthly_files
from bot.engagement.judged import GROUPINGS
from bot.engagement.monthly import Period
from bot.engagement.monthly_text import PresentedMonth
from bot.engagement.presenter import Presented
from bot.engagement.report_text import TERMS, WHY_NO_BEST_TIME
from bot.errors import DecisionError
from bot.operations.digest import monthly, sign_off
from bot.web.rendering import titles
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

#: What people choose from: days back; 0 is everything.
PERIODS = {"all": 0, "30d": 30, "90d": 90, "365d": 365}


def page(request: RequestContext) -> Answer:
    context = request.context
    by, period = request.choice("by", GROUPINGS), request.choice("period", tuple(PERIODS))
    accounts = tuple(context.campaign.schedule.accounts)
    account = request.choice("account", ("", *accounts))
    days = PERIODS[period]
    now, zone = context.clock.now(), context.campaign.zone
    since = midnight(now - timedelta(days=days), zone) if days else None
    values = {
        "by": by,
        "period": period,
        "account": account,
        "accounts": accounts,
        "groupings": GROUPINGS,
        "periods": PERIODS,
        "report": Presented(context.reporter().report(since=since, post=None), account=account),
        "posts": titles(context.campaign),
        "charts": charts,
        "why_no_best_time": WHY_NO_BEST_TIME,
        "terms": TERMS,
    }
    return Page("engagement.html", values)


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


def month(request: RequestContext) -> Answer:
    period, lang = _period(request), request.query_value("lang", ENGLISH)
    today = request.context.clock.now().astimezone(request.context.campaign.zone).date()
    months = [today.replace(day=1)]
    while len(months) < _MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    if period.is_month:
        months = sorted({*months, period.first}, reverse=True)
    values = {
        "month": _report(request, period, lang),
        "period": period,
        "months": [(f"{each:%Y-%m}", f"{each:%B %Y}") for each in months],
        "files": {kind: f"/report/file?{_query(period, lang)}&kind={kind}" for kind in _FILES},
        "langs": {
            ENGLISH: english().language,
            **{each: of.language for each, of in request.context.campaign.report_words.items()},
        },
        **monthly_files.KNOWN,
    }
    return Page("report.html", values)


def file(request: RequestContext) -> Answer:
    period, lang = _period(request), request.query_value("lang", ENGLISH)
    kind = request.choice("kind", tuple(_FILES))
    media_type, write = _FILES[kind]
    content = write(_report(request, period, lang))
    raw = content.encode() if isinstance(content, str) else content
    return Raw(raw, media_type, filename=f"report-{period.key}.{lang}.{kind}")


def sign(request: RequestContext) -> Answer:
    """Sign off just what the page showed."""
    by = request.require(Right.APPROVE)
    request.require_proof()
    period, lang = _period(request, is_form=True), request.form_value("lang", default=ENGLISH)
    made = _report(request, period, lang)
    if request.form_value("sha256") != made.sha256:
        raise DecisionError("the numbers have changed since that page was made; look again")
    sign_off(request.context.store, request.context.clock, made, by=by.name)
    return Redirect(f"/report?{_query(period, lang)}&done=signed")


def _report(request: RequestContext, period: Period, lang: str) -> PresentedMonth:
    context = request.context
    return monthly(context.store, context.clock, context.rendered(), period, lang)


def _query(period: Period, lang: str) -> str:
    days = {"from": period.first, "to": period.last}
    return urlencode({**({"month": period.key} if period.is_month else days), "lang": lang})


def _period(request: RequestContext, *, is_form: bool = False) -> Period:
    read = partial(request.form_value, default="") if is_form else request.query_value
    today = request.context.clock.now().astimezone(request.context.campaign.zone).date()
    try:
        return Period.read(read("month"), read("from"), read("to"), today)
    except ValueError as error:
        raise RefusedRequestError(400, str(error)) from None
