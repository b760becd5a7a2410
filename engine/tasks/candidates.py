"""Who may claim an open task, one row for each name, so that the tasks of a group are found by an index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from engine import schema

if TYPE_CHECKING:
    from engine.transaction import Transaction

USER, GROUP = "USER", "GROUP"

_c, _u = schema.task_candidates.c, schema.user_tasks.c

INSERT = schema.task_candidates.insert()
REMOVE = delete(schema.task_candidates).where(_c.task_key == bindparam("b_key"))
REMOVE_OF_TOKEN = delete(schema.task_candidates).where(
    _c.task_key.in_(select(_u.key).where(_u.element_instance_key == bindparam("b_token")))
)


def insert(tx: Transaction, key: int, users: Iterable[str], groups: Iterable[str]) -> None:
    """Write down the candidates of a new task."""
    for kind, names in ((USER, users), (GROUP, groups)):
        for name in dict.fromkeys(names):
            tx.rows.write(INSERT, {"task_key": key, "kind": kind, "name": name})


def replace(tx: Transaction, key: int, users: Iterable[str], groups: Iterable[str]) -> None:
    """Write down the candidates of a task that had others."""
    remove(tx, key)
    # Statements are sent in the order in which they were first written: the new rows must not go with the old ones.
    tx.rows.flush()
    insert(tx, key, users, groups)


def remove(tx: Transaction, key: int) -> None:
    """A task is over."""
    tx.rows.write(REMOVE, {"b_key": key})


def remove_of_token(tx: Transaction, token: int) -> None:
    """The task of a token is over."""
    tx.rows.write(REMOVE_OF_TOKEN, {"b_token": token})
