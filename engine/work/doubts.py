"""What an operator does about a call that may have taken effect and must not be made twice: exactly three things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, update

from engine import audit, guard, incidents, schema
from engine.errors import WrongState
from engine.rows import AnyRow
from engine.states import EffectState, JobState
from engine.work import jobs

if TYPE_CHECKING:
    from engine.transaction import Transaction

_j = schema.jobs.c

EVIDENCE = update(schema.jobs).where(_j.key == bindparam("b_key")).values(evidence=bindparam("b_evidence"))


def ask(tx: Transaction, incident_key: int, reason: str) -> None:
    """Let a worker ask the service (its contract's `probe`) whether the call took effect; it goes on from there.

    Audited. Raises NotFound, InvalidInput (no reason), WrongState (not in doubt, or the service cannot be asked).
    """
    why = guard.reason_given(reason, "ask a service about a call in doubt")
    incident, job = _in_doubt(tx, incident_key)
    if not job.askable:
        raise WrongState(
            f"Expected a service that can be asked whether a call took effect, but {job.type!r} has no probe in its "
            f"contract: find out otherwise and record the outcome."
        )
    jobs.put_back(tx, job.key, doubtful=True)
    _record(tx, "ASK_SERVICE", incident, job, why)
    incidents.go_on(tx, incident)


def repeat(tx: Transaction, incident_key: int, reason: str) -> None:
    """Let the service be called again, with the same idempotency key: somebody answers for it that this does no harm.

    Audited. Raises NotFound, InvalidInput (no reason), WrongState.
    """
    why = guard.reason_given(reason, "repeat a call in doubt")
    incident, job = _in_doubt(tx, incident_key)
    jobs.put_back(tx, job.key)
    _record(tx, "REPEAT_CALL", incident, job, why)
    incidents.go_on(tx, incident)


def record(tx: Transaction, incident_key: int, *, happened: bool, evidence: str,
           variables: Mapping[str, Any] | None = None) -> None:
    """Write down what somebody found out. `evidence` says how it is known and stays in the ledger.

    If the call took effect, the job is completed with `variables`, what the service would have given; if it did not,
    the service is called again with the same key. Audited. Raises NotFound, InvalidInput (no evidence), WrongState.
    """
    why = guard.reason_given(evidence, "record the outcome of a call")
    incident, job = _in_doubt(tx, incident_key)
    jobs.put_back(tx, job.key, effect=EffectState.INTENDED)
    tx.rows.write(EVIDENCE, {"b_key": job.key, "b_evidence": why})
    _record(tx, "RECORD_OUTCOME", incident, job, why, happened=happened)
    incidents.go_on(tx, incident)
    if happened:
        jobs.complete(tx, job.key, variables)


def _in_doubt(tx: Transaction, incident_key: int) -> tuple[RowMapping, AnyRow]:
    incident = incidents.get_open(tx, incident_key)
    job = tx.first(incidents.JOB, {"key": incident["job_key"]}) if incident["job_key"] is not None else None
    if job is None or not incidents.is_doubtful(job):
        raise WrongState(
            f"Expected incident {incident_key} to be about a call in doubt, but it is not: resolve it instead."
        )
    return incident, job


def _record(tx: Transaction, operation: str, incident: RowMapping, job: AnyRow, why: str, **more: Any) -> None:
    audit.record(tx, operation, "EFFECT", job.key, instance_key=incident["instance_key"], reason=why,
                 details={"service": job.type, "idempotencyKey": job.idempotency_key}, before={
                     "job": job.state, "effect": job.effect}, after={"job": JobState.CREATED, **more})
