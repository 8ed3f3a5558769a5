"""Engagement: what worked, how sure that is, and every number as its platform told it."""

from datetime import timedelta

from bot.content.zones import midnight
from bot.engagement import charts
from bot.engagement.judged import GROUPINGS
from bot.engagement.presenter import Presented
from bot.engagement.report_text import TERMS, WHY_NO_BEST_TIME
from bot.web.request import Answer, Page, RequestContext
from bot.web.words import titles

#: What people choose from: days back; 0 is everything.
PERIODS = {"all": 0, "30d": 30, "90d": 90, "365d": 365}


def page(request: RequestContext) -> Answer:
    """Show one grouping, one period and one account or all."""
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
