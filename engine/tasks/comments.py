"""What people write beside a user task for each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine import audit, schema, values
from engine.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_c, _u = schema.task_comments.c, schema.user_tasks.c

LONGEST = 4000
INSTANCE = select(_u.instance_key).where(_u.key == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment."""

    key: int
    task_key: int
    instance_key: int
    author: str
    message: str
    at: datetime


def add(tx: Transaction, key: int, message: str) -> Comment:
    """Write a comment of whoever acts beside a task, open or ended; audited. Raises NotFound, InvalidInput."""
    text = values.text(message.strip()) or ""
    if not text or len(text) > LONGEST:
        raise InvalidInput(f"Expected a comment of 1 to {LONGEST:,} characters, but it has {len(text):,}.")
    task = tx.first(INSTANCE, {"key": key})
    if task is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    comment = Comment(key=tx.key(), task_key=key, instance_key=task.instance_key, author=tx.actor, message=text,
                      at=tx.now)
    tx.rows.insert(schema.task_comments, {name: getattr(comment, name) for name in Comment.__slots__})
    audit.record(tx, "COMMENT", "USER_TASK", key, instance_key=task.instance_key, after={"comment": text})
    return comment


def of(engine: Engine, key: int) -> list[Comment]:
    """The comments of a task, the oldest first."""
    with engine.read() as connection:
        rows = connection.execute(select(schema.task_comments).where(_c.task_key == key).order_by(_c.at, _c.key))
        return [Comment(**row._mapping) for row in rows]
