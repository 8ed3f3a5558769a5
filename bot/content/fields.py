"""Types of the models' fields: a reader of what was typed, and its JSON Schema for editors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bot.content import values
from bot.content.addresses import optional_address, server
from bot.content.values import Moment


@dataclass(frozen=True, slots=True, eq=False)  # eq would hash the schema, which has no hash
class Reads:
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
        return dict(self.schema)


_STRING = {"type": "string"}
_WORDS = {"type": "string", "minLength": 1}
_MAY_BE_EMPTY = {"type": ["string", "null"]}


def _like(pattern: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def count(least: int, most: int) -> Reads:
    """Take whole numbers, both ends included."""
    return Reads(
        values.integer(least, most), {"type": "integer", "minimum": least, "maximum": most}
    )


def number(most: float) -> Reads:
    """Take numbers from 0 on."""
    return Reads(values.decimal(most), {"type": "number", "minimum": 0, "maximum": most})


def word(*options: str) -> Reads:
    """Take one of these words."""
    return Reads(values.choice(*options), {"enum": [*options]})


_LANGUAGE = values.matching(values.LANG, "a language tag such as en, ug or zh-Hans")
_HASH = values.matching(values.SHA256, "the file's SHA-256: 64 hexadecimal digits, small letters")
_SPAN_OF_TIME = _like(r"([0-9]+[dhms])+")

Text = Annotated[str, Reads(values.text, _WORDS)]
#: Not touched at all: every character counts.
ExactText = Annotated[str, Reads(values.exact_text, _WORDS)]
#: A key without a value says that it is not known.
OptionalText = Annotated[str, Reads(values.optional_text, _MAY_BE_EMPTY)]
Id = Annotated[str, Reads(values.identifier, _like(values.ID.pattern))]
Lang = Annotated[str, Reads(_LANGUAGE, _like(values.LANG.pattern))]
Sha256 = Annotated[str, Reads(_HASH, _like(values.SHA256.pattern))]
Boolean = Annotated[bool, Reads(values.boolean, {"type": "boolean"})]
Duration = Annotated[timedelta, Reads(values.duration, _SPAN_OF_TIME)]
PositiveDuration = Annotated[timedelta, Reads(values.positive_duration, _SPAN_OF_TIME)]
Day = Annotated[date, Reads(values.day, _like(values.DATE.pattern))]
ClockTime = Annotated[time, Reads(values.clock_time, _like(values.TIME.pattern))]
At = Annotated[Moment, Reads(values.moment, _STRING)]
MonthDay = Annotated[tuple[int, int], Reads(values.month_day, _like(values.MONTH_DAY.pattern))]
Weekday = Annotated[str, word(*values.WEEKDAYS)]
Zone = Annotated[str, Reads(values.zone_name, _STRING)]
Handle = Annotated[str, Reads(values.handle, _STRING)]
Hashtag = Annotated[str, Reads(values.hashtag, _STRING)]
OptionalAddress = Annotated[str, Reads(optional_address, _MAY_BE_EMPTY)]
Server = Annotated[str, Reads(server, _STRING)]

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
Days = Annotated[tuple[date, date], Reads(values.days, _RANGE)]
#: How a passage begins and how it ends; the end is empty where the beginning is all of it.
Passage = Annotated[tuple[str, str], Reads(values.passage, _RANGE)]
Link = Annotated[str, Reads(values.link, _like(values.ID.pattern))]
LinkOrNone = Annotated[str, Reads(values.link_or_none, _STRING)]
