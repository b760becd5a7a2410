"""Keeps what compensation drills found (`service_tasks.drills` runs them)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine import audit, schema

if TYPE_CHECKING:
    from engine.transaction import Transaction


def record(tx: Transaction, definition_key: int, report: Mapping[str, Any], *, failures: int, remained: int,
           unreached: int) -> int:
    """Keep the report of a drill of a definition; returns its key. Audited.

    `failures` were tried, `remained` counts those that left something behind, `unreached` the steps that none came to.
    Raises NotFound.
    """
    definition = tx.definition(definition_key)
    clean = remained == 0 and (failures > 0 or unreached == 0)
    key = tx.key()
    tx.rows.insert(schema.drills, {
        "key": key, "definition_key": definition_key, "drilled_at": tx.now, "drilled_by": tx.actor,
        "failures": failures, "remained": remained, "unreached": unreached, "clean": clean, "report": dict(report),
    })
    audit.record(tx, "DRILL", "DEFINITION", definition_key, details={
        "name": definition.process_id, "version": definition.version, "clean": clean},
        after={"failures": failures, "remained": remained, "unreached": unreached})
    return key
