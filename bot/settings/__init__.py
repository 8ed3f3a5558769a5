"""What the environment says: the program's settings, its secrets, and where its data lies."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.settings.private import prepare_data, private_file, write_private
from bot.settings.secrets import (
    Secret,
    given_elsewhere,
    is_configured,
    secret_name,
    secrets_for,
    stray_secrets,
)

if TYPE_CHECKING:
    from bot.settings.environment import Settings, database_address, load_settings

__all__ = [
    "Secret",
    "Settings",
    "database_address",
    "given_elsewhere",
    "is_configured",
    "load_settings",
    "prepare_data",
    "private_file",
    "secret_name",
    "secrets_for",
    "stray_secrets",
    "write_private",
]


def __getattr__(name: str) -> Any:
    """Load what needs pydantic-settings, 0.07 s, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("bot.settings.environment"), name)
