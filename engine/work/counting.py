"""Tells of the answers to jobs: those who count, and those who want events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping

from engine.events import noting
from engine.states import JobState

if TYPE_CHECKING:
    from engine.transaction import Transaction

OUTCOMES: Mapping[JobState, str] = {
    JobState.COMPLETED: "completed", JobState.ERROR_THROWN: "error", JobState.CREATED: "retried",
    JobState.FAILED: "failed",
}


def answered(tx: Transaction, job: RowMapping, state: JobState, message: str | None = None) -> None:
    """A job goes on to `state`; `message` is what its worker said.

    One that had failed is put back by an operator, which is no answer.
    """
    if job["state"] == JobState.FAILED:
        return
    if tx.engine.targets.now:
        noting.answered(tx, job, state)
    if tx.spans is not None:
        tx.spans.answered(tx, job, state, message)
    tx.count("jobs_answered", job["type"], OUTCOMES[state])
    if state is JobState.COMPLETED:
        tx.observe("job_duration_seconds", (tx.now - job["created_at"]).total_seconds(), job["type"])
