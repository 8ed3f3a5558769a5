"""The shape of files: nodes as models, each mistake at its line and column, and JSON Schemas.

The schemas come from the models, so that editors see mistakes while they type; what names mean and
how texts are quoted only ``check`` knows.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.canonical import JsonObject
from bot.content.fields import DERIVED, PRICE, UNKNOWN_KEY, Known, account_value, doc
from bot.content.model import (
    Account,
    Investigation,
    Place,
    Post,
    ReportWords,
    Schedule,
    Source,
    Strict,
)
from bot.content.notations import NOTHING, plain
from bot.content.other_names import called
from bot.content.values import days_named, kind, quoted, suggestion, written
from bot.content.yamlfile import Node, Path, shown
from bot.errors import Problem, Severity
from bot.platforms.spec import PlatformSpec
from bot.visible import named

ModelT = TypeVar("ModelT", bound=Strict)

#: Where pydantic says that a mapping's key, not its value, is wrong.
_KEY = "[key]"
#: Keys that a secret would stand under.
_SECRET = re.compile(r"(?i)token|password|secret|(?:api|consumer|access|client)_?key")
#: What a text that stands alone under a key is part of.
_SHAPES = {
    "media": '{{file: {}, alt: "what it shows"}}',
    "quote": "{{source: letter, text: {}}}",
    "every_year": '{{on: {}, at: "09:00"}}',
    "pauses": '{{from: {0}, to: {0}, reason: "why"}}',
    "consent": '{{by: "who agreed", on: 2026-11-20}}',
    "variants": "{{text: {}}}",
    "accounts": "{{platform: {}}}",
    "queues": "{{slots: [{}]}}",
}


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


class Problems(list[Problem]):
    """Problems of files, each at the place of what is wrong."""

    def add(
        self,
        node: Node,
        path: Path,
        message: str,
        rule: str,
        *,
        severity: Severity = Severity.ERROR,
        on_key: bool = False,
    ) -> None:
        """Add a problem of what stands at ``path`` below a node (or nearest to it)."""
        where = shown([*node.at, *path])
        self.add_at(node.place_of(path, key=on_key), where, message, rule, severity)

    def add_at(
        self, place: Place, where: str, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> None:
        self.append(Problem(place.file, place.line, place.column, where, message, severity, rule))


def shape(model: type[ModelT], node: Node, problems: Problems, *, known: Known) -> ModelT | None:
    """Read a node as a model, or add everything that is wrong with it."""
    try:
        return cast("ModelT", _adapter(model).validate_python(node.plain(), context=known))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "too_short" and detail["input"]:
                continue  # a list only looks empty where what is in it has been refused
            path = [part for part in detail["loc"] if part != _KEY]
            on_key = detail["loc"][-1:] == (_KEY,) or detail["type"] == UNKNOWN_KEY
            rule, message = _explained(model, path, detail, known)
            problems.add(node, path, message, rule, on_key=on_key)
    return None


def repeats(values: Iterable[Hashable]) -> Iterator[int]:
    """Yield the number of each value that has come before; None never counts."""
    seen: set[Hashable] = set()
    for number, value in enumerate(values):
        if value is not None and value in seen:
            yield number
        seen.add(value)


def entries(node: Node, key: str, problems: Problems) -> list[Node]:
    """Return the entries of a document that is a list of things with ids under one key."""
    for name in node.keys:
        if name != key:
            message = _unknown_key(name, [key], _file_with(name, Strict))
            problems.add(node, [name], message, "unknown-key", on_key=True)
    listed = node.child(key)
    if listed is None:
        problems.add(node, [], f"`{key}:` is missing; write a list below it", "missing-key")
    elif not isinstance(listed.value, list):
        problems.add(node, [key], "is no list; begin each entry with a dash: `- id: …`", "value")
    for number, entry in enumerate(node.entries(key)):
        entry.at = (key, number)
    return node.entries(key)


#: The key or the section that an id stands under, the id, its place, and what problems call it.
NamedId = tuple[str, str, Place, str]


def named_id(kind: str, node: Node, path: Path) -> NamedId:
    """Return what stands at a path below a node; an empty text for nothing, or for no text."""
    found = node.nearest(path[:-1]).child(path[-1])
    name = found.value if found and isinstance(found.value, str) else ""
    return kind, name, node.place_of(path), shown([*node.at, *path])


def _explained(
    model: type[Strict], path: Sequence[str | int], detail: ErrorDetails, known: Known
) -> tuple[str, str]:
    """Return the rule that is broken, and what to do about it."""
    found = detail["input"]
    match detail["type"]:
        case "value_error":
            error = detail["ctx"]["error"]
            return getattr(error, "rule", "value"), str(error)
        case "missing":
            return "missing-key", f"missing; {_description(model, path)}"
        case "too_short":
            return "value", f"is empty; {_description(model, path)}"
        case "unexpected_keyword_argument":
            return "unknown-key", _no_such_key(_owner(model, path), path, known)
        case "dataclass_type" | "dict_type":
            return "value", f"{kind(found)}; write {_wrapped(path, found)}"
        case "tuple_type":
            return "value", f"{kind(found)}; write {_wrapped(path, found, is_list=True)}"
    return "value", detail["msg"]


def _wrapped(path: Sequence[str | int], found: object, *, is_list: bool = False) -> str:
    """Return a lone text as the list or mapping that it should be, to be copied."""
    names = [part for part in path if isinstance(part, str)]
    key = names[-1] if names else ""
    if not isinstance(found, str):
        if is_list and isinstance(found, dict):
            return "a list: a dash and a space before its first key, the others below that"
        return "a list, such as [a, b]" if is_list else "keys and values, such as `key: value`"
    if key == "accounts" and found.casefold() in ("all", "*"):
        return "no `accounts` at all: a post goes to each account without it"
    if is_list and found.casefold() in NOTHING:
        return f"no `{key}` at all"
    if is_list and key not in ("media", "pauses"):
        days = days_named(found) if key == "weekdays" else ""
        separator = r"[,;/&+ ]+(?:and )?" if key in ("accounts", "weekdays") else r" *[,;] *"
        return f"[{days or ', '.join(map(_value, re.split(separator, found.strip())))}]"
    shape = _SHAPES.get(key) or _SHAPES.get(names[-2] if names[1:] else "", "")
    if not shape:
        return "keys and values, such as `key: value`"
    if key == "media" and "/" not in found:
        found = f"media/{found}"
    made = shape.format(written(found) if "text:" in shape else _value(found))
    return f"[{made}]" if is_list else made


def _value(text: str) -> str:
    """Return a text as it may stand in a list; in quotation marks where it needs some."""
    return text if re.fullmatch(r"[\w/.-]+", text) else written(text)


def _no_such_key(owner: type[Strict], path: Sequence[str | int], known: Known) -> str:
    key = str(path[-1])
    names = [name for name, _, _ in keys_of(owner)]
    if owner is Account:
        names += known.own_keys.get(known.accounts.get(str(path[-2]), ""), ())
    advice = called(owner.__name__, key) or _file_with(key, owner)
    if _SECRET.search(key):
        advice = "secrets never stand in YAML; they are settings"
    return _unknown_key(key, names, advice)


def _file_with(key: str, owner: type[Strict]) -> str:
    """Say which other kind of file has a key; empty for none."""
    others = (each for each in _FILES.values() if each[0] is not owner)
    return next((f"that is a key of {file}" for each, file in others
                 if key in (name for name, _, _ in keys_of(each))), "")  # fmt: skip


def _unknown_key(key: str, names: Collection[str], advice: str) -> str:
    if plain(key) != key:
        odd = next(char for char in key if plain(char) != char)
        advice = f"it has {named(odd)}; write {plain(key).strip()}"
    return f"no such key {quoted(key)}; {advice or suggestion(key, names, few=len(names))}"


def _description(model: type[Strict], path: Sequence[str | int]) -> str:
    infos = (info for key, _, info in keys_of(_owner(model, path)) if key == path[-1])
    return next((info.description or "" for info in infos), "")


def _owner(model: type[Strict], path: Iterable[str | int]) -> type[Strict]:
    """Find the model to which the last key of a path belongs."""
    owner: type[Strict] = model
    inside: Any = model
    for part in path:
        while get_origin(inside) in (Annotated, Union, UnionType):
            inside = get_args(inside)[0]
        if isinstance(inside, type) and issubclass(inside, Strict):
            owner = inside
            inside = next((kind for key, kind, _ in keys_of(owner) if key == part), Any)
        else:
            inside = get_args(inside)[-1 if get_origin(inside) is dict else 0]
    return owner


def keys_of(owner: type[Strict]) -> Iterator[tuple[str, Any, FieldInfo]]:
    """Yield each key of a model as it stands in a file, with its type and what is said of it."""
    for name, annotation in get_type_hints(owner, include_extras=True).items():
        if get_origin(annotation) is Annotated and DERIVED not in annotation.__metadata__:
            info = next(each for each in annotation.__metadata__ if isinstance(each, FieldInfo))
            yield info.alias or name, annotation, info


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
    "report": (ReportWords, "posts/reports/<language>.yaml"),
}
#: Each kind of file has a schema.
SCHEMA_NAMES = tuple(_FILES)


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
