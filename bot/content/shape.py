"""Nodes to models: each mistake becomes one problem, at its own line and column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.content.known import Known
from bot.content.models import Strict
from bot.content.nodes import Node, Path, shown
from bot.content.words import kind, quoted, suggestion
from bot.core.campaign import Place
from bot.errors import Problem, Severity

ModelT = TypeVar("ModelT", bound=Strict)

#: Where pydantic says that a mapping's key, not its value, is wrong.
_KEY = "[key]"
#: Keys that people reach for, and why there is none.
_ADVICE = {
    ("VariantModel", "quote"): "a variant may change what stands around a quotation, never it",
    ("AccountModel", "token"): "secrets never stand in YAML; they are settings",
    ("AccountModel", "password"): "secrets never stand in YAML; they are settings",
}


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
        return model.model_validate(node.plain(), context=known), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_problem(model, node, at, one) for one in details if not _follows(one)]


def problem(
    node: Node,
    path: Path,
    message: str,
    *,
    at: Path = (),
    severity: Severity = Severity.ERROR,
    on_key: bool = False,
) -> Problem:
    """Tell a problem of what stands at ``path`` below a node (or nearest to it)."""
    place = node.place_of(path, key=on_key)
    return told(place, message, where=shown([*at, *path]), severity=severity)


def told(
    place: Place, message: str, *, where: str = "", severity: Severity = Severity.ERROR
) -> Problem:
    """Tell a problem at a place."""
    return Problem(place.file, place.line, place.column, where, message, severity)


def document(node: Node | None, *, file: str, key: str) -> Problem | None:
    """Say what is wrong with a document that is no mapping."""
    wanted = f"write `{key}:` at its beginning"
    if node is None:
        return Problem(file, 1, 1, "", f"the file is empty; {wanted}")
    if isinstance(node.value, dict):
        return None
    what = f"the file {kind(node.value)}" if node.value else "the file is empty"
    return told(node.place, f"{what}; {wanted}")


def entries(node: Node, key: str, *, example: str) -> tuple[list[Node], list[Problem]]:
    """Give the entries of a document that is a list under one key, and what else is in it."""
    problems = [
        problem(node, [name], f"no such key {quoted(name)}; {suggestion(name, [key])}", on_key=True)
        for name in node.keys
        if name != key
    ]
    listed = node.child(key)
    if listed is None:
        problems.append(problem(node, [], f"`{key}:` is missing; write a list below it"))
    elif not isinstance(listed.value, list):
        message = f"is no list; begin each entry with a dash: `{example}`"
        problems.append(problem(node, [key], message))
    return node.entries(key), problems


def _follows(detail: ErrorDetails) -> bool:
    """Tell whether a list only looks empty because what is in it has been refused."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _problem(model: type[Strict], node: Node, at: Path, detail: ErrorDetails) -> Problem:
    path = [part for part in detail["loc"] if part != _KEY]
    on_key = detail["loc"][-1:] == (_KEY,) or detail["type"] == "extra_forbidden"
    return problem(node, path, _message(model, path, detail), at=at, on_key=on_key)


def _message(model: type[Strict], path: Sequence[str | int], detail: ErrorDetails) -> str:
    found = detail["input"]
    match detail["type"]:
        case "value_error":
            return str(detail["ctx"]["error"])
        case "missing":
            return f"missing; {_description(model, path)}"
        case "too_short":
            return f"is empty; {_description(model, path)}"
        case "extra_forbidden":
            return _unknown_key(_owner(model, path), str(path[-1]))
        case "model_type" | "dict_type":
            return f"{kind(found)}; write keys and values, such as `key: value`"
        case "tuple_type":
            return f"{kind(found)}; write a list, such as [a, b]"
    return detail["msg"]


def _unknown_key(owner: type[BaseModel], key: str) -> str:
    advice = _ADVICE.get((owner.__name__, key))
    names = [field.alias or name for name, field in owner.model_fields.items()]
    return f"no such key {quoted(key)}; {advice or suggestion(key, names)}"


def _description(model: type[Strict], path: Sequence[str | int]) -> str:
    field = _field(_owner(model, path), str(path[-1]))
    return field.description or "" if field else ""


def _owner(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel]:
    """Find the model to which the last key of a path belongs."""
    owner, expected = model, Any
    inside: Any = model
    for part in path:
        expected = _bare(inside)
        if isinstance(expected, type) and issubclass(expected, BaseModel):
            owner = expected
            field = _field(owner, str(part))
            inside = field.annotation if field else Any
        else:
            inside = get_args(expected)[-1 if get_origin(expected) is dict else 0]
    return owner


def _field(owner: type[BaseModel], key: str) -> FieldInfo | None:
    fields = owner.model_fields.items()
    return next(
        (field for name, field in fields if key in (field.alias or name, field.alias)), None
    )


def _bare(annotation: Any) -> Any:
    """Take ``Annotated`` and ``| None`` away."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = get_args(annotation)[0]
    return annotation
