"""One job in the hands of a worker, from its activation to its answer."""

from __future__ import annotations

import enum
import random
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.states import EffectState
from engine.telemetry import logs
from engine.work.activation import ActivatedJob
from service_tasks import outcome
from service_tasks.call import Call, child_span
from service_tasks.contract import ServiceContract
from service_tasks.errors import InDoubt
from service_tasks.outcome import Attempt, Failed, Outcome
from service_tasks.probing import DidNotHappen, Finding, Happened, Unclear
from service_tasks.threads import Threads


class Stage(enum.Enum):
    """How far a held job is."""

    WAITING = "waiting"  # for a thread
    CALLING = "calling"
    ANSWERED = "answered"


def about_job(job: ActivatedJob) -> AbstractContextManager[None]:
    """Log lines inside carry the ids of the job's instance and element."""
    return logs.about(job.instance_key, job.correlation_id, job.trace_parent, element_id=job.element_id,
                      job_key=job.key)


class Held:
    """A job and what is done with it. It goes forward only, and each step is taken by one thread alone."""

    def __init__(self, job: ActivatedJob, contract: ServiceContract) -> None:
        self.job = job
        self.contract = contract = contract.for_call(job.headers, job.variables)
        self.stage = Stage.WAITING
        self.renew_at = 0.0
        """When its lock is to be renewed, on the worker's clock."""
        self.give_up_at: float | None = None
        """When the worker stops waiting for the service; None before the call."""
        self.threads: Threads | None = None
        """Those of which one called a plain function."""
        self.took: float | None = None
        """How many seconds the function took, if it came back."""
        self.reports = 0
        """How often its answer was offered to the engine."""
        self.doubtful = job.in_doubt and not contract.policy.idempotent
        """An earlier call may have acted, and calling again might act twice: the service is asked first."""
        self.trial = False
        """A breaker let it through to see whether the service works again."""
        self.lost = False
        """Another worker has the job: its answer will be refused."""
        self._lock = threading.Lock()

    def begin(self, give_up_at: float) -> bool:
        """Take the step from waiting to calling; False if somebody else took the job on."""
        with self._lock:
            if self.stage is not Stage.WAITING:
                return False
            self.stage = Stage.CALLING
            self.give_up_at = give_up_at
            return True

    def answer(self, *, only_from: Stage | None = None) -> bool:
        """Take the step to answered; False if there is an answer already (or it is not at `only_from`)."""
        with self._lock:
            if self.stage is Stage.ANSWERED or (only_from is not None and self.stage is not only_from):
                return False
            self.stage = Stage.ANSWERED
            return True

    def log_ids(self) -> AbstractContextManager[None]:
        """Lines that the service logs meanwhile say which instance and element they are about."""
        return about_job(self.job)

    def arguments(self) -> dict[str, Any]:
        """What the service function is called with. Raises GiveUp for missing or wrong variables."""
        given = outcome.arguments(self.contract, self.job.variables)
        if self.contract.takes_call:
            given["call"] = self._call()
        return given

    def ask(self) -> Any:
        """What the service's probe says (a coroutine if it is async): did the call before this one take effect?

        Raises InDoubt if it has none.
        """
        if self.contract.probe is None:
            why = self.job.error_message or "The worker that called it vanished."
            raise InDoubt(outcome.in_doubt(self.contract.name, why))
        given = self.arguments()
        given["call"] = self._call()
        return self.contract.probe(**{name: given[name] for name in self.contract.probe_inputs})

    def of_finding(self, finding: Finding) -> Outcome | None:
        """What the probe's answer means; None if the service is to be called. Raises InDoubt if it is unclear."""
        match finding:
            case Happened():
                return self.of_result(finding.result)
            case DidNotHappen():
                self.doubtful = False
                return None
            case Unclear():
                raise InDoubt(outcome.in_doubt(self.contract.name, finding.why))
        raise InDoubt(outcome.in_doubt(self.contract.name, f"Its probe gave {finding!r}."))

    def of_error(self, error: BaseException) -> Outcome:
        """What an exception of the service function, or of its probe, means for this job."""
        if self.doubtful and not isinstance(error, InDoubt):
            return outcome.of_probe_error(self.contract.policy, error, self._attempt())
        found = outcome.of_error(self.contract.policy, error, self._attempt())
        if self.job.in_doubt and self.contract.policy.idempotent and isinstance(found, Failed) \
                and found.effect is EffectState.INTENDED:
            # This attempt never left, but the one before may have acted.
            return replace(found, effect=EffectState.IN_DOUBT)
        return found

    def of_result(self, result: Any) -> Outcome:
        """What a result of the service function means for this job."""
        return outcome.of_result(self.contract, result)

    def _attempt(self) -> Attempt:
        elapsed = datetime.now(UTC) - self.job.created_at
        return Attempt(failures=self.job.attempt - 1, elapsed=max(elapsed, timedelta(0)), chance=random.random())

    def _call(self) -> Call:
        job, timeout = self.job, self.contract.policy.timeout
        return Call(
            service=self.contract.name, idempotency_key=job.idempotency_key, correlation_id=job.correlation_id,
            traceparent=child_span(job.trace_parent, job.correlation_id, job.key, job.attempt),
            attempt=job.attempt, job_key=job.key, instance_key=job.instance_key, element_id=job.element_id,
            business_id=job.business_id,
            deadline=datetime.now(UTC) + timeout, timeout=timeout.total_seconds(), task_headers=job.headers,
            definition_key=job.definition_key, retries=job.retries,
        )
