"""Who a user task concerns, one by one: candidates, the assignee, the owner (Camunda 7's identity links)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import InvalidInput, NotFound
from engine.tasks import user_tasks

if TYPE_CHECKING:
    from engine.transaction import Transaction

CANDIDATE, ASSIGNEE, OWNER = "candidate", "assignee", "owner"
TYPES = (CANDIDATE, ASSIGNEE, OWNER)


def add(tx: Transaction, key: int, type: str, *, user: str | None = None, group: str | None = None) -> None:
    """Let a task concern somebody; audited. Raises NotFound, WrongState, InvalidInput."""
    _change(tx, key, type, user, group, added=True)


def remove(tx: Transaction, key: int, type: str, *, user: str | None = None, group: str | None = None) -> None:
    """Let a task concern somebody no longer; whom it did not concern before needs not be there. Audited.

    Raises NotFound, WrongState, InvalidInput.
    """
    _change(tx, key, type, user, group, added=False)


def _change(tx: Transaction, key: int, type: str, user: str | None, group: str | None, *, added: bool) -> None:
    if type not in TYPES:
        raise InvalidInput(f"Expected an identity link of type {', '.join(TYPES)}, but it is {type!r}.")
    if bool(user) == bool(group):
        raise InvalidInput("Expected a user or a group, but found " + ("both." if user else "neither."))
    if group and type != CANDIDATE:
        raise InvalidInput(f"Expected a user as {type}, but found the group {group!r}.")
    found = tx.first(user_tasks.BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    task: Any = found._mapping
    if type == CANDIDATE:
        name = "candidate_users" if user else "candidate_groups"
        others = [each for each in task[name] if each != (user or group)]
        user_tasks.change(tx, key, {name: [*others, user or group] if added else others})
    elif added or task[type] == user:
        user_tasks.change(tx, key, {type: user if added else None})
