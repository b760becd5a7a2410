"""How values are stored: their JSON texts, and the types of columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, String, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

from engine.statements import Convert

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _plain(value: Any) -> Any:
    """A value that JSON has no word for: sets and tuples become lists, anything else its text."""
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
_encode = _encoder.encode
_decode = msgspec.json.Decoder().decode


def exact_json(value: Any) -> str:
    """The JSON text of a value, without spaces. Dates become ISO 8601 texts, decimals numbers.

    Raises UnicodeEncodeError, TypeError, RecursionError for what JSON cannot hold.
    """
    return _encode(value).decode()


def to_json(value: Any) -> str:
    """The JSON text of a value, as it is stored: NUL, which PostgreSQL cannot store, and halves of surrogate pairs,
    which are no characters, become the replacement character."""
    try:
        text = _encode(value).decode()
    except UnicodeEncodeError:
        return exact_json(_storable(value))
    return exact_json(_storable(value)) if "\\u0000" in text else text


def storable_text(text: str) -> str:
    """A text without what cannot be stored."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {_storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(each) for each in value]
    return value


def from_json(content: str | bytes) -> Any:
    """The value of a JSON text."""
    return _decode(content)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware datetimes in and out. SQLite has no such type, so it keeps microseconds since 1970,
    which sort and compare like the times they stand for."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _to_microseconds if dialect.name == "sqlite" else _with_zone

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _from_microseconds if dialect.name == "sqlite" else _in_utc


def _with_zone(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"Expected a time with a time zone, but {value} has none.")
    return value


@lru_cache(1024)
def _to_microseconds(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"Expected a time with a time zone, but {value} has none.")
    since = value - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@lru_cache(4096)      # the rows of a transaction are full of the same moments
def _from_microseconds(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value: text on SQLite, JSONB on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.JSONB())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return to_json if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _from_json if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _from_json(content: str | None) -> Any:
    return None if content is None else _decode(content)


class Word(TypeDecorator[str]):
    """A text of a fixed few, such as a state. Members of enumerations become the texts that they are: a driver would
    look for an adapter of each, which takes as long as what SQLite does with it."""

    impl = String
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _text_of_it


def _as_it_is(nothing: None) -> None:
    return nothing


# sqlite3 looks for an adapter of each NULL, in several places and in vain, if there is none.
sqlite3.register_adapter(type(None), _as_it_is)


def _text_of_it(value: str | None) -> str | None:
    return None if value is None else str.__str__(value)
