"""JSON Schemas of the YAML files, so that editors see mistakes while they type.

They come from the models and know their shape; what names mean and how texts are quoted only
``check`` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import TypeAdapter

from bot.canonical import JsonObject
from bot.content.fields import doc
from bot.content.model import Investigation, Post, Schedule, Source, Strict
from bot.content.values import DATE
from bot.platforms.spec import AccountKey, PlatformSpec

_WORDS = ("always", "public", "resend", "rehearsal", "listed", "ready", "en")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class InvestigationsFile(Strict):
    """posts/sources/investigations.yaml: the only pages that posts may link to."""

    investigations: Annotated[
        tuple[Investigation, ...],
        doc("a list of investigations, each with an id, outlet and title"),
    ]


@dataclass(frozen=True, slots=True)
class PostsFile(Strict):
    """posts/**/*.yaml: what is posted."""

    posts: Annotated[tuple[Post, ...], doc("a list of posts, each with an id")]


def _plain(schema: Any) -> Any:
    """Drop what pydantic makes up: titles, and that a key that may be missing may be null."""
    match schema:
        case {"anyOf": [wanted, {"type": "null"}], **rest}:
            return _plain({**wanted, **rest})
        case dict():
            return {key: _plain(value) for key, value in schema.items() if _is_kept(key, value)}
        case list():
            return [_plain(entry) for entry in schema]
    return schema


def _is_kept(key: str, value: Any) -> bool:
    if key == "title":
        return not isinstance(value, str)  # a property may be called title
    # Other defaults are how Python says "nothing", or "15 minutes"; descriptions say it better.
    return key != "default" or isinstance(value, bool | int | float) or value in _WORDS


_FILES: Mapping[str, tuple[type[Strict], str]] = {
    "schedule": (Schedule, "schedule.yaml"),
    "posts": (PostsFile, "posts/**/*.yaml"),
    "source": (Source, "posts/sources/<id>.yaml"),
    "investigations": (InvestigationsFile, "posts/sources/investigations.yaml"),
}
#: Each kind of file has a schema.
NAMES = tuple(_FILES)


def schema_of(name: str, specs: Mapping[str, PlatformSpec]) -> JsonObject:
    """Return the schema of one kind of file; the same models and platforms give the same one."""
    model, files = _FILES[name]
    schema = TypeAdapter(model).json_schema(by_alias=True)
    schema = {"$schema": _DIALECT, "title": files, **_plain(schema)}
    return _with_platform_keys(schema, specs) if name == "schedule" else schema


def _with_platform_keys(schema: JsonObject, specs: Mapping[str, PlatformSpec]) -> JsonObject:
    """Add these keys to the JSON Schema of a schedule."""
    account = schema["$defs"]["Account"]
    owned: dict[str, JsonObject] = {}
    for spec in specs.values():
        for key in spec.account_keys:
            description = f"{key.description}; of {spec.label} only"
            owned.setdefault(key.name, {**_schema_of(key), "description": description})
    prices = {
        spec.prices_key: {
            "type": "object",
            "propertyNames": {"enum": [*spec.prices]},
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1000},
            "description": f"US dollars by kind of call on {spec.label}, "
            "where they differ from the built-in ones",
        }
        for spec in specs.values()
        if spec.prices
    }
    whole = {**account, "properties": {**account["properties"], **owned}}
    return {
        **schema,
        "properties": {**schema["properties"], **prices},
        "$defs": {**schema["$defs"], "Account": whole},
    }


def _schema_of(key: AccountKey) -> JsonObject:
    if key.choices:
        return {"enum": [*key.choices], "default": key.default}
    if key.kind is date:
        return {"type": "string", "pattern": f"^(?:{DATE.pattern})$"}
    return {"type": "boolean", "default": key.default}
