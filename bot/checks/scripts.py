"""The letters that a text is written in, against the language that it is said to be in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import regex

from bot.content.model import Post, Source
from bot.errors import Problem, Severity
from bot.rendering.rendered import RenderedCampaign
from bot.rendering.versions import problem_at

#: Languages by the scripts that they are written in (CLDR, language data); others are not judged.
_WRITTEN_IN = {
    "Latin": "en de fr es it pt nl sv da no nb nn fi pl cs sk hu ro hr sl lt lv et tr vi id ms sw"
    " tl ca eu gl ga cy is sq ug ku uz kk az sr bs",
    "Arabic": "ar fa ug ur ps ku ckb sd ky kk uz az",
    "Cyrillic": "ru uk be bg mk sr ky kk tg mn uz ug",
    "Han": "zh ja yue ko",
    "Hiragana": "ja",
    "Katakana": "ja",
    "Hangul": "ko",
    "Hebrew": "he yi",
    "Greek": "el",
    "Thai": "th",
    "Devanagari": "hi mr ne",
    "Bengali": "bn as",
    "Tamil": "ta",
    "Tibetan": "bo dz",
    "Mongolian": "mn",
    "Georgian": "ka",
    "Armenian": "hy",
    "Ethiopic": "am ti",
}
#: Subtags of a script, as in ``ug-Latn``, and what they say.
_SUBTAGS = {
    "latn": "Latin", "arab": "Arabic", "cyrl": "Cyrillic", "hans": "Han", "hant": "Han",
    "hebr": "Hebrew", "deva": "Devanagari", "mong": "Mongolian",
}  # fmt: skip
#: Fewer letters may be a name or an abbreviation.
_FEWEST = 4
_NO_WORDS = regex.compile(r"https?://\S+|[#@][\w.@-]+")
_letters = cache(
    lambda: regex.compile("|".join(rf"(?P<{name}>\p{{Script={name}}}+)" for name in _WRITTEN_IN))
)


def scripts(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """What is in other letters than its language is asked about: screen readers follow it."""
    for post in whole.campaign.posts:
        quoted = post.quote.text if post.quote else ""
        key = "lang" if "lang" in post.places else "text" if post.text else "quote.text"
        words = {key: f"{post.text} {quoted}"}
        words |= {f"variants.{name}.text": each.text or "" for name, each in post.variants.items()}
        for place, text in words.items():
            if asked := _asked(text, post.lang):
                yield _of_post(post, place, asked)


def source_scripts(whole: RenderedCampaign, _now: datetime) -> Iterator[Problem]:
    """So is a source."""
    for source in whole.campaign.sources.values():
        if asked := _asked(source.text, source.lang):
            yield _of_source(source, asked)


def _of_post(post: Post, key: str, asked: str) -> Problem:
    return problem_at(post, key, asked, "lang-script", severity=Severity.WARNING)


def _of_source(source: Source, asked: str) -> Problem:
    at, where = source.place, f"{source.id}.lang"
    return Problem(at.file, at.line, at.column, where, asked, Severity.WARNING, "lang-script")


def _asked(text: str, lang: str) -> str:
    """Return what to ask of a text; empty where its letters fit, or nobody can tell."""
    expected = _scripts_of(lang)
    found = Counter[str]()
    for run in _letters().finditer(_NO_WORDS.sub(" ", text)):
        found[run.lastgroup or ""] += len(run[0])
    fitting = sum(found[name] for name in expected)
    if not expected or found.total() < _FEWEST or fitting * 2 >= found.total():
        return ""
    script = found.most_common(1)[0][0]
    candidates = _WRITTEN_IN[script].split()[:3]
    return (
        f"most of it is in {script} letters, which {lang!r} is not written in; write the language"
        f" of the words, such as `lang: {'` or `lang: '.join(candidates)}`"
    )


def _scripts_of(lang: str) -> frozenset[str]:
    language, *subtags = lang.lower().split("-")
    if named := {_SUBTAGS[tag] for tag in subtags if tag in _SUBTAGS}:
        return frozenset(named)
    return frozenset(name for name, known in _WRITTEN_IN.items() if language in known.split())
