"""JSON Schemas of the YAML files, so that editors see mistakes while they type.

They come from the models and know their shape; what names mean and how texts are quoted only
``check`` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bot.content.models import InvestigationsFile, PostsFile, ScheduleModel, SourceModel, Strict
from bot.core.model import JsonObject

_WORDS = ("always", "public", "resend", "rehearsal", "listed", "ready", "en")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _schema(model: type[Strict], files: str) -> JsonObject:
    return {"$schema": _DIALECT, "title": files, **_plain(model.model_json_schema(by_alias=True))}


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


#: By name, what makes the schema of each kind of file; the same models give the same schema.
SCHEMAS: Mapping[str, Callable[[], JsonObject]] = {
    "schedule": partial(_schema, ScheduleModel, "schedule.yaml"),
    "posts": partial(_schema, PostsFile, "posts/**/*.yaml"),
    "source": partial(_schema, SourceModel, "posts/sources/<id>.yaml"),
    "investigations": partial(_schema, InvestigationsFile, "posts/sources/investigations.yaml"),
}
