"""What a stand-in may answer: variables, a BPMN error, a failed attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bpmn.interpreter import Directions
from engine.engine import Engine
from engine.states import EffectState
from engine.tasks.user_tasks import ListenerAnswer
from engine.work import jobs
from engine.work.activation import ActivatedJob


class BpmnError(Exception):
    """The business says no: an error with a code, for the diagram to catch (BPMN 2.0 §10.5.6)."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.variables: dict[str, Any] = dict(variables or {})


class Failure(Exception):
    """A technical failure: the attempt failed, and the job is tried again as the diagram says.

    `retries` is how many attempts are left (by default one less than before; 0 opens an incident at once), `retry_in`
    the pause before the next one. `in_doubt`: nobody knows whether the service acted.
    """

    def __init__(self, message: str, *, retries: int | None = None, retry_in: timedelta | None = None,
                 in_doubt: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retries = retries
        self.retry_in = retry_in
        self.in_doubt = in_doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a stubbed service, or one user task that a stand-in did.

    `number` counts all calls of the scratch engine, from 1; `variables` is everything that the element sees. `type` is
    the job type, for a user task the id of its element; `kind` is BPMN_ELEMENT, EXECUTION_LISTENER, TASK_LISTENER,
    AD_HOC_SUB_PROCESS or USER_TASK.
    """

    number: int
    type: str
    kind: str
    process_id: str
    element_id: str
    instance_key: int
    at: datetime
    variables: Mapping[str, Any]
    attempt: int = 1
    retries: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    listener_event: str | None = None
    idempotency_key: str = ""
    business_id: str | None = None


Reply = Mapping[str, Any] | ListenerAnswer | Directions | None
Answer = Reply | Exception | Callable[[Call], Reply]
"""What a stand-in answers: a reply, an exception to raise, or a function that does one of the two."""


def call_of(job: ActivatedJob, number: int, at: datetime) -> Call:
    """The call that an activated job is."""
    return Call(number=number, type=job.type, kind=job.kind, process_id=job.process_id, element_id=job.element_id,
                instance_key=job.instance_key, at=at, variables=job.variables, attempt=job.attempt,
                retries=job.retries, headers=job.headers, listener_event=job.listener_event,
                idempotency_key=job.idempotency_key, business_id=job.business_id)


def give(engine: Engine, job: ActivatedJob, call: Call, answer: Answer) -> None:
    """Answer a job. Raises what a function raises beside BpmnError and Failure, and TypeError for a reply that is no
    mapping; then the job is free again."""
    try:
        reply = replied(call, answer)
    except Failure as failure:
        effect = EffectState.IN_DOUBT if failure.in_doubt else EffectState.FAILED
        engine.execute(jobs.fail, job.key, failure.message, retries=failure.retries, retry_in=failure.retry_in,
                       effect=effect, lock_token=job.lock_token)
    except Exception as error:
        thrown = bpmn_error(error)
        if thrown is None:
            engine.execute(jobs.give_back, [job])
            raise
        engine.execute(jobs.throw_error, job.key, thrown.code, thrown.message, thrown.variables,
                       lock_token=job.lock_token)
    else:
        if isinstance(reply, (ListenerAnswer, Directions)):
            engine.execute(jobs.complete, job.key, answer=reply, lock_token=job.lock_token)
        else:
            engine.execute(jobs.complete, job.key, reply, lock_token=job.lock_token)


def replied(call: Call, answer: Answer) -> Reply:
    """The reply to a call. Raises the exception that the answer is, what a function raises, and TypeError."""
    if isinstance(answer, Exception):
        raise answer
    reply = answer(call) if callable(answer) else answer
    if reply is not None and not isinstance(reply, (Mapping, ListenerAnswer, Directions)):
        raise TypeError(f"Expected the stand-in for {call.type!r} to give variables (a mapping) or None, "
                        f"but it gave {reply!r}.")
    return reply


def bpmn_error(error: Exception) -> BpmnError | None:
    """The BPMN error that an exception is, None if it is none.

    That of `service_tasks` is one too: the engine must not know that package, but functions of real services raise it.
    """
    if isinstance(error, BpmnError):
        return error
    code = getattr(error, "code", None)
    if isinstance(code, str) and any(base.__name__ == "BpmnError" for base in type(error).__mro__):
        return BpmnError(code, getattr(error, "message", ""), getattr(error, "variables", None))
    return None
