"""Verbatim: a campaign bot that quotes exactly and posts exactly once."""

import shlex
import sys

#: Of the program; pyproject.toml, image and SBOM have it from here.
VERSION = "0.1.0"
#: How people start the bot, from the project's folder; every hint on a page or in a mail has it.
PROGRAM = "python3 run_bot.py"


def program() -> str:
    """Return how this process was started, so that a hint in the terminal can be pasted there."""
    script = sys.argv[0]
    is_ours = script.replace("\\", "/").rpartition("/")[2] == "run_bot.py"
    return f"python3 {shlex.quote(script)}" if is_ours else PROGRAM
