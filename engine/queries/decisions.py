"""Deployed decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import schema

if TYPE_CHECKING:
    from engine.engine import Engine

_d = schema.decisions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One version of a decision."""

    key: int
    decision_id: str
    name: str
    version: int


def of_graph(engine: Engine, requirements_key: int) -> dict[str, DecisionRow]:
    """The decisions of one version of a requirements graph, by their ids."""
    statement = select(_d.key, _d.decision_id, _d.name, _d.version).where(_d.requirements_key == requirements_key)
    with engine.read() as connection:
        return {row.decision_id: DecisionRow(**row._mapping) for row in connection.execute(statement)}
