"""How ids and times are written and read: ids are texts, times have milliseconds and an offset without a colon."""

from __future__ import annotations

from datetime import datetime
from typing import Any, overload

from engine.schema import DEFAULT_TENANT
from web.body import LARGEST_KEY, date_of

NOWHERE = -1
"""The key of nothing."""


@overload
def id(key: int) -> str: ...
@overload
def id(key: None) -> None: ...
def id(key: int | None) -> str | None:
    """A key as an id."""
    return None if key is None else str(key)


def key(id: str) -> int:
    """The key that an id stands for. Ids are opaque, so one that is no number is just the id of nothing."""
    if not (id.isascii() and id.isdigit() and len(id) <= 19):
        return NOWHERE
    number = int(id)
    return number if number <= LARGEST_KEY else NOWHERE


def definition_id(definition: str, version: int, key: int) -> str:
    """The id of a process or decision definition, as Camunda 7 makes them: `invoice:3:4711`."""
    return f"{definition}:{version}:{key}"


def definition_key(id: str) -> int:
    """The key in the id of a definition; the key alone will do."""
    return key(id.rpartition(":")[2])


@overload
def date(value: datetime) -> str: ...
@overload
def date(value: None) -> None: ...
def date(value: datetime | None) -> str | None:
    """A time in UTC, as `2026-08-20T13:37:38.123+0000`."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"


def moment(value: Any, name: str) -> datetime:
    """The time that a client sent. Raises InvalidInput."""
    # In an address that was not encoded the plus of the offset arrives as a blank.
    return date_of(value.replace(" ", "+") if isinstance(value, str) else value, name)


def milliseconds(start: datetime, end: datetime | None) -> int | None:
    """How long something took; None while it goes on."""
    return None if end is None else round((end - start).total_seconds() * 1000)


def tenant(tenant_id: str) -> str | None:
    """A tenant: the default one is none."""
    return None if tenant_id == DEFAULT_TENANT else tenant_id
