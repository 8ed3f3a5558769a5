"""The bot with one line more in its registry."""

from __future__ import annotations

import sys

from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from tests.contract import postcard

PLATFORMS["postcard"] = RegisteredPlatform(postcard.SPEC, postcard.connect)

if __name__ == "__main__":
    from bot.cli.main import main  # after the line above: modules read the registry when they load

    sys.exit(main())
