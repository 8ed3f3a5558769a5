"""JSON Schemas of the YAML files, so that editors see mistakes while they type.

They come from the models and know their shape; what names mean and how texts are quoted only
``check`` knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.content.models import InvestigationsFile, PostsFile, ScheduleModel, SourceModel, Strict

#: By the schema's file name: the model, and which files it describes.
_SCHEMAS: Mapping[str, tuple[type[Strict], str]] = {
    "schedule.schema.json": (ScheduleModel, "schedule.yaml"),
    "posts.schema.json": (PostsFile, "posts/**/*.yaml"),
    "source.schema.json": (SourceModel, "posts/sources/<id>.yaml"),
    "investigations.schema.json": (InvestigationsFile, "posts/sources/investigations.yaml"),
}
_WORDS = ("always", "public", "resend", "rehearsal", "listed", "ready", "en")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """Write all schemas as JSON text, by file name; the same models give the same bytes."""
    return {name: _text(model, files) for name, (model, files) in _SCHEMAS.items()}


def _text(model: type[Strict], files: str) -> str:
    schema = _plain(model.model_json_schema(by_alias=True))
    whole = {"$schema": _DIALECT, "title": files, **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


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
