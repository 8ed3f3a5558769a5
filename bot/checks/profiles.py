"""Addresses that lead to one person's own page; the bot links to none."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

#: First segments of these sites' paths that are no person.
_NOT_PEOPLE: dict[str, frozenset[str]] = {
    "x.com": frozenset({"i", "search", "hashtag", "explore", "intent", "share", "tos", "privacy"}),
    "facebook.com": frozenset({"events", "watch", "sharer", "share", "help", "policies"}),
    "instagram.com": frozenset({"p", "reel", "explore"}),
    "threads.net": frozenset({"t"}),
    "tiktok.com": frozenset({"tag", "discover"}),
    "t.me": frozenset(),
    "vk.com": frozenset(),
    "weibo.com": frozenset(),
    "github.com": frozenset(),
}
_SAME_AS = {
    "twitter.com": "x.com",
    "fb.com": "facebook.com",
    "threads.com": "threads.net",
    "telegram.me": "t.me",
}
#: Segments that a person's name follows, on any site.
_PEOPLE = frozenset({"in", "pub", "profile", "profiles", "user", "users", "people"})
_PEOPLE_SITES = frozenset({"linkedin.com", "bsky.app", "youtube.com"})


def is_personal(address: str, coalition: Iterable[str] = ()) -> bool:
    """Return whether an address is a personal page; the coalition's own handles are none."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    site = (parts.hostname or "").removeprefix("www.").removeprefix("mobile.").removeprefix("m.")
    site = _SAME_AS.get(site, site)
    path = [one for one in parts.path.split("/") if one]
    name = _person(site, path)
    own = {one.removeprefix("@").casefold() for one in coalition}
    handle = name.removeprefix("@").casefold()
    return bool(name) and handle not in own and f"{handle}@{site}" not in own


def _person(site: str, path: list[str]) -> str:
    """Return the name that an address leads to; empty for a page that is nobody's."""
    if not path:
        return ""
    if path[0].startswith("@"):
        return path[0]
    if site.endswith("linkedin.com") or site in _PEOPLE_SITES:
        return path[1] if len(path) > 1 and path[0] in _PEOPLE else ""
    if path[0] == "users" and len(path) > 1:
        return path[1]
    if site in _NOT_PEOPLE:
        return "" if path[0].casefold() in _NOT_PEOPLE[site] else path[0]
    return ""
