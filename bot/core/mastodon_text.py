"""What a text becomes before Mastodon counts its graphemes.

Two rules are in use. Servers and web pages up to 4.6 take an address only with its scheme, as X
would find it, and the host of a remote mention in ASCII (status_length_validator.rb). Later web
pages take a bare host, too, any character in a path, and mentions of hosts in every script
(counter.ts). A server does not tell which rule it has, so a caller takes the larger count.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import regex

from bot.core.x_text import HOST, compile_host, find_addresses


def countable(text: str, address_length: int) -> tuple[str, str]:
    """Shorten addresses and mentions for counting: by the older rule and by the newer one."""
    stand_in = "x" * address_length
    older = "".join(_with_addresses_as(stand_in, text))
    newer = _address().sub(stand_in, text) if "." in text else text
    return _ascii_mention().sub(r"@\1", older), _mention().sub(r"@\1", newer)


def _with_addresses_as(stand_in: str, text: str) -> Iterator[str]:
    done = 0
    for address in find_addresses(text):
        if address.has_scheme:
            yield text[done : address.start]
            yield stand_in
            done = address.end
    yield text[done:]


@cache
def _ascii_mention() -> regex.Pattern[str]:
    return regex.compile(r"(?<![/A-Za-z0-9_])@([A-Za-z0-9_]+)@[A-Za-z0-9.-]+[A-Za-z0-9]+")


@cache
def _mention() -> regex.Pattern[str]:
    return compile_host(rf"(?<![/\p{{L}}\p{{N}}_])@([A-Za-z0-9_]+)@{HOST}")


@cache
def _address() -> regex.Pattern[str]:
    general = r"[^\s<>()?]"
    middle = r"""[!*"'「」;:=,.$%\[\]~&|@]"""
    brackets = rf"\((?!\)){general}*+(?:\({general}++\){general}*+)?\)"
    path = rf"/(?:{middle}*+(?:[^\s<>()?!*\"'「」;:=,.$%\[\]~&|@]|{brackets}))*+/?"
    query = r"\?(?:[!?*'();:+$%\[\].,~|@^]*+[A-Za-z0-9_&=#/\u00a0-\U0010fffd-])++"
    return compile_host(
        rf"(?<![\p{{L}}\p{{N}}@$#_./-])(?i:https?://)?{HOST}(?::[0-9]+)?(?:{path})?(?:{query})?"
    )
