"""Whether a key is that of anything: keys are given once, whatever they are of."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, exists, or_, select

from engine import schema
from engine.engine import Engine
from engine.sight import Sight


def is_there(engine: Engine, key: int, within: Sight) -> bool:
    """Whether there is anything with this key, within a sight."""
    if not -1 < key < 2**63:
        return False
    with engine.database.read(None if within.is_everything else within) as connection:
        return connection.scalar(_anything(), {"key": key}) is not None


@cache
def _anything() -> Select[Any]:
    key: BindParameter[int] = bindparam("key")
    tables = [table for table in schema.metadata.sorted_tables if "key" in table.c and table.c.key.primary_key]
    return select(1).where(or_(*(exists().where(table.c.key == key) for table in tables)))
