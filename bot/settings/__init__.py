"""What the environment says: the program's settings, its secrets, and where its data lies."""

from __future__ import annotations

from bot.settings.environment import Settings, database_address, load_settings, prepare_data
from bot.settings.private import private_file, write_private
from bot.settings.secrets import (
    Secret,
    given_elsewhere,
    secret_name,
    secrets_for,
    stray_secrets,
)

__all__ = [
    "Secret",
    "Settings",
    "database_address",
    "given_elsewhere",
    "load_settings",
    "prepare_data",
    "private_file",
    "secret_name",
    "secrets_for",
    "stray_secrets",
    "write_private",
]
