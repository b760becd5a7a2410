"""Which processes take no new starts for now, and what every door does about it: refuse, or hold.

Who can be told is refused with a sentence (a start, a restart, a correlation, a call). What cannot come again is held
until the process is resumed: messages and signals here, timers in their own rows (`engine.pausing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from engine import schema
from engine.errors import WrongState
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.programs import Definition
    from engine.transaction import Transaction

_p, _h = schema.pauses.c, schema.held_starts.c
OF_PROCESS = select(schema.pauses).where(
    _p.process_id == bindparam("process_id"), _p.tenant_id == bindparam("tenant_id"))
SAME = select(_h.key).where(
    _h.process_id == bindparam("process_id"), _h.tenant_id == bindparam("tenant_id"),
    _h.message_key == bindparam("message_key")).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Since when a process takes no new starts, by whose will and why."""

    process_id: str
    tenant_id: str
    paused_at: datetime
    paused_by: str
    reason: str


def of(tx: Transaction, process_id: str, tenant_id: str) -> Pause | None:
    """The pause of a process; None if it takes new starts."""
    # Past `tx.first`, which would write what this transaction has gathered: starts in great number would be slow.
    found = tx.engine.database.select(tx.connection, OF_PROCESS, {"process_id": process_id, "tenant_id": tenant_id})
    return Pause(**found[0]._mapping) if found else None


def check(tx: Transaction, definition: Definition) -> None:
    """A process takes new starts; raises WrongState with who paused it and why."""
    if (definition.process_id, definition.tenant_id) in tx.unpaused:
        return
    pause = of(tx, definition.process_id, definition.tenant_id)
    if pause is not None:
        raise WrongState(
            f"Expected process {pause.process_id!r} to take new starts, but {pause.paused_by} paused them at "
            f"{pause.paused_at:%Y-%m-%d %H:%M} UTC: {pause.reason!r}. Resume them on the page of the process first."
        )


def held(tx: Transaction, waiting: AnyRow, variables: Mapping[str, Any], *, message_key: str | None = None,
         business_id: str | None = None) -> bool:
    """Whether a process is paused, so that an event that reached its start event is held until it is resumed."""
    if of(tx, waiting.process_id, waiting.tenant_id) is None:
        return False
    serialize(tx, waiting.process_id)
    if of(tx, waiting.process_id, waiting.tenant_id) is None:   # it was resumed just now
        return False
    tx.rows.insert(schema.held_starts, {
        "key": tx.key(), "process_id": waiting.process_id, "tenant_id": waiting.tenant_id, "kind": waiting.kind,
        "name": waiting.name, "message_key": message_key, "business_id": business_id, "variables": dict(variables),
        "held_at": tx.now,
    })
    return True


def is_held(tx: Transaction, waiting: AnyRow, message_key: str) -> bool:
    """Whether a message with this correlation key is held for a process, which starts one instance for it."""
    return tx.first(SAME, {"process_id": waiting.process_id, "tenant_id": waiting.tenant_id,
                           "message_key": message_key}) is not None


def serialize(tx: Transaction, process_id: str) -> None:
    """Let one transaction at a time hold for a process or resume it, so that nothing is left behind."""
    tx.engine.database.serialize(tx.connection, f"pause {process_id}")
