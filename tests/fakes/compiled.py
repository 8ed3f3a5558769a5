"""Compiled SQL that all engines of one kind share: each test, and each life, has one of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event


class _Compiled(dict[Any, Any]):
    """Statements by all of SQLAlchemy's key but its first part, the engine's own dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[1:], value)


_COMPILED: dict[str, _Compiled] = {}


def _give_compiled(connection: Any) -> None:
    known = _COMPILED.setdefault(connection.dialect.name, _Compiled())
    connection.execution_options(compiled_cache=known)


def share_compiled() -> None:
    """Let no engine work out anew what another one has: that is a third of a test's time."""
    if not event.contains(Engine, "engine_connect", _give_compiled):
        event.listen(Engine, "engine_connect", _give_compiled)
