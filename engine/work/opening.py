"""Jobs that begin when a token reaches an element, and end when it leaves it otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, update

from bpmn.interpreter import journal
from engine import schema, services, values
from engine.actions import Fail
from engine.cluster.wakeup import jobs_topic
from engine.live import Live
from engine.rows import NewRow
from engine.states import JobState
from engine.tasks import user_tasks
from engine.work import effects, retrying

if TYPE_CHECKING:
    from engine.transaction import Transaction

_j = schema.jobs.c

CANCEL = (
    update(schema.jobs).where(_j.element_instance_key == bindparam("b_token"), _j.ended_at.is_(None))
    .values(state=JobState.CANCELED.value, changed_at=bindparam("b_now"), ended_at=bindparam("b_now"),
            locked_by=None, locked_until=None, effect=effects.ABANDONED)
)


def start_waiting(tx: Transaction, live: Live, entry: journal.JobOpened) -> None:
    """Create the job that an element waits for."""
    if entry.key in tx.reopened_jobs:
        return
    if len(entry.type) > values.LONGEST_NAME:
        message = f"Expected a job type of at most {values.LONGEST_NAME} characters, but it has {len(entry.type)}."
        tx.resume(live.key, Fail(entry.key, "EXTRACT_VALUE_ERROR", message, may_be_late=True))
        return
    like = (live.key, live.definition.key, entry.element.id, entry.type, entry.kind, entry.listener_event,
            entry.retries, entry.priority, id(entry.headers))
    begun = tx.begun_jobs.get(like)
    if begun is None:
        # With its entry, or other headers could be given the place of these.
        begun = tx.begun_jobs[like] = entry, _alike(tx, live, entry)
    row = {
        **begun[1], "key": tx.key(), "element_instance_key": entry.key, "suspended": live.suspended_at is not None,
        # Not the key: a service that two databases share must never take one's job for the other's.
        "idempotency_key": effects.new_idempotency_key(),
    }
    if entry.changes:
        row["headers"] = user_tasks.with_changes(entry.headers, entry.changes)
    tx.rows.insert(schema.jobs, row)
    tx.announce(jobs_topic(row["type"]))


def _alike(tx: Transaction, live: Live, entry: journal.JobOpened) -> NewRow:
    """What the jobs of an element have in common that begin in one transaction; there may be a thousand."""
    type = services.meant_by(tx, live, entry)
    contract = services.contract_of(tx, type)
    return {
        "instance_key": live.key, "definition_key": live.definition.key, "process_id": live.definition.process_id,
        "element_id": entry.element.id, "partition_key": live.partition_key, "tenant_id": live.tenant_id,
        "type": type, "kind": entry.kind, "listener_event": entry.listener_event,
        "state": JobState.CREATED, "priority": entry.priority, "attempt": 0,
        "retries": retrying.attempts(entry, contract), "headers": dict(entry.headers), "due_at": tx.now,
        "expected_by": tx.now + contract.expected if contract and contract.expected else None,
        "give_up_at": tx.now + contract.total if contract and contract.total else None,
        "locked_by": None, "locked_until": None, "lock_token": 0,
        "error_code": None, "error_message": None, **effects.INTENDED,
        "created_at": tx.now, "changed_at": tx.now, "ended_at": None,
    }


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Cancel the open job of a token; a job without retries stays, its incident is about it."""
    if token in tx.failed_jobs or token in tx.done_tokens:
        return
    # One that begins in this transaction, too: what is inserted is written before what is changed.
    tx.rows.write(CANCEL, {"b_token": token, "b_now": tx.now})
