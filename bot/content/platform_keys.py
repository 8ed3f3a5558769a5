"""Keys of schedule.yaml that only a platform gives a meaning: of its accounts, and its prices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from bot.canonical import JsonObject
from bot.content import values
from bot.content.nodes import Node, Path
from bot.content.shape import problem
from bot.content.values import kind, quoted, suggestion
from bot.errors import Problem
from bot.platforms.spec import AccountKey, PlatformSpec

_PRICE = values.decimal(1000)


@dataclass(slots=True)
class PlatformKeys:
    """What a schedule says under such keys."""

    #: The schedule without them.
    rest: Node
    #: By account.
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: By platform.
    prices: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_platform_keys(node: Node, specs: Mapping[str, PlatformSpec]) -> PlatformKeys:
    """Read a schedule's keys that only a platform has, or tell everything that is wrong there."""
    found = PlatformKeys(node)
    paid = {spec.prices_key: spec for spec in specs.values() if spec.prices}
    for key in [key for key in node.keys if key in paid]:
        found.prices[paid[key].name] = dict(_prices(node, key, paid[key], found.problems))
    found.rest = _without(node, paid)
    for name in node.names("accounts"):
        spec = specs.get(node.nearest(["accounts", name]).text("platform") or "")
        found.accounts[name] = dict(_own(node, name, spec, specs, found.problems))
    if node.names("accounts"):
        owned = {key.name for spec in specs.values() for key in spec.account_keys}
        accounts = node.nearest(["accounts"])
        bare = {name: _without(one, owned) for name, one in _children(accounts).items()}
        accounts = Node(accounts.place, bare, accounts.keys)
        found.rest = replace(found.rest, value={**_children(found.rest), "accounts": accounts})
    return found


def _children(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _without(node: Node, names: Collection[str]) -> Node:
    if not isinstance(node.value, dict):
        return node
    kept = {key: child for key, child in node.value.items() if key not in names}
    return Node(node.place, kept, {key: node.keys[key] for key in kept if key in node.keys})


def _prices(
    node: Node, key: str, spec: PlatformSpec, problems: list[Problem]
) -> Iterator[tuple[str, float]]:
    listed = node.nearest([key])
    if not isinstance(listed.value, dict):
        message = f"{kind(listed.value)}; write keys and values, such as `key: value`"
        problems.append(problem(node, [key], message, "value"))
        return
    for action, price in listed.value.items():
        path = [key, action]
        if action not in spec.prices:
            message = f"no price {quoted(action)}; {suggestion(action, spec.prices)}"
            problems.append(problem(node, path, message, "unknown-name", on_key=True))
            continue
        yield from _read(node, path, _PRICE, price, problems)


def _own(
    node: Node,
    name: str,
    spec: PlatformSpec | None,
    specs: Mapping[str, PlatformSpec],
    problems: list[Problem],
) -> Iterator[tuple[str, Any]]:
    """Yield an account's values; a key that only other platforms have is a problem."""
    for key, value in _children(node.nearest(["accounts", name])).items():
        owners = [one for one in specs.values() if any(k.name == key for k in one.account_keys)]
        if not owners or spec is None:  # who names no known platform is told that
            continue
        path = ["accounts", name, key]
        known = next((one for one in spec.account_keys if one.name == key), None)
        if known is None:
            labels = " and ".join(one.label for one in owners)
            message = f"{spec.label} has no key {quoted(key)}, only {labels}; take it away"
            problems.append(problem(node, path, message, "unknown-key", on_key=True))
            continue
        yield from _read(node, path, _reader(known), value, problems)


def _reader(key: AccountKey) -> Callable[[object], object]:
    if key.choices:
        return values.choice(*key.choices)
    return values.day if key.kind is date else values.boolean


def _read(
    node: Node,
    path: Path,
    read: Callable[[object], Any],
    value: Node,
    problems: list[Problem],
) -> Iterator[tuple[str, Any]]:
    try:
        yield str(path[-1]), read(value.plain())
    except ValueError as error:
        problems.append(problem(node, path, str(error), "value"))


def with_platform_keys(schema: JsonObject, specs: Mapping[str, PlatformSpec]) -> JsonObject:
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
        return {"type": "string", "pattern": f"^(?:{values.DATE.pattern})$"}
    return {"type": "boolean", "default": key.default}
