"""Incidents: a token that cannot go on by itself, until somebody mends the cause and resolves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, bindparam, select, update

from bpmn.interpreter import TokenNotFound, journal
from engine import audit, fingerprints, guard, schema, states, values
from engine.actions import Retry
from engine.errors import NotFound, WrongState
from engine.live import Live, with_instance
from engine.rows import AnyRow
from engine.states import EffectState, IncidentState, JobState
from engine.work import jobs

if TYPE_CHECKING:
    from engine.transaction import Transaction

_n = schema.incidents.c
_e = schema.element_instances.c

UNCARED = dict.fromkeys(("acknowledged_at", "acknowledged_by", "assignee", "snoozed_until", "ticket"))
"""The columns of `engine.care`, of an incident that nobody has looked at."""
BY_KEY = with_instance(schema.incidents)
JOB = select(schema.jobs).where(schema.jobs.c.key == bindparam("key"))
OPEN = select(_n.key).where(_n.instance_key == bindparam("instance_key"), _n.state == IncidentState.ACTIVE.value)
CLOSE = (
    update(schema.incidents)
    .where(_n.element_instance_key == bindparam("b_token"), _n.state == IncidentState.ACTIVE.value)
    .values(state=IncidentState.RESOLVED.value, resolved_at=bindparam("b_now"))
)
MARK = (
    update(schema.element_instances).where(_e.key == bindparam("b_token"))
    .values(incident_key=bindparam("b_incident"))
)


def open_for(tx: Transaction, live: Live, entry: journal.Failed) -> None:
    """Open an incident at a token."""
    key, job_key = tx.key(), tx.failed_jobs.get(entry.key)
    message = told(tx, live, values.text(entry.message) or "", entry.key)
    tx.rows.insert(schema.incidents, {
        "key": key, "instance_key": live.key, "element_instance_key": entry.key,
        "job_key": job_key, "definition_key": live.definition.key,
        "process_id": live.definition.process_id, "element_id": entry.element.id, "tenant_id": live.tenant_id,
        "type": entry.type, "message": message, "state": IncidentState.ACTIVE, "created_at": tx.now,
        "resolved_at": None, "fingerprint": fingerprints.of(_service(tx, job_key), entry.type, message),
        **UNCARED,
    })
    _mark(tx, entry.key, key)
    live.incidents_changed = True
    tx.count("incidents", live.definition.process_id, entry.type)
    tx.log("incident opened", live, element_id=entry.element.id, incident_key=key, type=entry.type, reason=message)


def told(tx: Transaction, live: Live, text: str, token: int | None = None) -> str:
    """What may be told of what an expression says, which names what it was given: without what is hidden of that."""
    try:
        seen = live.run.variables(token)
    except TokenNotFound:
        seen = live.run.variables()
    return tx.engine.masking.without(text, seen)


def _service(tx: Transaction, job_key: int | None) -> str | None:
    """The service whose job failed."""
    if job_key is None:
        return None
    job = tx.first(JOB, {"key": job_key})
    return None if job is None else str(job.type)


def close_for(tx: Transaction, live: Live, token: int) -> None:
    """The incident of a token is over."""
    for row in tx.rows.all_unwritten(schema.incidents).values():
        if row["element_instance_key"] == token:
            row.update(state=IncidentState.RESOLVED, resolved_at=tx.now)
    # At once, not with the other writes: those follow the inserts, and the token may fail again in this transaction.
    tx.connection.execute(CLOSE, {"b_token": token, "b_now": tx.now})
    _mark(tx, token, None)
    live.incidents_changed = True


def _mark(tx: Transaction, token: int, incident: int | None) -> None:
    row = tx.rows.unwritten(schema.element_instances, token)
    if row is not None:
        row["incident_key"] = incident
    else:
        tx.rows.write(MARK, {"b_token": token, "b_incident": incident})


def resolve(tx: Transaction, key: int, *, retries: int | None = None, reason: str | None = None) -> None:
    """Do again what failed. If it fails again, a new incident is opened.

    A job goes back to the workers with `retries` attempts (by default as many as it has left, at least one).
    Audited. Raises NotFound, WrongState (resolved already, instance suspended or ended, or a call that must not be
    repeated is in doubt: see `engine.work.doubts`).
    """
    incident = get_open(tx, key)
    if incident["job_key"] is not None:
        job = tx.first(JOB, {"key": incident["job_key"]})
        if job is not None and is_doubtful(job):
            raise WrongState(
                f"Expected to know whether service {job.type!r} took effect before it is called again, but incident "
                f"{key} is in doubt: ask the service, repeat the call with the same key, or record the outcome."
            )
        if job is not None and job.state in (JobState.FAILED, JobState.ERROR_THROWN):
            jobs.put_back(tx, job.key, retries)
    audit.record(tx, "RESOLVE", "INCIDENT", key, instance_key=incident["instance_key"], reason=reason,
                 before={"state": IncidentState.ACTIVE, "element": incident["element_id"],
                         "message": incident["message"]},
                 after={"state": IncidentState.RESOLVED} | ({"retries": retries} if retries is not None else {}))
    go_on(tx, incident)


def get_open(tx: Transaction, key: int) -> RowMapping:
    """An incident that can be resolved, with its instance. Raises NotFound, WrongState."""
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find an incident with key {key}, but there is none.")
    incident = found._mapping
    states.move("incident", key, IncidentState(incident["state"]), IncidentState.RESOLVED)
    guard.running(incident)
    return incident


def open_of(tx: Transaction, instance_key: int) -> list[int]:
    """The keys of all open incidents of an instance, the oldest first."""
    return sorted(tx.connection.scalars(OPEN, {"instance_key": instance_key}))


def is_doubtful(job: AnyRow) -> bool:
    """Whether a failed job may have taken effect, and calling its service again could act twice."""
    return job.state == JobState.FAILED and job.effect == EffectState.IN_DOUBT and not job.repeatable


def go_on(tx: Transaction, incident: RowMapping) -> None:
    """Let the token of an incident try again."""
    tx.instance_rows[incident["instance_key"]] = incident
    tx.resume(incident["instance_key"], Retry(incident["element_instance_key"]))
