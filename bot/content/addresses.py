"""Addresses of pages and servers: what may be linked to, and what secrets may be sent to."""

import re
from contextlib import suppress
from urllib.parse import SplitResult, quote, urlsplit

from bot.content.notations import NOTHING
from bot.content.values import EMPTY, quoted, text_of
from bot.platforms.http.credentials import is_loopback
from bot.platforms.measuring import find_addresses

_LONGEST = 2000
_PRINTABLE = re.compile(r"[!-~]+")
#: The last sign that could be what an address is cut at.
_NOT_TAKEN = re.compile(r"[^A-Za-z0-9/%](?=[A-Za-z0-9%]*$)")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_WANTED = "a whole address such as https://example.org/report"


def bare_address(typed: str) -> str:
    """Return what is the same in the ways in which people write one address."""
    bare = re.sub(r"(?i)^(?:https?://)?(?:www\.)?", "", typed.partition("#")[0])
    return re.sub(r"[?&](?:utm_\w+|fbclid|gclid)=[^&]*", "", bare).rstrip("/")


def address(value: object) -> str:
    """Read the address of a public page; it is posted exactly as it is written."""
    typed = text_of(value, _WANTED)
    wanted = _meant(typed) or _WANTED
    parts = _split(typed, wanted)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{quoted(typed)}: only http and https are linked; write {wanted}")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(f"{quoted(typed)} names no public host; write {wanted}")
    if not _is_taken_whole(typed):
        raise ValueError(
            f"{quoted(typed)} would be cut by a network, which takes the end for punctuation; "
            f"write {_encoded(typed)}"
        )
    return typed


def _meant(typed: str) -> str:
    """Return an address without what people write around it, in signs that it may have."""
    if typed.casefold() in NOTHING:
        return "nothing behind the key as long as it is not known"
    inner = re.sub(r"^.*\]\((.*)\)$", r"\1", typed.strip()).strip("<>“”„‘’«»\"' ")
    host, slash, path = inner.partition("://")[2].partition("/")
    host, slash, path = (host, slash, path) if host else inner.partition("/")
    with suppress(UnicodeError):
        host = host.encode("idna").decode().lower()
    made = f"{'http' if inner.startswith('http:') else 'https'}://{host}{slash}{_encoded(path)}"
    return made if _HOST.fullmatch(host) and _is_taken_whole(made) else ""


def _is_taken_whole(typed: str) -> bool:
    """Return whether every network's detector would link all of an address."""
    found = [each.text for each in find_addresses(f"See {typed} there")]
    return (
        found in ([], [typed]) and typed[-1] not in ".,;:!?" and (typed[-1] != ")" or "(" in typed)
    )


def _encoded(typed: str) -> str:
    """Return an address in which what networks cut at is percent-encoded."""
    safe = quote(typed, safe="/:?#[]@&=+$,%()~_-.!*';")
    while safe and not _is_taken_whole(safe) and (found := _NOT_TAKEN.search(safe)):
        safe = f"{safe[: found.start()]}%{ord(found[0]):02X}{safe[found.end() :]}"
    return safe


def optional_address(value: object) -> str:
    """Read an address that may be missing: an empty value says that it is not known."""
    return "" if value is EMPTY else address(value)


def server(value: object) -> str:
    """Read the origin of a server; https, except on this machine."""
    wanted = "an origin such as https://social.example"
    typed = text_of(value, wanted)
    if found := _HOST.search(re.sub(r"^\W*\w+:?//?", "", typed.lower())):
        wanted = f"https://{found[0]}"
    parts = _split(typed, wanted)
    local = is_loopback(typed)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{quoted(typed)} has more than a host; write {wanted}")
    if not local and not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(f"{quoted(typed)} names no public host; write {wanted}")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError(f"{quoted(typed)}: secrets go over https only; write {wanted}")
    return typed.removesuffix("/")


def _split(typed: str, wanted: str) -> SplitResult:
    if len(typed) > _LONGEST:
        raise ValueError(f"{quoted(typed)} has {len(typed)} characters; {_LONGEST} are the most")
    if not _PRINTABLE.fullmatch(typed):
        raise ValueError(
            f"{quoted(typed)} has spaces or letters that addresses cannot have; write {wanted}, "
            "or copy it from the browser's address line"
        )
    if "\\" in typed:
        raise ValueError(f"{quoted(typed)} has a backslash; write {wanted}")
    try:
        parts = urlsplit(typed)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{quoted(typed)} is no address ({error}); write {wanted}") from error
    if "@" in parts.netloc:
        # Not shown: a password may stand there too.
        raise ValueError("has a user name before the host; take it out")
    if port == 0 or not parts.hostname:
        raise ValueError(f"{quoted(typed)} names no host; write {wanted}")
    return parts
