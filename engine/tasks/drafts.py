"""What people have typed into the forms of tasks and not sent yet, kept for each task and person.

Drafts are not audited: nothing happens by them, and every pause in typing keeps one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select

from engine import schema, values
from engine.columns import exact_json
from engine.database import Upsert
from engine.errors import InvalidInput, NotFound, WrongState

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_d, _u = schema.task_drafts.c, schema.user_tasks.c

LARGEST = 256 * 1024
"""Bytes of JSON that a draft may have."""

KEEP = Upsert(schema.task_drafts, ["task_key", "person"], ["content", "seen", "kept_at"])
FORGET = delete(schema.task_drafts).where(_d.task_key == bindparam("b_task"), _d.person == bindparam("b_person"))
STATE = select(_u.state, _u.ended_at).where(_u.key == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One draft. `seen` are fingerprints of the variables that the form showed, by their names."""

    content: Any
    seen: Mapping[str, str]
    kept_at: datetime


def keep(tx: Transaction, key: int, content: Mapping[str, Any], seen: Mapping[str, str]) -> datetime:
    """Keep what whoever acts has typed for a task, instead of what he typed before. Returns when.

    His drafts of tasks that have ended are forgotten on that occasion. Raises NotFound, WrongState, InvalidInput.
    """
    task = tx.first(STATE, {"key": key})
    if task is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    if task.ended_at is not None:
        raise WrongState(f"Expected user task {key} to be open, but it is {task.state.lower()}.")
    checked, shown = values.checked(content), values.checked(seen)
    size = len(exact_json(checked).encode()) + len(exact_json(shown).encode())
    if size > LARGEST:
        raise InvalidInput(f"Expected a draft of at most {LARGEST:,} bytes, but it has {size:,}.")
    ended = select(_u.key).where(_u.key.in_(select(_d.task_key).where(_d.person == tx.actor)), _u.ended_at.is_not(None))
    tx.connection.execute(delete(schema.task_drafts).where(_d.person == tx.actor, _d.task_key.in_(ended)))
    tx.rows.write(KEEP, {"task_key": key, "person": tx.actor, "content": checked, "seen": shown, "kept_at": tx.now})
    return tx.now


def forget(tx: Transaction, key: int) -> None:
    """Forget the draft of whoever acts; there need not be one."""
    tx.rows.write(FORGET, {"b_task": key, "b_person": tx.actor})


def of(engine: Engine, key: int, person: str) -> Draft | None:
    """The draft that somebody has of a task."""
    statement = select(_d.content, _d.seen, _d.kept_at).where(_d.task_key == key, _d.person == person)
    with engine.read() as connection:
        row = connection.execute(statement).one_or_none()
    return None if row is None else Draft(**row._mapping)


def begun(engine: Engine, keys: Collection[int], person: str) -> set[int]:
    """Which of some tasks somebody has a draft of."""
    with engine.read() as connection:
        return set(connection.scalars(
            select(_d.task_key).where(_d.person == person, _d.task_key.in_(list(keys)))))
