"""What an account must show before it may post for real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from bot.core.campaign import Account, Campaign, Mode
from bot.core.model import PlatformSpec
from bot.errors import Problem


def unready_accounts(
    campaign: Campaign, specs: Mapping[str, PlatformSpec], today: date
) -> Iterator[Problem]:
    """Say what keeps accounts from going live; a rehearsal asks for nothing."""
    if campaign.schedule.mode is not Mode.LIVE:
        return
    for account in campaign.schedule.accounts.values():
        for key, message in _missing(account, specs.get(account.platform), today):
            place = account.place
            where = f"accounts.{account.name}.{key}"
            yield Problem(place.file, place.line, place.column, where, message)


def _missing(account: Account, spec: PlatformSpec | None, today: date) -> Iterator[tuple[str, str]]:
    if not account.owner.strip():
        yield "owner", "missing; `mode: live` needs the organisation that owns the account"
    if account.consent is None or not account.consent.by.strip():
        yield "consent", "missing; `mode: live` needs who agreed that the bot posts here, and when"
    elif account.consent.on > today:
        yield "consent.on", f"{account.consent.on} is still to come; consent comes first"
    if spec and spec.label_key:
        yield from _label(account, spec, today)


def _label(account: Account, spec: PlatformSpec, today: date) -> Iterator[tuple[str, str]]:
    on = spec.value(account, spec.label_key)
    if on is None:
        yield (
            spec.label_key,
            (
                f"missing; {spec.label} tells no program whether the account has its Automated "
                "label: look, and write the day on which you saw it"
            ),
        )
    elif on > today:
        yield spec.label_key, f"{on} is still to come; write the day on which the label was seen"
