"""What the rest of the program knows of Mastodon, where no server has been asked.

Two rules of counting are in use. Servers and web pages up to 4.6 take an address only with its
scheme, as twitter-text finds it, and the host of a remote mention in ASCII
(status_length_validator.rb). Later web pages take a bare host, too, any character in a path, and
mentions of hosts in every script (counter.ts). A server does not tell which rule it has, so the
larger count holds.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache

import regex

from bot.platforms.base import AskCode, Connection, Platform
from bot.platforms.measuring import HOST, compile_host, find_addresses, find_hosts, graphemes
from bot.platforms.spec import AccountKey, Limits, Look, PlatformSpec, ReadBackPolicy

NAME = "mastodon"
# What ends a path or may stand inside of it only, by the newer rule.
_PUNCTUATION = r"""!*"'「」;:=,.$%\[\]~&|@"""
_IN_BRACKETS = r"\((?!\))[^\s<>()?]*+(?:\([^\s<>()?]++\)[^\s<>()?]*+)?\)"
_PATH = rf"/(?:[{_PUNCTUATION}]*+(?:[^\s<>()?{_PUNCTUATION}]|{_IN_BRACKETS}))*+/?"
_QUERY = r"\?(?:[!?*'();:+$%\[\].,~|@^]*+[A-Za-z0-9_&=#/\u00a0-\U0010fffd-])++"
# Patterns are compiled when they are first used.
_address = cache(
    lambda: compile_host(rf"(?<![A-Za-z0-9@$#]){HOST}(?::[0-9]+)?(?:{_PATH})?(?:{_QUERY})?")
)
_ascii_mention = cache(
    lambda: regex.compile(r"(?<![/A-Za-z0-9_])@([A-Za-z0-9_]+)@[A-Za-z0-9.-]+[A-Za-z0-9]+")
)
_mention = cache(lambda: compile_host(rf"(?<![/\p{{L}}\p{{N}}_])@([A-Za-z0-9_]+)@{HOST}"))


def length(text: str, limits: Limits) -> int:
    """Count graphemes, addresses as ``limits.url_length``, and mentions without their host.

    A warning (``spoiler_text``) counts too: add its own length.
    """
    return max(map(graphemes, set(countable_texts(text, limits.url_length))))


def countable_texts(text: str, address_length: int) -> tuple[str, str]:
    """Shorten addresses and mentions for counting: by the older rule and by the newer one."""
    stand_in = "a" * address_length
    old = ((found.start, found.end) for found in find_addresses(text) if found.has_scheme)
    older = _replaced(text, old, stand_in)
    new = (
        (found.start() - len(scheme), found.end()) for found, scheme in find_hosts(text, _address())
    )
    newer = _replaced(text, new, stand_in)
    if "@" not in text:  # most texts, and the pattern takes long to compile
        return older, newer
    return _ascii_mention().sub(r"@\1", older), _mention().sub(r"@\1", newer)


def _replaced(text: str, spans: Iterable[tuple[int, int]], stand_in: str) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += (text[done:start], stand_in)
        done = end
    return "".join((*pieces, text[done:]))


SPEC = PlatformSpec(
    name=NAME,
    label="Mastodon",
    aliases=("fediverse", "activitypub"),
    look=Look("M", color="#5a3fd6", color_on_dark="#b5a6ff", corner="4px"),
    # Of an unchanged server (docs.joinmastodon.org/entities/Instance).
    limits=Limits(
        max_length=500,
        url_length=23,
        max_pictures=4,
        max_alt=1500,
        max_picture_bytes=16_777_216,
        max_pixels=33_177_600,
        picture_mimes=("image/jpeg", "image/png", "image/gif", "image/webp"),
        # Since 4.5; nothing limits replies (mastodon/mastodon#8565).
        quotes=("followers", "nobody"),
    ),
    revokes_quotes=True,
    # No server that people use is below these; one that says so may want to silence an account.
    floors={
        "max_length": 200,
        "max_pictures": 1,
        "max_alt": 300,
        "max_picture_bytes": 500_000,
        "max_pixels": 1_000_000,
    },
    measure=length,
    folds_warning=True,
    # A request that was cut may still be running there, and many servers ignore the key: inserts
    # were seen to wait 95 s for a lock while reads went on, and to be carried out then.
    read_back=ReadBackPolicy(
        reads=2,
        first_after=timedelta(seconds=5),
        apart=timedelta(seconds=20),
        outlives=timedelta(minutes=5),
    ),
    quiet={"visibility": ("public", "unlisted")},
    rate_window=timedelta(minutes=5),
    secrets=("ACCESS_TOKEN",),
    granted=("ACCESS_TOKEN",),
    scopes=("read:accounts", "read:statuses", "write:media", "write:statuses"),
    account_keys=(
        AccountKey(
            "visibility",
            "who sees the posts",
            choices=("public", "unlisted", "private"),
            default="public",
            is_shown=True,
        ),
    ),
    share="{server}/share?text={text}",
    starter='server: "https://mastodon.example"',
)


def connect(connection: Connection) -> Platform:
    from bot.platforms.mastodon import adapter

    return adapter.MastodonPlatform(connection)


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the secrets that a person's code stands for; see `mastodon.api`."""
    from bot.platforms.mastodon import api

    return api.authorize(connection, ask)
