"""What the environment says: its secrets, and where data lies; `environment` has the settings."""

from bot.settings.private import prepare_data, private_file, write_private
from bot.settings.secrets import (
    Secret,
    given_elsewhere,
    is_configured,
    secret_name,
    secrets_for,
    stray_secrets,
)

__all__ = [
    "Secret",
    "given_elsewhere",
    "is_configured",
    "prepare_data",
    "private_file",
    "secret_name",
    "secrets_for",
    "stray_secrets",
    "write_private",
]
