"""Why expressions of an instance gave null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine import schema

if TYPE_CHECKING:
    from engine.engine import Engine

LIMIT = 50

_x = schema.explanations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationRow:
    """One expression that gave null. `purpose` says what it is for: "the script", "input mapping 'total'"."""

    element_id: str
    purpose: str
    expression: str
    reasons: Sequence[str]
    explained_at: datetime


_OF_INSTANCE = (
    select(_x.element_id, _x.purpose, _x.expression, _x.reasons, _x.explained_at)
    .where(_x.instance_key == bindparam("key")).order_by(_x.key.desc()).limit(LIMIT)
)


def of_instance(engine: Engine, key: int) -> tuple[ExplanationRow, ...]:
    """The explanations of one instance, the newest first."""
    with engine.read() as connection:
        return tuple(ExplanationRow(**row._mapping) for row in connection.execute(_OF_INSTANCE, {"key": key}))
