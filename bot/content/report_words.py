"""The words of a report: ours in English, and those in other languages that a campaign brings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from bot.content.fields import Known
from bot.content.files import POSTS
from bot.content.model import ReportWords
from bot.content.shape import Problems, shape
from bot.content.values import language, quoted, suggestion
from bot.content.yamlfile import Node, parse
from bot.errors import DecisionError

FOLDER = f"{POSTS}/reports"
ENGLISH = "en"
_FILE = Path(__file__).with_suffix(".yaml")
_RULE = "report-words"
_BLANK = re.compile(r"\{([^{}]*)\}")
#: How 1,234.5 is written in a language: with its digits, or ours.
_NUMBER = re.compile(r"(\d)(\D?)(\d)\d\d(\D)\d")
_HEAD = """\
# The report's own words in {lang}: posts/reports/{lang}.yaml.
# Write each sentence into the quotation marks below the English one; what stays empty is shown in
# English. What stands in braces is filled in: keep it as it is, anywhere in the sentence.
# `by` is who answers for these words: the name stands in each report."""


@dataclass(frozen=True)
class ReportLanguage:
    """Every sentence of a report in one language; in English where there is no other."""

    lang: str
    #: What the language calls itself.
    language: str
    #: Who answers for the words; empty for our own.
    by: str
    sentences: Mapping[str, str]
    #: Keys of sentences that stand in English.
    lacking: tuple[str, ...] = ()

    def __call__(self, key: str, **values: object) -> str:
        """Return a sentence with its blanks filled in; numbers are written as the language does."""

        def filled(blank: re.Match[str]) -> str:
            value = values[blank[1]]
            return self.number(value) if isinstance(value, int) else str(value)

        return _BLANK.sub(filled, self.sentences[key])

    def number(self, value: float, digits: int = 0) -> str:
        return self.localized(f"{value:,.{digits}f}")

    def localized(self, number: str) -> str:
        """Write what is a number in English with the language's digits and signs."""
        found = _NUMBER.fullmatch(self.sentences["number"])
        assert found is not None  # noqa: S101 - proved when it was read
        one, thousands, _two, decimal = found.groups()
        digits = {48 + digit: chr(ord(one) - 1 + digit) for digit in range(10)}
        return number.translate({ord(","): thousands, ord("."): decimal, **digits})

    def day(self, day: date) -> str:
        # A year is no count: nothing stands between its digits.
        return self("date", day=self.localized(str(day.day)), month=self(f"month-{day.month}"),
                    year=self.localized(str(day.year)))  # fmt: skip

    def month(self, day: date) -> str:
        return self("month", month=self(f"month-{day.month}"), year=self.localized(str(day.year)))

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        local = at.astimezone(zone)
        clock = self.localized(f"{local:%H:%M}")
        return self("moment", date=self.day(local.date()), time=clock, zone=f"{local:%Z}")


@cache
def english() -> ReportLanguage:
    """Return the sentences that all others are translations of."""
    node, problems = parse(_FILE.read_bytes(), file=_FILE.name)
    found = shape(ReportWords, node, Problems(), known=Known()) if node else None
    if problems or found is None:
        raise ValueError(f"{_FILE.name}: {problems}")
    return ReportLanguage(ENGLISH, found.language, "", found.words)


def report_language(written: Mapping[str, ReportWords], lang: str) -> ReportLanguage:
    """Return the sentences in a language that the campaign brings, or in English.

    Raises:
        DecisionError: there are none in it.
    """
    if lang == ENGLISH:
        return english()
    found = written.get(lang)
    if found is None:
        raise DecisionError(
            f"the report has no words in {quoted(lang)}, only in: {', '.join([ENGLISH, *written])};"
            f" `report --catalogue {lang}` prints the file to translate"
        )
    words = {key: sentence for key, sentence in found.words.items() if sentence}
    lacking = tuple(key for key in english().sentences if key not in words)
    return ReportLanguage(lang, found.language, found.by, {**english().sentences, **words}, lacking)


def build_words(files: Mapping[str, Node | None], problems: Problems) -> dict[str, ReportWords]:
    """Read the words of each language whose file has nothing wrong in it."""
    found = {}
    for name, node in files.items():
        before, lang = len(problems), PurePosixPath(name).stem
        words = _read(lang, node, problems) if node else None
        if words and len(problems) == before:
            found[lang] = words
    return found


def _read(lang: str, node: Node, problems: Problems) -> ReportWords | None:
    try:
        language(lang)
    except ValueError as error:
        problems.add(node, [], f"the file's name is its language: {error}", _RULE)
    if lang == ENGLISH:
        problems.add(node, [], "the English words are our own; name another language", _RULE)
    found, ours = shape(ReportWords, node, problems, known=Known()), english().sentences
    for key, sentence in found.words.items() if found else ():
        if message := _fault(key, sentence, ours):
            problems.add(node, ["words", key], message, _RULE, on_key=key not in ours)
    return found


def _fault(key: str, sentence: str, ours: Mapping[str, str]) -> str:
    """Say what is wrong with a sentence; empty where nothing is, or it is not written yet."""
    if key not in ours:
        return f"no sentence of the report is called {quoted(key)}; {suggestion(key, ours)}"
    wanted = _BLANK.findall(ours[key])
    is_odd = re.search("[{}]", _BLANK.sub("", sentence))
    if sentence and (is_odd or sorted(_BLANK.findall(sentence)) != sorted(wanted)):
        named = ", ".join(map("{{{}}}".format, wanted)) or "none"
        return f"what stands in braces is filled in; this sentence has, each once: {named}"
    if sentence and key == "number" and not _NUMBER.fullmatch(sentence):
        return f"{quoted(sentence)} is not how 1,234.5 is written; write such as 1.234,5"
    return ""


def to_translate(lang: str, written: Mapping[str, ReportWords]) -> str:
    """Return the file of a language to be filled in: each sentence below the English one."""
    found = written.get(lang) or ReportWords("", "", {})
    lines = [_HEAD.format(lang=lang)]
    lines += [f"by: {_quoted(found.by)}", f"language: {_quoted(found.language)}", "words:"]
    for key, sentence in english().sentences.items():
        lines += [f"  # {sentence}", f"  {key}: {_quoted(found.words.get(key, ''))}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
