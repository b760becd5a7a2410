"""Scopes: where an element looks for its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine import schema

if TYPE_CHECKING:
    from engine.engine import Engine

_e = schema.element_instances.c

AROUND = select(_e.scope_key).where(_e.key == bindparam("key"))


def seen_from(engine: Engine, element_instance_key: int) -> list[int]:
    """The keys of the scopes that an element instance sees: its own, those around it, at last its instance."""
    chain = [element_instance_key]
    with engine.read() as connection:
        while (around := connection.scalar(AROUND, {"key": chain[-1]})) is not None:
            chain.append(around)
    return chain
