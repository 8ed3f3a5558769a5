"""Takes an account's secrets from a person, proves them, and keeps them as private files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.app.desk import Workspace
from bot.content.model import Account, Campaign
from bot.delivery.ledger import AccountMeter
from bot.errors import DecisionError, PlatformError, SettingsError
from bot.platforms.base import Connection, Profile
from bot.platforms.registry import PLATFORMS
from bot.rendering.rendered import prices_for
from bot.settings import prepare_data, secret_name

#: Folder below the data directory.
FOLDER = "secrets"


def account_of(campaign: Campaign, name: str) -> Account:
    """Find an account of the schedule.

    Raises:
        DecisionError: there is none of that name.
    """
    account = campaign.schedule.accounts.get(name)
    if account is None:
        known = ", ".join(campaign.schedule.accounts)
        raise DecisionError(f"no account is called {name!r}; the schedule has {known}")
    return account


def prove(place: Workspace, account: Account, secrets: Mapping[str, str]) -> Profile:
    """Ask the account's server whose these secrets are.

    Raises:
        SettingsError: they do not work; the message holds none of them.
    """
    kind = PLATFORMS[account.platform]
    meter = AccountMeter(
        place.store.ledger, place.clock, lambda: account,
        lambda: prices_for(kind.spec, place.campaign.schedule),
    )  # fmt: skip
    platform = kind.connect(Connection(account=account, secrets=secrets, meter=meter))
    try:
        return platform.profile()
    except PlatformError as error:
        raise SettingsError(f"{account.name}: not accepted: {error}") from error
    finally:
        platform.close()


def keep(data: Path, account: Account, secrets: Mapping[str, str]) -> Mapping[str, Path]:
    """Write each secret to a file that only its owner reads; give the files by variable name."""
    folder = prepare_data(data) / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {}
    for name, value in secrets.items():
        variable = secret_name(account.name, name)
        path = folder / variable
        part = path.with_suffix(".new")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600, exist_ok=False)  # private before a byte is in it
        part.write_text(value, encoding="utf-8")
        part.rename(path)
        kept[f"{variable}_FILE"] = path
    return kept
