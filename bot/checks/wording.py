"""Rules for the words that people write themselves: texts, variants, warnings, alt texts."""

import html
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from urllib.parse import urlsplit

import regex

from bot.checks.attribution import attribution_shape
from bot.checks.quotation_marks import MOST, marked_spans, problems_of_marks
from bot.content.addresses import bare_address
from bot.content.characters import fault_of_words
from bot.content.model import Campaign, Investigation, Post, Source, Variant
from bot.content.other_names import called, names_of
from bot.errors import Problem, Severity
from bot.rendering.facets import find_links, find_mentions, find_tags
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.versions import problem_at
from bot.visible import compiled

_AGO = r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|several|a\s+few)"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
#: Words that mean another day tomorrow, by language; English ones count in every post.
_DATED = {
    "en": r"\b(?:(?:last|past|this|next|previous|coming)\s+(?:day|night|morning|noon|afternoon"
    r"|evening|week|weekend|month|year|decade|spring|summer|autumn|fall|winter"
    rf"|{_WEEKDAY}|january|february|march|april|may|june|july|august|september|october|november|december)"
    r"|today|tonight|yesterday|tomorrow|recent|recently|lately|currently|nowadays"
    r"|just\s+now|right\s+now|earlier\s+this|later\s+this"
    rf"|(?:on|since|until|till|by)\s+{_WEEKDAY}"
    rf"|{_AGO}\s+(?:day|week|month|year|decade)s?\s+ago)\b",
    "fr": r"\b(?:aujourd[’']hui|hier|demain|récemment|(?:le\s+mois|la\s+semaine|l[’']an(?:née)?)"
    r"\s+derni[eè]re?)\b",
    "de": r"\b(?:heute|gestern|morgen|kürzlich|neulich|letzte[ns]?\s+(?:woche|monat|jahr))\b",
    "es": r"\b(?:hoy|ayer|mañana|recientemente|(?:mes|año|semana)\s+pasad[oa])\b",
    "tr": r"\b(?:bugün|dün|yarın|geçen\s+(?:hafta|ay|yıl))\b",
    "zh": r"今天|昨天|明天|最近|上个?月|上個月|上周|去年|今年",
    "ug": r"بۈگۈن|تۈنۈگۈن|ئەتە|يېقىندا",
}
_NEVER_TRUE = regex.compile(r"(?i)ago$|^(?:recent|lately|current|nowadays|just)")
#: Local hours at which a post may say so of its own day.
_HOURS = {
    "this morning": (0, 12), "this noon": (11, 14), "this afternoon": (12, 24),
    "this evening": (15, 24), "this night": (18, 24), "tonight": (12, 24),
}  # fmt: skip
#: A date stands for itself where it names a year: 9 December 2022, December 9, 2022, 2022-12-09.
_YEAR = regex.compile(r"(?<!\p{N})(?:1[89]|20|21)\d\d(?!\p{N})")
#: Wider than any platform's rule, so that what only one of them marks is seen too.
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{N}_&/])[#＃]([\p{L}\p{M}\p{N}_·\u200c]*\p{L}[\p{L}\p{M}\p{N}_·\u200c]*)"
)
#: What describes no picture: as a camera or a program calls it, or what waits to be written.
_NO_ALT = regex.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|bmp|heic)"
    r"|(?:img|dscn?f?|dcim|pxl|screen ?shot|image)[-_ \d]*"
    r"|picture|photo(?:graph)?|graphic|(?:quote )?card|alt(?: text)?|todo|tbd|n/a"
)
#: A sentence begins where an address would end.
_NO_SPACE = regex.compile(r"([\p{L}\p{N}]+[.!?])(\p{Lu}\p{Ll}+)$")
#: What no network renders: it is posted as it stands.
_MARKUP = regex.compile(
    r"&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8});|\*\*\S[^*]*\*\*|(?<!\w)__?\p{L}[^_\n]*__?(?!\w)"
    r"|\[[^\]\n]+\]\([^)\s]+\)|\\[nt]|</?[a-z][^<>]*>|(?m:^#{1,6} )|`[^`\n]+`",
    regex.IGNORECASE,
)
#: First segments of these sites' paths that are no person.
_NOT_PEOPLE = names_of("pages of sites that are no person's")
_FORGES = frozenset({"github.com", "gitlab.com", "codeberg.org"})
#: Segments that a person's name follows, on any site.
_PEOPLE = frozenset({"in", "pub", "profile", "profiles", "user", "users", "people"})
_PEOPLE_SITES = frozenset({"linkedin.com", "bsky.app", "youtube.com"})

#: The rule that is broken, and what to do about it.
Flaw = tuple[str, str]


def wordings(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What people write themselves quotes, links, tags and mentions only what it may."""
    for post in whole.campaign.posts:
        for key, text in _wordings_of(post):
            for rule, message in _flaws(text, whole.campaign, is_alt=key.endswith(".alt")):
                yield problem_at(post, key, message, rule)
            if found := _MARKUP.search(text):
                message = f"“{found[0]}” is markup, which no network renders; {_meant(found[0])}"
                yield problem_at(post, key, message, "markup", Severity.WARNING)


def _wordings_of(post: Post) -> Iterator[tuple[str, str]]:
    """Yield the key and the words of every text of a post that is not the quotation itself."""
    owners: dict[str, Post | Variant] = {"": post}
    owners |= {f"variants.{name}.": variant for name, variant in post.variants.items()}
    for prefix, owner in owners.items():
        texts = {"text": owner.text, "warning": owner.warning}
        texts |= {f"media[{number}].alt": file.alt for number, file in enumerate(owner.media or ())}
        yield from ((f"{prefix}{key}", text) for key, text in texts.items() if text)


def _meant(markup: str) -> str:
    if markup.startswith("&"):
        return f"write {html.unescape(markup)}"
    if markup.startswith(("\\", "<br")):
        return "begin the text with |- and put its lines below"
    return "write the words alone"


def flaws_of(text: str, campaign: Campaign) -> list[str]:
    """Say what is wrong with words that readers see, and that stand in no post."""
    return [message for _rule, message in _flaws(text, campaign, is_alt=False)]


def _flaws(text: str, campaign: Campaign, *, is_alt: bool) -> Iterator[Flaw]:
    if message := fault_of_words(text):
        yield "character", message
    sources, titles = campaign.sources.values(), campaign.investigations.values()
    for at, message in islice(problems_of_marks(text, sources, titles), MOST):
        yield "quote-altered", f"character {at + 1}: {message}"
    marked = marked_spans(text)[0] if is_alt else ()
    ends = (span.end + len(span.closing) for span in marked)
    if shape := attribution_shape(text, sources, after_quotation=ends):
        yield "attribution-shape", f"character {shape[0] + 1}: {shape[1]}"
    for message in wrong_mentions(text, campaign):
        yield "mention-outside", message
    if is_alt:
        yield from _alt(text)
    else:
        yield from _tags(text, campaign)
        yield from _links(text, campaign)


def preview_flaws(known: Investigation | Source, campaign: Campaign) -> Iterator[str]:
    """Say what a link's preview quotes that nobody wrote."""
    sources, titles = campaign.sources.values(), campaign.investigations.values()
    for text in (known.card.title, known.card.description) if known.card else ():
        if text != known.title:
            for _, message in islice(problems_of_marks(text, sources, titles), MOST):
                yield f"its preview: {message}"


def wrong_mentions(text: str, campaign: Campaign) -> Iterator[str]:
    """Name every mention of someone outside the coalition."""
    handles = find_mentions(text)
    if not handles:
        return  # as in most texts; the set would be made for each
    coalition = {each.removeprefix("@").casefold() for each in campaign.schedule.coalition}
    for handle in handles:
        if handle.casefold() not in coalition:
            yield (
                f"mentions @{handle}, who is not in `coalition`; "
                "the bot mentions nobody else, so write the name without @"
            )


def _tags(text: str, campaign: Campaign) -> Iterator[Flaw]:
    found = (*find_tags(text), *(match[1] for match in _HASHTAG.finditer(text)))
    if not found:
        return
    listed = {tag.removeprefix("#"): tag for tag in campaign.schedule.hashtags}
    folded = {tag.casefold(): tag for tag in listed}
    for tag in dict.fromkeys(each for each in found if each not in listed):
        near = folded.get(tag.casefold()) or next(iter(get_close_matches(tag, listed, n=1)), "")
        hint = f"; did you mean #{near}?" if near else "; take it away or add it there"
        yield "hashtag-unlisted", f"#{tag} is not one of the campaign's `hashtags`{hint}"


def _links(text: str, campaign: Campaign) -> Iterator[Flaw]:
    addresses = find_links(text)
    if not addresses:
        return  # of most texts; what follows would be made for each
    linked: list[Investigation | Source]
    linked = [*campaign.investigations.values(), *campaign.sources.values()]
    known = {bare_address(piece.address): piece.id for piece in linked if piece.address}
    for address in addresses:
        bare = bare_address(address)
        if is_personal(address, campaign.schedule.coalition):
            message = f"{address} is somebody's personal profile; the bot never links to one"
            yield "personal-profile", message
        elif bare in known:
            message = f"{address} stands in the text; write `link: {known[bare]}` instead"
            yield "link-in-text", message
        elif gap := _NO_SPACE.search(address.split("://")[-1]):
            message = (
                f"{gap[0]} reads as an address, since no space follows the full stop; "
                f"write {gap[1]} {gap[2]}"
            )
            yield "space-missing", message
        else:
            yield (
                "link-unknown",
                f"{address} is no known investigation or source; "
                "add it to posts/sources/investigations.yaml with who, what and the date",
            )


def _alt(text: str) -> Iterator[Flaw]:
    bare = text.strip().strip(".").casefold()  # where it is empty, rendering says so
    if bare and (not regex.search(r"\p{L}{2}", text) or _NO_ALT.fullmatch(bare)):
        yield "alt", f"{text!r} describes nothing; say what the picture shows, and the words in it"


def dated_words(text: str, lang: str = "en") -> tuple[str, ...]:
    """Find words of somebody's own that mean another day tomorrow; quoted ones do not count."""
    own = _DATED.get(lang.split("-")[0].casefold(), _DATED["en"])
    return tuple(
        match[0]
        for pattern in dict.fromkeys((_DATED["en"], own))
        for match in compiled(f"(?i){pattern}").finditer(text)
        if not any(quoted.start <= match.start() < quoted.end for quoted in marked_spans(text)[0])
    )


def is_true_then(words: str, at: datetime | None) -> bool:
    """Return whether words such as “this morning” are true at the local time of a post."""
    if at is None or _NEVER_TRUE.search(words):
        return False
    hours = next((each for name, each in _HOURS.items() if name in words.casefold()), (0, 24))
    return hours[0] <= at.hour < hours[1]


def has_date(text: str) -> bool:
    """Return whether a text names a year, in any script's digits."""
    digits = "".join(str(unicodedata.decimal(char, char)) for char in text)
    return _YEAR.search(digits) is not None


def is_personal(address: str, coalition: Iterable[str] = ()) -> bool:
    """Return whether an address is a personal page; the coalition's own handles are none."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    site = (parts.hostname or "").removeprefix("www.").removeprefix("mobile.").removeprefix("m.")
    site = called("sites", site) or site
    path = [part for part in parts.path.split("/") if part]
    name = _person(site, path)
    own = {own.removeprefix("@").casefold() for own in coalition}
    handle = name.removeprefix("@").casefold()
    return bool(name) and handle not in own and f"{handle}@{site}" not in own


def _person(site: str, path: list[str]) -> str:
    """Return the name that an address leads to; empty for a page that is nobody's."""
    first, second = (*path, "", "")[:2]
    if first.startswith("@"):
        return first
    if site.endswith("linkedin.com") or site in _PEOPLE_SITES:
        return second if first in _PEOPLE else ""
    if first == "users" and second:
        return second
    is_repository = site in _FORGES and second
    is_persons = site in _NOT_PEOPLE and first.casefold() not in _NOT_PEOPLE[site]
    return first if is_persons and not is_repository else ""
