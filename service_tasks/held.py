"""One job in the hands of a worker, from its activation to its answer."""

from __future__ import annotations

import enum
import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.activation import ActivatedJob
from service_tasks import outcome
from service_tasks.call import Call, child_span
from service_tasks.contract import ServiceContract
from service_tasks.errors import InDoubt
from service_tasks.outcome import Attempt, Outcome


class Stage(enum.Enum):
    """How far a held job is."""

    WAITING = "waiting"  # for a thread
    CALLING = "calling"
    ANSWERED = "answered"


class Held:
    """A job and what is done with it. It goes forward only, and each step is taken by one thread alone."""

    def __init__(self, job: ActivatedJob, contract: ServiceContract) -> None:
        self.job = job
        self.contract = contract
        self.stage = Stage.WAITING
        self.renew_at = 0.0
        """When its lock is to be renewed, on the worker's clock."""
        self.give_up_at: float | None = None
        """When the worker stops waiting for the service; None before the call."""
        self.reports = 0
        """How often its answer was offered to the engine."""
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

    def arguments(self) -> dict[str, Any]:
        """What the service function is called with. Raises GiveUp for missing or wrong variables."""
        given = outcome.arguments(self.contract, self.job.variables)
        if self.contract.takes_call:
            given["call"] = self._call()
        return given

    def check_repeatable(self) -> None:
        """Raises InDoubt if a worker vanished with this job and calling again might act twice."""
        if self.job.lock_expired and not self.contract.policy.idempotent:
            raise InDoubt(outcome.in_doubt(self.contract.name, "The worker that called it vanished."))

    def of_error(self, error: BaseException) -> Outcome:
        """What an exception of the service function means for this job."""
        return outcome.of_error(self.contract.policy, error, self._attempt())

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
            traceparent=child_span(job.trace_parent, job.correlation_id), attempt=job.attempt, job_key=job.key,
            instance_key=job.instance_key, element_id=job.element_id, business_id=job.business_id,
            deadline=datetime.now(UTC) + timeout, timeout=timeout.total_seconds(),
        )
