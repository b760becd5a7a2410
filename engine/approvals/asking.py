"""Writes down what has to be approved, and says so to who asked.

`Engine.four_eyes` says for what two people are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import RowMapping, bindparam, insert, select, update

from engine import audit, schema
from engine.errors import NeedsApproval, WrongState

if TYPE_CHECKING:
    from engine.transaction import Transaction

TOPIC = "approvals"


class FourEyes(StrEnum):
    """What needs two people, where it is asked for."""

    DEPLOYMENTS = "deployments"
    OPERATIONS = "operations"


class ApprovalKind(StrEnum):
    """What is to be approved."""

    DEPLOYMENT = "DEPLOYMENT"
    OPERATION = "OPERATION"


class ApprovalState(StrEnum):
    """A request."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class File(Protocol):
    """One file of a deployment."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def content(self) -> bytes:
        """What is in it."""


_a = schema.approvals.c
SAME = select(_a.key).where(
    _a.decided_at.is_(None), _a.digest == bindparam("digest"), _a.requester == bindparam("requester"))
CLOSE = update(schema.approvals).where(_a.operation_key == bindparam("b_operation"), _a.decided_at.is_(None)).values(
    state=bindparam("b_state"), decided_by=bindparam("b_by"), decided_at=bindparam("b_at"),
    decision=bindparam("b_decision"))


def deployment(tx: Transaction, files: Sequence[File], *, name: str | None, source: str | None, tenant_id: str,
               new: Iterable[tuple[str, str, int]]) -> None:
    """Refuse a deployment that nobody approved, where two people are needed; that it waits is written down then.

    `new`: kind, id and version of what it would make. Raises NeedsApproval.
    """
    if FourEyes.DEPLOYMENTS not in tx.engine.four_eyes or tx.approved:
        return
    hashes = [(file.name, len(file.content), hashlib.sha256(file.content).hexdigest()) for file in files]
    values = {
        "kind": ApprovalKind.DEPLOYMENT, "tenant_id": tenant_id, "name": name, "source": source, "reason": None,
        "digest": hashlib.sha256(repr((tenant_id, name, sorted(hashes))).encode()).hexdigest(),
        "content": {"files": [{"name": file, "size": size, "sha256": hash} for file, size, hash in hashes],
                    "new": [{"kind": kind, "id": id, "version": version} for kind, id, version in new]},
    }
    raise NeedsApproval("deployment", tx.actor, partial(_wait, values=values, files=tuple(files)))


def _wait(tx: Transaction, values: dict[str, Any], files: Sequence[File] = ()) -> int:
    """Keep a request, unless the same person asked for the very same before; its key."""
    if values.get("digest"):
        before = tx.first(SAME, {"digest": values["digest"], "requester": tx.actor})
        if before is not None:
            return int(before.key)
    key = tx.key()
    tx.rows.insert(schema.approvals, {
        "operation_key": None, "deployment_key": None, "tenant_id": None, "name": None, "source": None, "digest": None,
        **values, "key": key, "state": ApprovalState.WAITING, "requester": tx.actor,
        "requester_person": tx.person or None, "requested_at": tx.now, "decided_by": None,
        "decided_at": None, "decision": None,
    })
    tx.rows.flush()
    for position, file in enumerate(files):
        tx.connection.execute(insert(schema.approval_files), {
            "approval_key": key, "position": position, "name": file.name, "content": file.content})
    for id in {each["id"] for each in values["content"].get("new", ())}:
        tx.connection.execute(insert(schema.approval_subjects), {
            "approval_key": key, "definition_id": id, "tenant_id": values["tenant_id"]})
    audit.record(tx, "REQUEST", values["kind"], key, reason=values["reason"], details=values["content"],
                 after={"state": ApprovalState.WAITING})
    tx.announce(TOPIC)
    return key


def operation(tx: Transaction, row: RowMapping, reason: str) -> bool:
    """Keep an operation waiting for somebody else's approval, where two people are needed; whether it waits."""
    if row["total"] < 2 or FourEyes.OPERATIONS not in tx.engine.four_eyes:
        return False
    _wait(tx, {"kind": ApprovalKind.OPERATION, "operation_key": row["key"], "reason": reason,
               "content": {"kind": row["kind"], "items": row["total"]}})
    return True


def close(tx: Transaction, operation_key: int, reason: str) -> None:
    """An operation that waits for its approval was stopped."""
    tx.rows.flush()
    tx.connection.execute(CLOSE, {"b_operation": operation_key, "b_state": ApprovalState.WITHDRAWN.value,
                                  "b_by": tx.actor, "b_at": tx.now, "b_decision": reason})


def expect_one(four_eyes: frozenset[str], count: int) -> None:
    """Refuse to act on several instances at once beside operations, where two people are needed. Raises WrongState."""
    if count > 1 and FourEyes.OPERATIONS in four_eyes:
        raise WrongState(f"Expected one instance, because acting on several needs another person's approval here, but "
                         f"found {count:,}. Plan an operation: in the console, by `partitur operations plan`, or with "
                         f"POST /api/operations.")
