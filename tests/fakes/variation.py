"""Answers as a published description allows them, at random rather than as we expect them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

#: What may stand in a field that no description knows.
_ODD: tuple[Any, ...] = (None, "", 0, -1, 1.5, True, "null", [], {}, [None], {"id": "5"}, "“ü”")
#: `make storm` sets another each time; a run that failed prints it.
SEED = int(os.environ.get("VARIATION_SEED", "1"))
Schema = Mapping[str, Any]


class Variation:
    """What one seed makes of answers.

    Args:
        root: The document that their schemas refer to.
        leaves_out: The share of what may be left out that is; some of it is null instead.
        adds: The share of what may be added that is.
    """

    def __init__(self, seed: int, root: Schema, *, leaves_out: float, adds: float = 0.3) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - answers that can be had again
        self._root, self._leaves_out, self._adds = root, leaves_out, adds

    def of(self, value: Any, schema: Schema) -> Any:
        """Leave out or null what may be, add what is known and what is not, in any order."""
        schema = self._resolved(schema)
        if isinstance(value, list):
            return [self.of(one, schema.get("items", {})) for one in value]
        if not isinstance(value, dict) or "properties" not in schema:
            return value
        told = [*self._kept(value, schema), *self._added(value, schema)]
        self.dice.shuffle(told)
        return dict(told)

    def _kept(self, value: Mapping[str, Any], schema: Schema) -> Iterator[tuple[str, Any]]:
        for name, part in value.items():
            about = schema["properties"].get(name, {})
            is_required = name in schema.get("required", ())
            if is_required or self.dice.random() >= self._leaves_out:
                yield name, self.of(part, about)
            elif self._is_nullable(about) and self.dice.random() < 0.5:
                yield name, None

    def _added(self, value: Mapping[str, Any], schema: Schema) -> Iterator[tuple[str, Any]]:
        for name, about in schema["properties"].items():
            if name not in value and self._is_nullable(about) and self.dice.random() < self._adds:
                yield name, None
        is_open = schema.get("additionalProperties") is not False
        if is_open and self.dice.random() < self._adds:
            yield f"odd{self.dice.randint(1, 9)}", self.dice.choice(_ODD)

    def _is_nullable(self, schema: Schema) -> bool:
        kinds = [self._resolved(schema), *schema.get("anyOf", ())]
        return any(kind.get("nullable") or kind.get("type") == "null" for kind in kinds)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self._root
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        return schema
