"""Nodes to models: each mistake becomes one problem, at its own line and column."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.content.fields import UNKNOWN_KEY, Known, UnknownNameError, is_derived
from bot.content.model import Account, Strict
from bot.content.values import kind, quoted, suggestion
from bot.content.yamlfile import Node, Path, shown
from bot.errors import Problem, Severity

ModelT = TypeVar("ModelT", bound=Strict)

#: Where pydantic says that a mapping's key, not its value, is wrong.
_KEY = "[key]"
#: Keys that people reach for, and why there is none.
_ADVICE = {
    ("Variant", "quote"): "a variant may change what stands around a quotation, never it",
    ("Account", "token"): "secrets never stand in YAML; they are settings",
    ("Account", "password"): "secrets never stand in YAML; they are settings",
}


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def shape(
    model: type[ModelT], node: Node, *, at: Path = (), known: Known | None = None
) -> tuple[ModelT | None, list[Problem]]:
    """Read a node as a model, or tell everything that is wrong with it.

    Args:
        model: What is expected.
        node: What is there.
        at: Path of the node in its document, for messages.
        known: What names mean.
    """
    try:
        found: ModelT = _adapter(cast(Hashable, model)).validate_python(node.plain(), context=known)
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        return found, []
    return None, [
        _problem(model, node, at, detail, known or Known())
        for detail in details
        # A list only looks empty where what is in it has been refused.
        if detail["type"] != "too_short" or not detail["input"]
    ]


def problem(
    node: Node,
    path: Path,
    message: str,
    rule: str,
    *,
    at: Path = (),
    severity: Severity = Severity.ERROR,
    on_key: bool = False,
) -> Problem:
    """Return a problem of what stands at ``path`` below a node (or nearest to it)."""
    place = node.place_of(path, key=on_key)
    where = shown([*at, *path])
    return Problem(place.file, place.line, place.column, where, message, severity, rule)


def repeats(values: Iterable[Hashable]) -> Iterator[int]:
    """Yield the number of each value that has come before; None never counts."""
    seen: set[Hashable] = set()
    for number, value in enumerate(values):
        if value is not None and value in seen:
            yield number
        seen.add(value)


def document(node: Node | None, *, file: str, key: str) -> Problem | None:
    """Say what is wrong with a document that is no mapping."""
    wanted = f"write `{key}:` at its beginning"
    if node is None:
        return Problem(file, 1, 1, "", f"the file is empty; {wanted}", rule="value")
    if isinstance(node.value, dict):
        return None
    what = f"the file {kind(node.value)}" if node.value else "the file is empty"
    return problem(node, [], f"{what}; {wanted}", "value")


def entries(node: Node, key: str, *, example: str) -> tuple[list[Node], list[Problem]]:
    """Return the entries of a document that is a list under one key, and what else is in it."""
    problems = [
        problem(node, [name], _unknown_key(name, [key]), "unknown-key", on_key=True)
        for name in node.keys
        if name != key
    ]
    listed = node.child(key)
    if listed is None:
        message = f"`{key}:` is missing; write a list below it"
        problems.append(problem(node, [], message, "missing-key"))
    elif not isinstance(listed.value, list):
        message = f"is no list; begin each entry with a dash: `{example}`"
        problems.append(problem(node, [key], message, "value"))
    return node.entries(key), problems


def _problem(
    model: type[Strict], node: Node, at: Path, detail: ErrorDetails, known: Known
) -> Problem:
    path = [part for part in detail["loc"] if part != _KEY]
    on_key = detail["loc"][-1:] == (_KEY,) or detail["type"] == UNKNOWN_KEY
    rule, message = _explained(model, path, detail, known)
    return problem(node, path, message, rule, at=at, on_key=on_key)


def _explained(
    model: type[Strict], path: Sequence[str | int], detail: ErrorDetails, known: Known
) -> tuple[str, str]:
    """Return the rule that is broken, and what to do about it."""
    found = detail["input"]
    match detail["type"]:
        case "value_error":
            error = detail["ctx"]["error"]
            return "unknown-name" if isinstance(error, UnknownNameError) else "value", str(error)
        case "missing":
            return "missing-key", f"missing; {_description(model, path)}"
        case "too_short":
            return "value", f"is empty; {_description(model, path)}"
        case "unexpected_keyword_argument":
            owner, key = _owner(model, path), str(path[-1])
            names = [name for name, _, _ in keys_of(owner)]
            if owner is Account:
                names += known.own_keys.get(known.accounts.get(str(path[-2]), ""), ())
            return "unknown-key", _unknown_key(key, names, _ADVICE.get((owner.__name__, key)))
        case "dataclass_type" | "dict_type":
            return "value", f"{kind(found)}; write keys and values, such as `key: value`"
        case "tuple_type":
            return "value", f"{kind(found)}; write a list, such as [a, b]"
    return "value", detail["msg"]


def _unknown_key(key: str, names: Iterable[str], advice: str | None = None) -> str:
    return f"no such key {quoted(key)}; {advice or suggestion(key, names)}"


def _description(model: type[Strict], path: Sequence[str | int]) -> str:
    keys = {key: info.description or "" for key, _, info in keys_of(_owner(model, path))}
    return keys.get(str(path[-1]), "")


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
        if get_origin(annotation) is Annotated and not is_derived(annotation.__metadata__):
            info = next(each for each in annotation.__metadata__ if isinstance(each, FieldInfo))
            yield info.alias or name, annotation, info
