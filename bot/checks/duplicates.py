"""Rules over texts: posts that say nearly the same, and letters that their language has not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache

import regex

from bot.content.model import Post
from bot.content.other_names import called, names_of
from bot.content.quoting import shortened
from bot.content.slots import yearly_times
from bot.errors import Problem, Severity
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.versions import place_of, problem_at
from bot.visible import compiled

#: Yearly days are compared with what stands up to this far ahead.
_AHEAD = timedelta(days=400)

#: A text at a fixed time.
_Moment = tuple[datetime, RenderedText]


def too_close(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """Similar texts have their days between them, on one account or on two of one platform."""
    days = timedelta(days=whole.campaign.schedule.similarity_days)
    moments = sorted(_moments(whole, now), key=lambda moment: (moment[0], moment[1].post.id))
    seen: set[tuple[tuple[str, str], tuple[str, str]]] = set()
    for number, earlier in enumerate(moments):
        for later in moments[number + 1 :]:
            if later[0] - earlier[0] > days:
                break
            one, other = earlier[1], later[1]
            key = (one.post.id, one.account.name), (other.post.id, other.account.name)
            meet = one.account.platform == other.account.platform and key[0] != key[1]
            share = whole.share(one.words, other.words) if meet else None
            if share is not None and key not in seen:
                seen.add(key)
                when = "at" if other.post.at is not None else "every_year"
                message = _too_close(earlier, later, share, whole)
                yield problem_at(other.post, when, message, "similar-text")


def twins(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """One text never goes out from two accounts of one platform, whenever that is."""
    accounts = Counter(each.platform for each in whole.campaign.schedule.accounts.values())
    shared = (text for text in whole.going_out if accounts[text.account.platform] > 1)
    for first, *others in _same(shared, lambda text: text.account.platform):
        for other in (text for text in others if text.account.name != first.account.name):
            message = (
                f"{other.account.name} would say what {first.account.name} says in "
                f"{first.post.id!r} ({_place(first.post)}), word for word; one text never goes "
                "out from two accounts of one platform: name one account in `accounts:`, or "
                "give one a variant of its own"
            )
            yield problem_at(other.post, "accounts", message, "same-text")


def never_again(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What stays unsent where a platform's accounts never repeat a text is told."""
    strict = [text for text in whole.going_out if not whole.spec_of(text.account.name).may_repeat]
    for first, *others in _same(strict, lambda text: text.account.name):
        for other in others:
            message = (
                f"{other.account.name} never repeats a text, and {first.post.id!r} "
                f"({_place(first.post)}) has the same; this one will not go out there"
            )
            key = "quote.text" if other.post.quote else "text"
            yield problem_at(other.post, key, message, "never-repeated", Severity.WARNING)
    for text in strict:
        if text.post.every_year is not None:
            message = f"{text.account.name} never repeats a text, so it goes out there once"
            yield problem_at(text.post, "every_year", message, "never-repeated", Severity.NOTICE)


def _moments(whole: RenderedCampaign, now: datetime) -> Iterator[_Moment]:
    """Yield each fixed time of each text; yearly ones as far as they can meet another."""
    zone, going = whole.campaign.zone, whole.going_out
    fixed = [text.post.at for text in going if text.post.at is not None]
    reach = timedelta(days=whole.campaign.schedule.similarity_days + 1)
    first = (min([now, *fixed]) - reach).astimezone(zone).date()
    last = (max([now + _AHEAD, *fixed]) + reach).astimezone(zone).date()
    for text in going:
        if text.post.at is not None:
            yield text.post.at, text
        elif text.post.every_year is not None:
            for _, instant in yearly_times(text.post.every_year, zone=zone, first=first, last=last):
                yield instant.utc, text


def _too_close(earlier: _Moment, later: _Moment, share: float, whole: RenderedCampaign) -> str:
    (before, one), (at, other) = earlier, later
    zone, schedule = whole.campaign.zone, whole.campaign.schedule
    accounts = " and ".join(dict.fromkeys((other.account.name, one.account.name)))
    return (
        f"{share:.0%} like {one.post.id!r} ({_place(one.post)}) on {accounts}, "
        f"{(at - before).days} days apart "
        f"({before.astimezone(zone):%Y-%m-%d} and {at.astimezone(zone):%Y-%m-%d}); "
        f"{schedule.similarity:.0%} or more needs {schedule.similarity_days} days between. "
        f"This: {shortened(other.words, 120)} That: {shortened(one.words, 120)} "
        "Move one, or say it otherwise"
    )


def _place(post: Post) -> str:
    place = place_of(post, "quote.text" if post.quote else "text")
    return f"{place.file}:{place.line}"


def _same(
    shown: Iterable[RenderedText], meeting: Callable[[RenderedText], str]
) -> Iterator[list[RenderedText]]:
    """Group what says the same word for word where ``meeting`` is the same; two or more."""
    groups: dict[tuple[str, str], list[RenderedText]] = defaultdict(list)
    for text in shown:
        groups[meeting(text), " ".join(text.words.split()).casefold()].append(text)
    return (group for group in groups.values() if len(group) > 1)


#: Languages by the scripts that they are written in (CLDR, language data); others are not judged.
_WRITTEN_IN = names_of("languages by script")
#: Fewer letters may be a name or an abbreviation.
_FEWEST = 4
_NO_WORDS = regex.compile(r"https?://\S+|[#@][\w.@-]+")
_LETTERS = "|".join(rf"(?P<{name}>\p{{Script={name}}}+)" for name in _WRITTEN_IN)


def scripts(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What is in other letters than its language is asked about: screen readers follow it."""
    for post in whole.campaign.posts:
        quoted = post.quote.text if post.quote else ""
        own = "text" if post.text else "quote.text"
        words = {"lang" if "lang" in post.places else own: f"{post.text} {quoted}"}
        words |= {f"variants.{name}.text": each.text or "" for name, each in post.variants.items()}
        for key, text in words.items():
            if asked := _asked(text, post.lang):
                yield problem_at(post, key, asked, "lang-script", Severity.WARNING)


def source_scripts(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """So is a source."""
    for source in whole.campaign.sources.values():
        if asked := _asked(source.text, source.lang):
            at, where = source.place, f"{source.id}.lang"
            severity = Severity.WARNING
            yield Problem(at.file, at.line, at.column, where, asked, severity, "lang-script")


def _asked(text: str, lang: str) -> str:
    """Return what to ask of a text; empty where its letters fit, or nobody can tell."""
    expected = _scripts_of(lang)
    if text.isascii() and "Latin" in expected:  # its letters are Latin ones
        return ""
    found = Counter[str]()
    for run in compiled(_LETTERS).finditer(_NO_WORDS.sub(" ", text)):
        found[run.lastgroup or ""] += len(run[0])
    fitting = sum(found[name] for name in expected)
    if not expected or found.total() < _FEWEST or fitting * 2 >= found.total():
        return ""
    script = found.most_common(1)[0][0]
    candidates = _WRITTEN_IN[script][:3]
    return (
        f"most of it is in {script} letters, which {lang!r} is not written in; write the language"
        f" of the words, such as `lang: {'` or `lang: '.join(candidates)}`"
    )


@cache
def _scripts_of(lang: str) -> frozenset[str]:
    language, *subtags = lang.lower().split("-")
    named = frozenset(filter(None, (called("scripts", tag) for tag in subtags)))
    return named or frozenset(name for name, known in _WRITTEN_IN.items() if language in known)
