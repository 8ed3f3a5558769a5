"""JSON Schemas of the YAML files, so that editors see mistakes while they type.

They come from the models and know their shape; what names mean and how texts are quoted only
``check`` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import TypeAdapter

from bot.canonical import JsonObject
from bot.content.fields import PRICE, account_value, doc
from bot.content.model import Investigation, Post, Schedule, Source, Strict
from bot.platforms.spec import PlatformSpec

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
    plain = _plain(TypeAdapter(model).json_schema(by_alias=True))
    schema: dict[str, Any] = {"$schema": _DIALECT, "title": files, **plain}
    if name == "schedule":
        account = schema["$defs"]["Account"]["properties"]
        for spec in specs.values():
            if spec.prices:
                schema["properties"][spec.prices_key] = {
                    "type": "object",
                    "propertyNames": {"enum": [*spec.prices]},
                    "additionalProperties": PRICE.schema,
                    "description": f"US dollars by kind of call on {spec.label}, "
                    "where they differ from the built-in ones",
                }
            for key in spec.account_keys:
                described = {"description": f"{key.description}; of {spec.label} only"}
                default = {} if key.default is None else {"default": key.default}
                account.setdefault(key.name, {**account_value(key).schema, **default, **described})
    return schema
