"""The report of a month with what people decided: corrections, and who signed it off."""

from __future__ import annotations

from bot.clock import Clock
from bot.content.report_words import ENGLISH, report_language
from bot.engagement.monthly import MonthlyReporter, Period
from bot.engagement.monthly_text import CorrectedPost, PresentedMonth, SignOff
from bot.errors import DecisionError
from bot.planning.corrections import public_corrections
from bot.planning.store import Store
from bot.rendering.rendered import RenderedCampaign

#: Of the audit row of a person who answers for a report.
VERB = "sign report"


def monthly(
    store: Store, clock: Clock, rendered: RenderedCampaign, period: Period, lang: str = ENGLISH
) -> PresentedMonth:
    """Return the report of a period, with its newest signature, in English or a language of ours.

    Raises:
        DecisionError: the campaign brings no words in that language.
    """
    campaign = rendered.campaign
    begin, end = period.bounds(campaign.zone)
    entries = public_corrections(store, since=begin)
    corrections = [
        CorrectedPost(each.at, each.kind, each.post, each.why, each.text)
        for each in entries
        if each.at < end
    ]
    signed = next(iter(store.audit.about(period.key, VERB)), None)
    return PresentedMonth(
        MonthlyReporter(store, clock, campaign, rendered.specs).figures(period),
        corrections,
        SignOff(signed.who, signed.at, str(signed.detail.get("sha256"))) if signed else None,
        rendered.pictures.get,
        report_language(campaign.report_words, lang),
    )


def sign_off(store: Store, clock: Clock, month: PresentedMonth, *, by: str, why: str = "") -> None:
    """Write down that a person answers for what a report says now.

    Raises:
        DecisionError: nothing went out in its period, or it is not over.
    """
    period = month.figures.period
    if not month.figures.now.posts:
        raise DecisionError(f"{period.name}: nothing went out, so there is nothing to sign")
    if not month.is_over:
        raise DecisionError(f"{period.name} is not over; sign it when no post can follow")
    detail = {"sha256": month.sha256}
    store.audit.write(by, VERB, period.key, why=why, detail=detail, now=clock.now())
