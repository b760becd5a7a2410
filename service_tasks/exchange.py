"""The commands with which a worker talks to the engine: answers, renewed locks and new jobs in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from engine import activation, effects, jobs
from engine.activation import ActivatedJob
from engine.errors import InvalidInput, Rejection
from engine.states import EffectState
from engine.transaction import Transaction
from service_tasks.outcome import Completed, Failed, Outcome, Returned, Thrown

Answer = tuple[ActivatedJob, Outcome]


@dataclass(frozen=True, slots=True)
class Want:
    """So many jobs of some types."""

    types: tuple[str, ...]
    count: int


@dataclass(slots=True)
class Exchanged:
    """What came of an exchange: new jobs, jobs whose answer came too late, jobs that others hold now, and jobs whose
    answer could not be written."""

    taken: list[ActivatedJob] = field(default_factory=list)
    refused: list[tuple[ActivatedJob, Rejection]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    unsaved: set[int] = field(default_factory=set)


def exchange(
    tx: Transaction,
    answers: Sequence[Answer],
    renewals: Sequence[ActivatedJob],
    wants: Sequence[Want],
    worker: str,
    lock: timedelta,
) -> Exchanged:
    """Report answers, renew locks and take new jobs. An answer that is refused does not hold up the others."""
    done = Exchanged()
    jobs.fetch(tx, [job.key for job, _ in answers])
    for job, outcome in answers:
        try:
            report(tx, job, outcome)
        except Rejection as error:
            done.refused.append((job, error))
            note_late(tx, job, outcome)
    for job in renewals:
        try:
            jobs.extend_lock(tx, job.key, lock, lock_token=job.lock_token)
        except Rejection:
            done.lost.append(job.key)
    for want in wants:
        done.taken += activation.activate(tx, want.types, worker, want.count, lock)
    return done


def report(tx: Transaction, job: ActivatedJob, outcome: Outcome) -> None:
    """Answer one job. Raises what the engine rejects: a worker that lost its lock is told so."""
    try:
        REPORTS[type(outcome)](tx, job, outcome)
    except InvalidInput as error:
        # The engine cannot store what the service gave: as bad a result as one against the contract.
        jobs.fail(tx, job.key, str(error), retries=0, effect=EffectState.IN_DOUBT, lock_token=job.lock_token)


def note_late(tx: Transaction, job: ActivatedJob, outcome: Outcome) -> None:
    """The process no longer wants the answer, but the effects ledger does."""
    match outcome:
        case Completed():
            effects.settle_late(tx, job.key, job.lock_token, EffectState.CONFIRMED, outcome.variables)
        case Thrown():
            effects.settle_late(tx, job.key, job.lock_token, EffectState.FAILED, outcome.variables)
        case Failed() if outcome.effect is not EffectState.IN_DOUBT:
            effects.settle_late(tx, job.key, job.lock_token, EffectState.FAILED)


def _complete(tx: Transaction, job: ActivatedJob, outcome: Completed) -> None:
    jobs.complete(tx, job.key, outcome.variables, lock_token=job.lock_token)


def _throw(tx: Transaction, job: ActivatedJob, outcome: Thrown) -> None:
    jobs.throw_error(
        tx, job.key, outcome.code, outcome.message, outcome.variables, lock_token=job.lock_token
    )


def _fail(tx: Transaction, job: ActivatedJob, outcome: Failed) -> None:
    jobs.fail(
        tx, job.key, outcome.message, retries=outcome.retries, retry_in=outcome.retry_in, effect=outcome.effect,
        lock_token=job.lock_token,
    )


def _return(tx: Transaction, job: ActivatedJob, outcome: Returned) -> None:
    message = "The worker stopped before it called the service."
    effect = EffectState.IN_DOUBT if outcome.in_doubt else EffectState.INTENDED
    jobs.fail(
        tx, job.key, message, retries=outcome.retries, retry_in=timedelta(0), effect=effect, lock_token=job.lock_token
    )


REPORTS: Mapping[type[Outcome], Callable[[Transaction, ActivatedJob, Any], None]] = {
    Completed: _complete,
    Thrown: _throw,
    Failed: _fail,
    Returned: _return,
}
