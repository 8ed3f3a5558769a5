"""What tables are declared with: column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, String, Text
from sqlalchemy.types import TypeDecorator

from bot.canonical import JsonObject, canonical_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: All tables: each subject declares its own in it.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
#: A number that counts up by itself; SQLite does that for its own INTEGER only.
Counter = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware moment, kept as whole microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Store a moment; ValueError where it has no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value.isoformat()}")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[JsonObject]):
    """A JSON object as canonical text; never pickle, whatever stands in a handed-in file."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JsonObject | None, _dialect: Dialect) -> str | None:
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> JsonObject | None:
        if value is None:
            return None
        read: JsonObject = json.loads(value)
        return read


class EnumName(TypeDecorator[StrEnum]):
    """A value of one of some enums by its name: its text for people may be put better."""

    impl = String(16)
    cache_ok = True

    def __init__(self, kinds: tuple[type[StrEnum], ...]) -> None:
        super().__init__()
        self.kinds = kinds  # by its arguments SQLAlchemy tells one type from another
        self._values = {value.name: value for kind in kinds for value in kind}

    def process_bind_param(self, value: StrEnum | None, _dialect: Dialect) -> str | None:
        return None if value is None else value.name

    def process_result_value(self, value: str | None, _dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._values[value]
