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
from bot.content.fields import doc
from bot.content.model import Investigation, Post, Schedule, Source, Strict
from bot.content.platform_keys import with_platform_keys
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


def _schema(model: type[Strict], files: str) -> JsonObject:
    schema = TypeAdapter(model).json_schema(by_alias=True)
    return {"$schema": _DIALECT, "title": files, **_plain(schema)}


def _plain(schema: Any) -> Any:
    """Drop what pydantic makes up: titles, and that a key that may be missing may be null."""
    match schema:
        case {"anyOf": [wanted, {"type": "null"}], **rest}:
            return _plain({**wanted, **rest})
        case dict():
            return {key: _plain(value) for key, value in schema.items() if _is_told(key, value)}
        case list():
            return [_plain(one) for one in schema]
    return schema


def _is_told(key: str, value: Any) -> bool:
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
    schema = _schema(*_FILES[name])
    return with_platform_keys(schema, specs) if name == "schedule" else schema
