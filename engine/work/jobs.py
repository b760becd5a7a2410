"""Jobs: work that an element hands to a worker.

A worker activates jobs (commit), does the work with no transaction open, and answers (commit). Its lock is fenced:
an answer that comes after another worker took the job is refused (`lock_token` grows with every activation).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, select, update

from bpmn.expressions import EvaluationError
from bpmn.interpreter import Directions
from bpmn.model import USER_TASK_JOB
from engine import ad_hoc, audit, guard, schema, services, states, values
from engine.actions import Complete, Fail, SetVariables, ThrowError
from engine.cluster.queue import Kind
from engine.cluster.wakeup import due_topic, jobs_topic
from engine.contracts import ANY_WORKER
from engine.errors import InvalidInput, NotFound, WrongState
from engine.live import locked_instances, with_instance
from engine.states import OPEN_JOB_STATES, EffectState, JobState
from engine.tasks import user_tasks
from engine.tasks.user_tasks import ListenerAnswer
from engine.work import counting, effects, failures, retrying
from engine.work.activation import ACTIVATE, ActivatedJob

if TYPE_CHECKING:
    from engine.transaction import Transaction

_j = schema.jobs.c

BY_KEY = with_instance(schema.jobs)
_UNASKED = {*effects.INTENDED, "due_at", "expected_by", "suspended", "idempotency_key", "ended_at"} - {"effect"}
"""What nobody asks of a job that is answered: by the thousand it is not free to be read."""
_OF_KEYS = _j.key.in_(bindparam("keys", expanding=True))
BY_KEYS = select(*[each for each in _j if each.name not in _UNASKED]).where(_OF_KEYS).order_by(_j.key).with_for_update()
INSTANCES_OF = locked_instances(select(_j.instance_key).where(_OF_KEYS))
ONE = update(schema.jobs).where(_j.key == bindparam("b_key"))
ANSWER = (
    update(schema.jobs).where(_j.key == bindparam("b_key"))
    .values(state=bindparam("b_state"), retries=bindparam("b_retries"), due_at=bindparam("b_due_at"),
            error_code=bindparam("b_error_code"), error_message=bindparam("b_error_message"),
            changed_at=bindparam("b_now"), ended_at=bindparam("b_ended_at"), locked_by=bindparam("b_worker"),
            locked_until=None, effect=bindparam("b_effect"), response_digest=bindparam("b_response"),
            settled_at=bindparam("b_settled_at"))
)
EXTEND = ONE.values(locked_until=bindparam("b_until"))
RETRIES = ONE.values(retries=bindparam("b_retries"), changed_at=bindparam("b_now"))
PRIORITY = ONE.values(priority=bindparam("b_priority"), changed_at=bindparam("b_now"))
GIVE_BACK = (
    update(schema.jobs)
    .where(_j.key == bindparam("b_key"), _j.lock_token == bindparam("b_lock_token"),
           _j.state == JobState.ACTIVATED.value)
    .values(state=JobState.CREATED.value, locked_by=None, locked_until=None, attempt=_j.attempt - 1,
            changed_at=bindparam("b_now"), effect=effects.UNSENT)
)
UNLOCK = (
    update(schema.jobs).where(_j.key == bindparam("b_key"), _j.state != JobState.FAILED.value)
    .values(state=JobState.CREATED.value, locked_by=None, locked_until=None, lock_token=_j.lock_token + 1,
            error_code=effects.LAPSED_CODE, effect=effects.LAPSED, changed_at=bindparam("b_now"))
)
RENEW = ONE.values(give_up_at=bindparam("b_until"))
EXPIRED = (
    select(_j.key, _j.type)
    .where(_j.state == JobState.ACTIVATED.value, _j.locked_until <= bindparam("now"))
    .limit(1000).with_for_update(skip_locked=True)
)
RELEASE = (
    # Whose lock it was stays known: as long as no other worker took the job, that one may still answer.
    update(schema.jobs).where(_j.key == bindparam("b_key"))
    .values(state=JobState.CREATED.value, locked_until=None, error_code=effects.LOCK_EXPIRED,
            error_message="The lock of its worker ran out before it answered.", effect=effects.LAPSED,
            changed_at=bindparam("b_now"))
)


def fetch(tx: Transaction, keys: Collection[int]) -> None:
    """Read and lock jobs that the same transaction is going to answer: one statement for all instead of one each.

    The instances are locked in the order of their keys, so that two transactions with many answers do not wait for
    each other; each is read once, however many of its jobs are answered.
    """
    if not keys:
        return
    wanted = {"keys": list(keys)}
    tx.instance_rows.update((row.instance_key, row._mapping) for row in tx.select(INSTANCES_OF, wanted))
    tx.fetched_jobs.update([(row[0], row._mapping) for row in tx.select(BY_KEYS, wanted)])     # the key comes first


def complete(tx: Transaction, key: int, variables: Mapping[str, Any] | None = None, *,
             local_variables: Mapping[str, Any] | None = None, answer: ListenerAnswer | Directions | None = None,
             lock_token: int | None = None, worker: str | None = None) -> None:
    """Finish a job and let its process instance go on.

    `local_variables` become local to the element, for its output mappings. `answer` is what a listener of a user task
    has to say to what is to happen to the task, or what the worker says that leads an ad-hoc sub-process.
    `lock_token` or `worker` say who answers. A worker may answer for a suspended instance; the answer is applied when
    it is resumed. Raises NotFound, WrongState (finished already, or another worker holds it), InvalidInput.
    """
    result, local = values.checked(variables), values.checked(local_variables)
    job = _answered(tx, key, lock_token, worker)
    denied, changes = user_tasks.listener_answered(job, answer) if isinstance(answer, ListenerAnswer) else (None, {})
    directions = ad_hoc.checked(tx, job, answer) if isinstance(answer, Directions) else None
    drawn = retrying.drawn(tx, job)
    if drawn is not None and drawn.errors and _is_declared_error(tx, job, result | local, None, job["retries"]):
        return
    _answer(tx, job, JobState.COMPLETED, EffectState.CONFIRMED, response=result | local)
    effects.link_compensation(tx, job)
    if job["type"] == USER_TASK_JOB and job["kind"] == "BPMN_ELEMENT":
        user_tasks.done_by_worker(tx, job)
    if local:
        tx.resume(job["instance_key"], SetVariables(job["element_instance_key"], local, local=True))
    tx.resume(job["instance_key"], Complete(
        token=job["element_instance_key"], variables=retrying.named_result(drawn, result), denied=denied,
        changes=changes, directions=directions))


def throw_error(tx: Transaction, key: int, code: str, message: str = "",
                variables: Mapping[str, Any] | None = None, *, effect: EffectState = EffectState.FAILED,
                lock_token: int | None = None, worker: str | None = None) -> None:
    """Answer a job with a BPMN error, which an error boundary event or event sub-process may catch.

    If nothing catches it, an incident is opened. `effect`: what is known. Raises NotFound, WrongState, InvalidInput.
    """
    if not code:
        raise InvalidInput("Expected an error code, but it is empty.")
    result = values.checked(variables)
    job = _answered(tx, key, lock_token, worker)
    _throw(tx, job, code, message, result, effect)


def fail(tx: Transaction, key: int, message: str, *, details: str | None = None, retries: int | None = None,
         retry_in: timedelta | None = None, otherwise: timedelta | None = None, at_least: timedelta = timedelta(),
         variables: Mapping[str, Any] | None = None,
         effect: EffectState = EffectState.FAILED, lock_token: int | None = None, worker: str | None = None) -> None:
    """Report that an attempt failed; `details` is what is too long for a message, such as a stack trace.

    `retries` is how many attempts are left; by default one less than before. While some are left, the job may be
    taken again after `retry_in`, by default after the wait that the diagram states or, where it states none, after
    `otherwise` (what the contract says), and not before `at_least`; with none left an incident is opened. `variables`
    become local to the element. `effect` is what is known of the attempt's effect: INTENDED tells that the service was
    not reached, IN_DOUBT that it may have acted. Raises NotFound, WrongState, InvalidInput.
    Sources: Camunda 8 docs, "Job workers", failing a job; see `engine.work.retrying` for what a diagram states.
    """
    if retries is not None and retries < 0:
        raise InvalidInput(f"Expected a number of retries of 0 or more, but it is {retries}.")
    result = values.checked(variables)
    job = _answered(tx, key, lock_token, worker)
    left = max(job["retries"] - 1, 0) if retries is None else retries
    if _is_declared_error(tx, job, result, message, left):
        return
    message = failures.record(tx, job, left, message, details)
    if result:
        tx.resume(job["instance_key"], SetVariables(job["element_instance_key"], result, local=True))
    if left == 0:
        _give_up(tx, job, "JOB_NO_RETRIES", message, effect)
        return
    wait = max(retrying.pause(tx, job, left, otherwise), at_least) if retry_in is None else retry_in
    doubtful = effects.IN_DOUBT if effect is EffectState.IN_DOUBT else None
    _answer(tx, job, JobState.CREATED, effect, retries=left, due_at=tx.now + wait, error_code=doubtful,
            error_message=message)
    if wait:
        tx.plan(Kind.RETRY, tx.now + wait, job["partition_key"], job["type"])
    else:
        tx.announce(jobs_topic(job["type"]))


def _give_up(tx: Transaction, job: RowMapping, incident_type: str, message: str, effect: EffectState) -> None:
    _answer(tx, job, JobState.FAILED, effect, retries=0, error_message=message)
    tx.failed_jobs[job["element_instance_key"]] = job["key"]
    if job["type"] == USER_TASK_JOB:
        tx.kept_tokens.add(job["element_instance_key"])
    tx.resume(job["instance_key"], Fail(job["element_instance_key"], incident_type, message))


def _throw(tx: Transaction, job: RowMapping, code: str, message: str, variables: Mapping[str, Any],
           effect: EffectState = EffectState.FAILED) -> None:
    token = job["element_instance_key"]
    _answer(tx, job, JobState.ERROR_THROWN, effect, error_code=code, error_message=message or None,
            response=variables)
    tx.failed_jobs[token] = job["key"]
    tx.resume(job["instance_key"], ThrowError(token, code, message, dict(variables)))


def _is_declared_error(tx: Transaction, job: RowMapping, variables: Mapping[str, Any], message: str | None,
                       retries: int) -> bool:
    """Whether the diagram takes the answer for a BPMN error, which is thrown then."""
    try:
        code = retrying.declared_error(tx, job, variables, message, retries)
    except EvaluationError as error:
        problem = f"Expected to tell whether the answer is an error, but {error}"
        _give_up(tx, job, "EXTRACT_VALUE_ERROR", problem, EffectState.IN_DOUBT)
        return True
    if code is not None:
        _throw(tx, job, code, message or "", variables)
    return code is not None


def extend_lock(tx: Transaction, key: int, lock: timedelta, *, lock_token: int | None = None,
                worker: str | None = None) -> datetime:
    """Keep a job longer: its lock now ends `lock` from now. Returns that time. Raises NotFound, WrongState."""
    job = _answered(tx, key, lock_token, worker)
    if job["state"] != JobState.ACTIVATED:
        raise WrongState(f"Expected job {key} to be locked, but it is {job['state'].lower()}.")
    until = tx.now + lock
    tx.rows.write(EXTEND, {"b_key": key, "b_until": until})
    tx.announce(due_topic(until))
    return until


def lock(tx: Transaction, key: int, worker: str, duration: timedelta) -> datetime:
    """Give one job to a worker, as if it had been handed out; audited. Returns when the lock ends.

    Raises NotFound, WrongState (it is over, has failed, is suspended, or another worker holds it), InvalidInput.
    """
    if not worker or duration <= timedelta():
        raise InvalidInput("Expected the name of a worker and a lock longer than nothing, but got less.")
    job = _get(tx, key)
    guard.running(tx.instance_rows[job["instance_key"]])
    held = job["state"] == JobState.ACTIVATED and job["locked_until"] > tx.now and job["locked_by"] != worker
    if held or job["state"] not in (JobState.CREATED, JobState.ACTIVATED):
        standing = f"worker {job['locked_by']!r} holds it" if held else f"it is {job['state'].lower()}"
        raise WrongState(f"Expected job {key} to be free, but {standing}.")
    until = tx.now + duration
    tx.rows.write(ACTIVATE, {
        "b_key": key, "b_worker": worker, "b_until": until, "b_lock_token": job["lock_token"] + 1,
        "b_attempt": job["attempt"] + 1, "b_now": tx.now,
        **effects.Sending(tx).of(job["type"], job["error_code"], job["headers"], None),
    })
    tx.announce(due_topic(until))
    _changed(tx, job, "LOCK", "locked_by", worker)
    return until


def unlock(tx: Transaction, key: int) -> None:
    """Take a job from its worker, so that others may have it; audited. The worker's answer will be refused.

    Raises NotFound, WrongState (it is over). A job that nobody holds stays as it is.
    """
    job = _get(tx, key, OPEN_JOB_STATES)
    tx.rows.write(UNLOCK, {"b_key": key, "b_now": tx.now})
    tx.announce(jobs_topic(job["type"]))
    _changed(tx, job, "UNLOCK", "locked_by", None)


def set_retries(tx: Transaction, key: int, retries: int) -> None:
    """Change how many attempts a job has left; audited. An open incident is not resolved by that."""
    if retries < 1:
        raise InvalidInput(f"Expected a number of retries of 1 or more, but it is {retries}.")
    job = _get(tx, key, OPEN_JOB_STATES)
    tx.rows.write(RETRIES, {"b_key": key, "b_retries": retries, "b_now": tx.now})
    _changed(tx, job, "SET_RETRIES", "retries", retries)


def set_priority(tx: Transaction, key: int, priority: int) -> None:
    """Change how urgent a job is; audited. Raises NotFound, WrongState (it is over)."""
    job = _get(tx, key, OPEN_JOB_STATES)
    tx.rows.write(PRIORITY, {"b_key": key, "b_priority": priority, "b_now": tx.now})
    _changed(tx, job, "SET_PRIORITY", "priority", priority)


def _changed(tx: Transaction, job: RowMapping, operation: str, name: str, value: int | str | None) -> None:
    audit.record(tx, operation, "JOB", job["key"], instance_key=job["instance_key"],
                 before={name: job[name]}, after={name: value})


def give_back(tx: Transaction, taken: Collection[ActivatedJob]) -> None:
    """Free jobs that never reached the worker they were locked for. What others hold by now is left alone."""
    for job in taken:
        tx.rows.write(GIVE_BACK, {"b_key": job.key, "b_lock_token": job.lock_token, "b_now": tx.now})
        tx.announce(jobs_topic(job.type))


def put_back(tx: Transaction, key: int, retries: int | None = None, *, effect: EffectState | None = None,
             doubtful: bool = False) -> None:
    """Give a failed job to the workers again, with the same idempotency key. The caller resolves its incident.

    `effect` is what is known of its effect by now, None for no more than before. `doubtful`: the worker is to ask the
    service whether the call took effect before it calls again.
    """
    job = _get(tx, key)
    states.move("job", key, JobState(job["state"]), JobState.CREATED)
    _answer(tx, job, JobState.CREATED, effect or EffectState(job["effect"]), retries=retries or max(job["retries"], 1),
            error_code=effects.IN_DOUBT if doubtful else None, error_message=job["error_message"])
    if job["give_up_at"] is not None:
        total = (services.contract_of(tx, job["type"]) or ANY_WORKER).total
        tx.rows.write(RENEW, {"b_key": key, "b_until": tx.now + total if total else None})
    tx.reopened_jobs.add(job["element_instance_key"])
    tx.announce(jobs_topic(job["type"]))


def give_up(tx: Transaction, key: int, is_late: Callable[[RowMapping], bool], message: str) -> bool:
    """Open an incident for a job that is late; False if it is not open any more, or not late by what its row says now.

    What a worker that is at work on it does is in doubt, and its answer will be refused.
    """
    # Who found it late had not locked it: it may have been taken, tried again or suspended since.
    job = _get(tx, key)
    if job["state"] not in (JobState.CREATED, JobState.ACTIVATED) or job["suspended"] or not is_late(job):
        return False
    at_work = job["state"] == JobState.ACTIVATED
    _give_up(tx, job, "JOB_NO_RETRIES", message, EffectState.IN_DOUBT if at_work else EffectState(job["effect"]))
    return True


def release_expired(tx: Transaction) -> int:
    """Give jobs whose lock ran out to other workers; returns how many."""
    expired = tx.select(EXPIRED, {"now": tx.now})
    for job in expired:
        tx.rows.write(RELEASE, {"b_key": job.key, "b_now": tx.now})
        tx.announce(jobs_topic(job.type))
    return len(expired)


def _get(tx: Transaction, key: int, states: Collection[str] = tuple(JobState)) -> RowMapping:
    job = tx.fetched_jobs.pop(key, None)
    if job is None:
        row = tx.first(BY_KEY, {"key": key})
        if row is None:
            raise NotFound(f"Expected to find a job with key {key}, but there is none.")
        job = row._mapping
        tx.instance_rows[job["instance_key"]] = job
    if job["state"] not in states:
        raise WrongState(f"Expected job {key} to be open, but it is {job['state'].lower()}.")
    return job


def _answered(tx: Transaction, key: int, lock_token: int | None, worker: str | None) -> RowMapping:
    """The job that a worker answers, after checking that it is still this worker's to answer."""
    job = _get(tx, key, (JobState.CREATED, JobState.ACTIVATED))
    guard.active(tx.instance_rows[job["instance_key"]])
    if lock_token is not None and lock_token != job["lock_token"]:
        raise WrongState(f"Expected to hold the lock of job {key}, but another worker took it since.")
    if worker is not None and job["locked_by"] != worker:
        holder = f"worker {job['locked_by']!r} does" if job["locked_by"] else "nobody does"
        raise WrongState(f"Expected worker {worker!r} to hold the lock of job {key}, but {holder}.")
    return job


def _answer(tx: Transaction, job: RowMapping, state: JobState, effect: EffectState, *, retries: int | None = None,
            due_at: datetime | None = None, error_code: str | None = None, error_message: str | None = None,
            response: Mapping[str, Any] | None = None) -> None:
    states.move("job", job["key"], JobState(job["state"]), state)
    over = state in (JobState.COMPLETED, JobState.ERROR_THROWN)
    counting.answered(tx, job, state, error_message)
    tx.rows.write(ANSWER, {
        "b_key": job["key"], "b_state": state, "b_retries": job["retries"] if retries is None else retries,
        "b_due_at": due_at or tx.now, "b_error_code": values.text(error_code),
        "b_error_message": values.text(error_message), "b_now": tx.now, "b_ended_at": tx.now if over else None,
        # Who ended it stays known: the worker that had it, or whoever answered what nobody had.
        "b_worker": values.text(job["locked_by"] or tx.actor) if over else None,
        **effects.settled(tx, effect, response),
    })
