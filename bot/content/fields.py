"""Types of the fields that people write: a reader of what was typed, and its JSON Schema.

A name that another file gives its meaning is looked up in `Known`, the context of a reading.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticOmit, core_schema

from bot.content import identifiers, values
from bot.content.addresses import bare_address, optional_address, server
from bot.content.notations import NOTHING
from bot.content.values import RuleError, quoted, suggestion
from bot.platforms.spec import AccountKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)  # eq would hash the schema, which has no hash
class ReadWith:
    """Lets pydantic read a field with one of our readers, and with nothing else."""

    read: Callable[[object], object]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(
        self, source: type[object], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if not self.schema:
            raise PydanticOmit
        return dict(self.schema)


#: Type of an unknown key in pydantic's errors.
UNKNOWN_KEY = "unexpected_keyword_argument"


def _refuse(_value: object) -> object:
    raise PydanticCustomError(UNKNOWN_KEY, "no key of the file")


DERIVED = ReadWith(_refuse, {})
#: A field that no file has: it is filled in after the reading, from where and what was read.
Derived = Annotated[T, DERIVED]


def doc(description: str, **constraints: Any) -> Any:
    """Return what a field is for: in JSON Schemas, and to a person who left it out."""
    return Field(description=description, **constraints)


_STRING = {"type": "string"}
_WORDS = {"type": "string", "minLength": 1}
_MAY_BE_EMPTY = {"type": ["string", "null"]}


def _like(pattern: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def count(least: int, most: int) -> ReadWith:
    """Take whole numbers, both ends included."""
    return ReadWith(
        values.integer(least, most), {"type": "integer", "minimum": least, "maximum": most}
    )


def number(most: float, *, above_zero: bool = False) -> ReadWith:
    """Take numbers from 0 on, or only larger ones."""
    least = "exclusiveMinimum" if above_zero else "minimum"
    read = values.decimal(most, above_zero=above_zero)
    return ReadWith(read, {"type": "number", least: 0, "maximum": most})


def word(*options: str) -> ReadWith:
    """Take one of these words."""
    return ReadWith(values.choice(*options), {"enum": [*options]})


#: US dollars for one call of a platform.
PRICE = number(1000)


def account_value(key: AccountKey) -> ReadWith:
    """Take the value of a key that only one platform's accounts have."""
    if key.choices:
        return word(*key.choices)
    return _DAY if key.kind is date else _BOOLEAN


_HASH = values.matching(values.SHA256, "the file's SHA-256: 64 hexadecimal digits, small letters")
_BOOLEAN = ReadWith(values.boolean, {"type": "boolean"})
_DAY = ReadWith(values.day, _like(values.DATE.pattern))
_SPAN_OF_TIME = _like(r"([0-9]+[dhms])+")

Text = Annotated[str, ReadWith(values.text, _WORDS)]
#: Not touched at all: every character counts.
ExactText = Annotated[str, ReadWith(values.text_of, _WORDS)]
WarningText = Annotated[str, ReadWith(values.warning, _WORDS)]
#: A key without a value says that it is not known.
OptionalText = Annotated[str, ReadWith(values.optional_text, _MAY_BE_EMPTY)]
Id = Annotated[str, ReadWith(identifiers.identifier, _like(identifiers.ID_LIKE))]
AccountName = Annotated[
    str, ReadWith(identifiers.account_name, _like(identifiers.ACCOUNT_ID.pattern))
]
Lang = Annotated[str, ReadWith(values.language, _like(values.LANG.pattern))]
Sha256 = Annotated[str, ReadWith(_HASH, _like(values.SHA256.pattern))]
Boolean = Annotated[bool, _BOOLEAN]
Duration = Annotated[timedelta, ReadWith(values.duration, _SPAN_OF_TIME)]
PositiveDuration = Annotated[timedelta, ReadWith(values.positive_duration, _SPAN_OF_TIME)]
Day = Annotated[date, _DAY]
ClockTime = Annotated[time, ReadWith(values.clock_time, _like(values.TIME.pattern))]
At = Annotated[datetime, ReadWith(values.moment, _STRING)]
MonthDay = Annotated[tuple[int, int], ReadWith(values.month_day, _like(values.MONTH_DAY.pattern))]
#: 0 is Monday, as `datetime.date.weekday`.
Weekday = Annotated[int, ReadWith(values.weekday, {"enum": [*values.WEEKDAYS]})]
Zone = Annotated[str, ReadWith(values.zone_name, _STRING)]
Handle = Annotated[str, ReadWith(values.handle, _STRING)]
Hashtag = Annotated[str, ReadWith(values.hashtag, _STRING)]
OptionalAddress = Annotated[str, ReadWith(optional_address, _MAY_BE_EMPTY)]
Server = Annotated[str, ReadWith(server, _STRING)]

_RANGE = {
    "anyOf": [
        _STRING,
        {
            "type": "object",
            "properties": {"from": _STRING, "to": _STRING},
            "required": ["from", "to"],
            "additionalProperties": False,
        },
    ]
}
#: The first and the last day, which may be the same.
Days = Annotated[tuple[date, date], ReadWith(values.days, _RANGE)]
#: How a passage begins and how it ends; the end is empty where the beginning is all of it.
Passage = Annotated[tuple[str, str], ReadWith(values.passage, _RANGE)]


class Anything(dict[str, Any]):
    """Stands for names that could not be read, so that one broken file is one problem."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the campaign defines; the context of every reading.

    A name counts as known where it is written, even if what it names has problems of its own:
    one mistake makes one message.
    """

    #: Platform by account name.
    accounts: Mapping[str, str] = field(default_factory=dict)
    #: By platform, other names that people write for it.
    platforms: Mapping[str, Collection[str]] = field(default_factory=dict)
    #: By platform, the keys that only its accounts have.
    own_keys: Mapping[str, Collection[str]] = field(default_factory=dict)
    slots: Collection[str] = ()
    queues: Collection[str] = ()
    themes: Collection[str] = ()
    sources: Collection[str] = ()
    #: Address (empty for none) by id of an investigation or a source.
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def speakers(self) -> Collection[str]:
        """Accounts and their platforms."""
        own = dict.fromkeys([*self.accounts, *self.accounts.values()])
        return self.accounts if isinstance(self.accounts, Anything) else own


def _one_of(
    what: str, options: str, hint: Callable[[str, Known], str] | None = None, where: str = ""
) -> Any:
    """Accept a name out of `Known`, and empty text where the field itself may be empty.

    Args:
        options: Attribute of `Known`.
        hint: What to write instead, where more is known than the nearest name.
    """

    def check(name: str, info: ValidationInfo) -> str:
        known: Known = info.context or Known()
        names = getattr(known, options)
        if isinstance(names, Anything) and name and "://" not in name:
            identifiers.identifier(name)
        if name and name not in names:
            _refuse_misspelled(name, names)
            advice = (hint and hint(name, known)) or suggestion(name, names)
            raise RuleError(f"no {what} {quoted(name)}{where}; {advice}", "unknown-name")
        return name

    return AfterValidator(check)


def _refuse_misspelled(name: str, names: Collection[str]) -> None:
    """Refuse what would be a known name if it were an id, and say how."""
    if identifiers.id_fault(name):
        try:
            identifiers.identifier(name)
        except ValueError as error:
            if any(f"write {each} (" in str(error) for each in names):
                raise


def _account_hint(name: str, known: Known) -> str:
    meant = _platform_of(name, known)
    there = [account for account, platform in known.accounts.items() if platform == meant]
    return f"that is a platform, write its account: {', '.join(there)}" if there else ""


def _platform_hint(name: str, known: Known) -> str:
    meant = _platform_of(name, known)
    return f"write {meant}" if meant else ""


def _platform_of(name: str, known: Known) -> str:
    """Return the platform that people call so; empty for none."""
    names = ((each, {each, *also}) for each, also in known.platforms.items())
    return next((each for each, also in names if name.casefold() in also), "")


def _speaker_hint(name: str, known: Known) -> str:
    meant = _platform_of(name, known)
    return f"write {meant}" if meant in known.accounts.values() else ""


def _link_hint(name: str, _known: Known) -> str:
    hint = "leave the key out; in a variant, `link: none` takes the post's link away"
    return hint if name.casefold() in NOTHING else ""


def _no_address(link: str, info: ValidationInfo) -> str:
    """Refuse an address in the place of the id of what it belongs to."""
    known = (info.context or Known()).links
    if not re.search(r"://|\w\.\w+/", link) or not known:
        return link
    wanted = "the id of an investigation or source, and the address where that is described"
    named = (each for each, at in known.items() if at and bare_address(at) == bare_address(link))
    raise ValueError(f"{quoted(link)} does not fit; write {next(named, wanted)}")


_NO_ADDRESS = AfterValidator(_no_address)
_NAME = ReadWith(identifiers.name, _like(identifiers.ID_LIKE))
_LINKED = _one_of("investigation or source", "links", _link_hint)
KnownPlatform = Annotated[str, _NAME, _one_of("platform", "platforms", _platform_hint)]
KnownSlot = Annotated[str, _NAME, _one_of("slot", "slots")]
KnownQueue = Annotated[str, _NAME, _one_of("queue", "queues")]
KnownSource = Annotated[str, _NAME, _one_of("source", "sources")]
KnownTheme = Annotated[str, _NAME, _one_of("theme", "themes", where=" in the schedule")]
KnownAccount = Annotated[str, _NAME, _one_of("account", "accounts", _account_hint)]
AccountOrPlatform = Annotated[str, _NAME, _one_of("account or platform", "speakers", _speaker_hint)]
KnownLink = Annotated[str, _NAME, _NO_ADDRESS, _LINKED]
#: Empty text takes the post's link away.
KnownVariantLink = Annotated[str, ReadWith(identifiers.link_or_none, _STRING), _NO_ADDRESS, _LINKED]
