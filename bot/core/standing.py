"""What an account must show before it may post for real."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from bot.core.campaign import Account, Mode
from bot.core.rendered import RenderedCampaign
from bot.errors import Problem


def unready_accounts(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """An account goes live with an owner, consent and the label; a rehearsal asks for nothing."""
    campaign = whole.campaign
    if campaign.schedule.mode is not Mode.LIVE:
        return
    today = now.astimezone(campaign.zone).date()
    for account in campaign.schedule.accounts.values():
        for key, message in _missing(account, today):
            place = account.place
            where = f"accounts.{account.name}.{key}"
            yield Problem(
                place.file, place.line, place.column, where, message, rule="account-unready"
            )


def _missing(account: Account, today: date) -> Iterator[tuple[str, str]]:
    if not account.owner.strip():
        yield "owner", "missing; `mode: live` needs the organisation that owns the account"
    if account.consent is None or not account.consent.by.strip():
        yield "consent", "missing; `mode: live` needs who agreed that the bot posts here, and when"
    elif account.consent.on > today:
        yield "consent.on", f"{account.consent.on} is still to come; consent comes first"
    if account.platform == "x":
        yield from _label(account, today)


def _label(account: Account, today: date) -> Iterator[tuple[str, str]]:
    key, on = "automated_label_confirmed", account.automated_label_confirmed
    if on is None:
        yield (
            key,
            (
                "missing; X tells no program whether the account has its Automated label: "
                "look, and write the day on which you saw it"
            ),
        )
    elif on > today:
        yield key, f"{on} is still to come; write the day on which the label was seen"
