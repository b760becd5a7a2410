"""Approve or decline what another person asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, bindparam, delete, func, not_, select, update

from engine import audit, definitions, guard, permits, schema
from engine.approvals.asking import TOPIC, ApprovalKind, ApprovalState
from engine.definitions import Resource
from engine.errors import NotAllowed, NotFound, WrongState
from engine.operations import plans

if TYPE_CHECKING:
    from engine.transaction import Transaction

_a, _f, _m, _i = (table.c for table in (
    schema.approvals, schema.approval_files, schema.operation_items, schema.instances))
BY_KEY = select(schema.approvals).where(_a.key == bindparam("key")).with_for_update()
FILES = select(_f.name, _f.content).where(_f.approval_key == bindparam("key")).order_by(_f.position)
FORGET = delete(schema.approval_files).where(_f.approval_key == bindparam("b_key"))
DECIDE = update(schema.approvals).where(_a.key == bindparam("b_key")).values(
    state=bindparam("b_state"), decided_by=bindparam("b_by"), decided_at=bindparam("b_at"),
    decision=bindparam("b_decision"), deployment_key=bindparam("b_deployment"))


def approve(tx: Transaction, key: int, reason: str) -> int:
    """Let happen what another person asked for; the key of the deployment or the operation.

    Audited: it was asked for by one and approved by the other. Raises NotFound; InvalidInput (no reason); NotAllowed
    (one's own request, or one may not do so oneself); WrongState (decided already); for a deployment what
    `definitions.deploy` raises by now, then it goes on waiting.
    """
    why = guard.reason_given(reason, "approve a request")
    row = _waiting(tx, key)
    if _is_own(tx, row):
        if row["requester"] == tx.actor:
            raise NotAllowed(f"Expected another person than {tx.actor!r} to approve this, because two people are "
                             f"needed, but it is {tx.actor!r} who asked for it.")
        raise NotAllowed(f"Expected another person than {tx.actor!r} to approve this, because two people are needed, "
                         f"but it is the same person who asked for it, then called {row['requester']!r}.")
    audit.record(tx, "APPROVE", row["kind"], key, reason=why, details={"requester": row["requester"], **row["content"]},
                 before={"state": ApprovalState.WAITING}, after={"state": ApprovalState.APPROVED})
    if row["kind"] == ApprovalKind.OPERATION:
        made = int(row["operation_key"])
        _check_items(tx, made)
        plans.begin(tx, made)
        _decide(tx, key, ApprovalState.APPROVED, why)
    else:
        made = _deploy(tx, row)
        _decide(tx, key, ApprovalState.APPROVED, why, deployment=made)
    return made


def decline(tx: Transaction, key: int, reason: str) -> None:
    """Let not happen what was asked for; who asked withdraws it by that.

    Audited. Raises NotFound, InvalidInput (no reason), WrongState (decided already).
    """
    why = guard.reason_given(reason, "decline a request")
    row = _waiting(tx, key)
    own = _is_own(tx, row)
    audit.record(tx, "WITHDRAW" if own else "DECLINE", row["kind"], key, reason=why,
                 details={"requester": row["requester"], **row["content"]}, before={"state": ApprovalState.WAITING},
                 after={"state": ApprovalState.WITHDRAWN if own else ApprovalState.DECLINED})
    if row["kind"] == ApprovalKind.OPERATION:
        plans.give_up(tx, row["operation_key"],
                      f"{tx.actor} {'withdrew the operation' if own else 'declined'}: {why}")
    _decide(tx, key, ApprovalState.WITHDRAWN if own else ApprovalState.DECLINED, why)


def _is_own(tx: Transaction, row: RowMapping) -> bool:
    """Whether it was asked for by the same person, perhaps under another name: a provider may rename people."""
    return row["requester"] == tx.actor or (bool(tx.person) and row["requester_person"] == tx.person)


def _waiting(tx: Transaction, key: int) -> RowMapping:
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a request for an approval with key {key}, but there is none.")
    row = found._mapping
    if row["state"] != ApprovalState.WAITING:
        raise WrongState(f"Expected request {key} to wait for an approval, but it was {row['state'].lower()} by "
                         f"{row['decided_by']}.")
    return row


def _deploy(tx: Transaction, row: RowMapping) -> int:
    resources = [Resource(name=file.name, content=file.content) for file in tx.select(FILES, {"key": row["key"]})]
    approver = tx.actor
    # Who asked deploys; that somebody approved is an entry of its own.
    tx.actor, tx.approved = row["requester"], True
    try:
        made = definitions.deploy(tx, resources, name=row["name"], source=row["source"], tenant_id=row["tenant_id"])
    finally:
        tx.actor, tx.approved = approver, False
    return made.key


def _check_items(tx: Transaction, operation_key: int) -> None:
    """Who approves may act on every instance of the operation. Raises NotAllowed."""
    may = permits.among(tx, _i.process_id, _i.tenant_id)
    if not may:
        return
    foreign = select(func.count()).select_from(schema.operation_items).join(
        schema.instances, _i.key == _m.instance_key).where(_m.operation_key == operation_key, not_(may[0]))
    if tx.connection.scalar(foreign):
        raise NotAllowed(f"Expected to be allowed to operate on every instance of this operation, but {tx.actor!r} may "
                         f"on some of them.")


def _decide(tx: Transaction, key: int, state: ApprovalState, reason: str, *, deployment: int | None = None) -> None:
    tx.rows.flush()
    tx.connection.execute(DECIDE, {"b_key": key, "b_state": state.value, "b_by": tx.actor, "b_at": tx.now,
                                   "b_decision": reason, "b_deployment": deployment})
    tx.connection.execute(FORGET, {"b_key": key})
    tx.announce(TOPIC)
