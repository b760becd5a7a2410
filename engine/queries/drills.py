"""When processes were drilled, and what was found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import schema

if TYPE_CHECKING:
    from engine.engine import Engine

_r = schema.drills.c
COLUMNS = (_r.key, _r.definition_key, _r.drilled_at, _r.drilled_by, _r.failures, _r.remained, _r.unreached, _r.clean)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRow:
    """One drill of a definition: `failures` were tried, `remained` of them left something behind, `unreached` steps
    none came to."""

    key: int
    definition_key: int
    drilled_at: datetime
    drilled_by: str
    failures: int
    remained: int
    unreached: int
    clean: bool


def latest(engine: Engine, definition_keys: Collection[int]) -> dict[int, DrillRow]:
    """The last drill of each of these definitions; those never drilled are left out."""
    newest = select(func.max(_r.key)).where(_r.definition_key.in_(list(definition_keys))).group_by(_r.definition_key)
    with engine.read() as connection:
        rows = connection.execute(select(*COLUMNS).where(_r.key.in_(newest)))
        return {row.definition_key: DrillRow(**row._mapping) for row in rows}


def report(engine: Engine, key: int) -> Mapping[str, Any]:
    """What one drill found, as it was recorded; empty if there is none."""
    with engine.read() as connection:
        found: Mapping[str, Any] | None = connection.scalar(select(_r.report).where(_r.key == key))
    return found or {}
