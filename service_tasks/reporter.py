"""Carries answers to the engine, and sees to it that one broken instance does not hold up the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from engine.engine import Engine
from engine.errors import Unavailable
from engine.work.activation import ActivatedJob
from service_tasks.exchange import Answer, Exchanged, Trip, Wants, exchange
from service_tasks.held import about_job
from service_tasks.outcome import Failed

logger = logging.getLogger(__name__)


class Reporter:
    """Runs the exchanges of one worker."""

    def __init__(self, engine: Engine, worker: str, lock: timedelta) -> None:
        self._engine = engine
        self._worker = worker
        self._lock = lock

    def exchange(
        self, answers: Sequence[Answer], renewals: Sequence[ActivatedJob], wants: Wants,
        breakers: Sequence[Trip | str] = (), others_after: timedelta | None = None,
    ) -> Exchanged:
        """One exchange in one transaction; if that fails, each answer in a transaction of its own, and the rest of it
        is left to the next one.

        Raises what the engine raises when there is no answer to save.
        """
        answers = [self._discreet(answer) for answer in answers]
        try:
            return self._run(answers, renewals, wants, breakers, others_after)
        except Unavailable as error:
            if not answers:
                raise
            logger.warning("Expected to report %d answers, which are kept and offered again: %s", len(answers), error)
            return Exchanged(unsaved={job.key for job, _ in answers}, untold=list(breakers))
        except Exception:
            if not answers:
                raise
            logger.exception("Expected to report %d answers together, but it failed; trying one by one.", len(answers))
        done = Exchanged(untold=list(breakers))
        for answer in answers:
            self._report(answer, done)
        return done

    def _discreet(self, answer: Answer) -> Answer:
        """The answer, without what is hidden of the variables that the service was given (`engine.masking`)."""
        job, outcome = answer
        if not isinstance(outcome, Failed):
            return answer
        return job, replace(outcome, message=self._engine.masking.without(outcome.message, job.variables))

    def _report(self, answer: Answer, done: Exchanged) -> None:
        with about_job(answer[0]):
            self._report_alone(answer, done)

    def _report_alone(self, answer: Answer, done: Exchanged) -> None:
        try:
            done.refused += self._run([answer], [], Wants()).refused
        except (Unavailable, DBAPIError):
            logger.exception("Expected to report job %d, but the database cannot be written.", answer[0].key)
            done.unsaved.add(answer[0].key)
        except Exception as error:
            logger.exception("Expected process instance %d to go on, but it failed.", answer[0].instance_key)
            self._report_broken(answer[0], error, done)

    def _report_broken(self, job: ActivatedJob, error: Exception, done: Exchanged) -> None:
        """An answer that the engine cannot digest is a bug of ours; the operator gets an incident at its instance."""
        failed = Failed(
            f"Expected the process to go on after service {job.type!r}, but it failed inside the engine: "
            f"{type(error).__name__}: {error}", retries=0,
        )
        try:
            self._run([(job, failed)], [], Wants())
        except Exception:
            logger.exception("Expected to report job %d as failed, but that failed too.", job.key)
            done.unsaved.add(job.key)

    def _run(
        self, answers: Sequence[Answer], renewals: Sequence[ActivatedJob], wants: Wants,
        breakers: Sequence[Trip | str] = (), others_after: timedelta | None = None,
    ) -> Exchanged:
        return self._engine.execute(exchange, answers, renewals, wants, self._worker, self._lock, breakers,
                                    others_after)
