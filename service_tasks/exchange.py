"""The commands with which a worker talks to the engine: answers, renewed locks and new jobs in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from engine.errors import InvalidInput, Rejection
from engine.states import EffectState
from engine.transaction import Transaction
from engine.work import activation, effects, holds, jobs
from engine.work.activation import ActivatedJob
from service_tasks.breaker import Breaker
from service_tasks.outcome import Completed, Failed, Outcome, Returned, Thrown
from service_tasks.retry import as_timedelta

Answer = tuple[ActivatedJob, Outcome]


@dataclass(frozen=True, slots=True)
class Want:
    """So many jobs of some types, and of what they see what is in `variables` (None: everything)."""

    types: tuple[str, ...]
    count: int
    variables: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Wants:
    """What a worker has room for: so many jobs altogether, and of some types no more than each of `each` says."""

    each: Sequence[Want] = ()
    room: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """A service fails too often: its breaker is to open."""

    service: str
    reason: str
    breaker: Breaker


@dataclass(slots=True)
class Exchanged:
    """What came of an exchange: new jobs (those in `trials` are let through by a breaker to see whether the service
    works), jobs whose answer came too late, jobs whose lock was renewed, jobs that others hold now, and jobs whose
    answer could not be written. `untold` are breakers that are still to be turned. `held` are the services that are
    held; None if nobody looked."""

    taken: list[ActivatedJob] = field(default_factory=list)
    refused: list[tuple[ActivatedJob, Rejection]] = field(default_factory=list)
    renewed: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    unsaved: set[int] = field(default_factory=set)
    untold: list[Trip | str] = field(default_factory=list)
    trials: set[int] = field(default_factory=set)
    held: frozenset[str] | None = None


def exchange(
    tx: Transaction,
    answers: Sequence[Answer],
    renewals: Sequence[ActivatedJob],
    wants: Wants,
    worker: str,
    lock: timedelta,
    breakers: Sequence[Trip | str] = (),
    others_after: timedelta | None = None,
) -> Exchanged:
    """Report answers, renew locks and take new jobs. An answer that is refused does not hold up the others.

    `breakers` are those to open, and the names of the services that work again; `others_after`: how long jobs that
    other processes made are left to them.
    """
    done = Exchanged()
    for each in breakers:
        _turn(tx, each)
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
        else:
            done.renewed.append(job.key)
    for want in wants.each:
        # What one of them left is there for the next: most services have no jobs most of the time.
        count = min(want.count, wants.room - len(done.taken))
        if count > 0:
            done.taken += activation.activate(tx, want.types, worker, count, lock, variables=want.variables,
                                              partitions=tx.engine.partitions, others_after=others_after)
    if wants.each:
        _try(tx, done, {type for want in wants.each for type in want.types}, worker, lock)
        done.held = frozenset(holds.current(tx))
    return done


def _turn(tx: Transaction, breaker: Trip | str) -> None:
    if isinstance(breaker, str):
        holds.close_breaker(tx, breaker)
    else:
        rest, longest = as_timedelta(breaker.breaker.rest), as_timedelta(breaker.breaker.longest)
        holds.open_breaker(tx, breaker.service, breaker.reason, rest, longest)


def _try(tx: Transaction, done: Exchanged, types: Collection[str], worker: str, lock: timedelta) -> None:
    """Take one job of each service whose breaker lets one through now."""
    for hold in holds.current(tx).values():
        if hold.service not in types or hold.trial_at is None or hold.trial_at > tx.now:
            continue
        if holds.claim_trial(tx, hold.service, tx.now + lock):
            taken = activation.activate(tx, (hold.service,), worker, 1, lock, held_too=True,
                                        partitions=tx.engine.partitions)
            done.taken += taken
            done.trials.update(job.key for job in taken)
            if not taken:
                holds.forgo_trial(tx, hold.service)


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
            effects.settle_late(tx, job.key, job.lock_token, outcome.effect, outcome.variables)
        case Failed() if outcome.effect is not EffectState.IN_DOUBT:
            effects.settle_late(tx, job.key, job.lock_token, EffectState.FAILED)


def _complete(tx: Transaction, job: ActivatedJob, outcome: Completed) -> None:
    jobs.complete(tx, job.key, outcome.variables, lock_token=job.lock_token)


def _throw(tx: Transaction, job: ActivatedJob, outcome: Thrown) -> None:
    jobs.throw_error(
        tx, job.key, outcome.code, outcome.message, outcome.variables, effect=outcome.effect,
        lock_token=job.lock_token,
    )


def _fail(tx: Transaction, job: ActivatedJob, outcome: Failed) -> None:
    retry_in, otherwise = (None, outcome.retry_in) if outcome.by_contract else (outcome.retry_in, None)
    jobs.fail(
        tx, job.key, outcome.message, retries=outcome.retries, retry_in=retry_in, otherwise=otherwise,
        at_least=outcome.at_least, effect=outcome.effect,
        variables=outcome.variables, lock_token=job.lock_token,
    )


def _return(tx: Transaction, job: ActivatedJob, outcome: Returned) -> None:
    message = "The worker gave the job back before it called the service."
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
