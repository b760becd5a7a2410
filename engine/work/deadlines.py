"""The time limits of jobs beside the lock: nobody takes one, or it takes too long altogether.

Three different things can be wrong with a job that is late, and an operator must be told which: no worker asks for
it (`pickup` of the service's contract), its worker gave no sign of life (the lock,
`engine.work.jobs.release_expired`), or all attempts together take too long (`total`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, bindparam, func, select

from engine import schema, services
from engine.states import JobState
from engine.work import holds, jobs

if TYPE_CHECKING:
    from engine.transaction import Transaction

_j = schema.jobs.c
_OPEN = _j.state.in_([JobState.CREATED.value, JobState.ACTIVATED.value])
_OVERDUE = (_j.give_up_at.is_not(None), _j.ended_at.is_(None), _OPEN, ~_j.suspended)

UNTAKEN = (
    select(_j.key)
    .where(_j.type == bindparam("type"), _j.state == JobState.CREATED.value, ~_j.suspended,
           _j.due_at <= bindparam("before"))
    .order_by(_j.key).limit(1000)
)
OVERDUE = select(_j.key).where(*_OVERDUE, _j.give_up_at <= bindparam("now")).order_by(_j.key).limit(1000)
NEXT = select(func.min(_j.give_up_at)).where(*_OVERDUE)


def give_up_untaken(tx: Transaction) -> int:
    """Open an incident for jobs that no worker took in time; those of services that are held may wait."""
    services.refresh(tx)
    count = 0
    for type, contract in services.known(tx).items():
        if contract.pickup is None or type in holds.current(tx):
            continue
        before = tx.now - contract.pickup
        for (key,) in tx.select(UNTAKEN, {"type": type, "before": before}):
            message = f"Expected a worker to take the job within {_words(contract.pickup)}, but none did."
            count += jobs.give_up(tx, key, partial(_is_untaken, before=before), message)
    return count


def give_up_overdue(tx: Transaction) -> int:
    """Open an incident for jobs whose time for all attempts is over. A worker that still has one is refused."""
    count = 0
    for (key,) in tx.select(OVERDUE, {"now": tx.now}):
        message = "Expected the service to succeed within the time that its contract gives to all attempts together, " \
                  "but it did not."
        count += jobs.give_up(tx, key, partial(_is_overdue, now=tx.now), message)
    return count


def _is_untaken(job: RowMapping, *, before: datetime) -> bool:
    return job["state"] == JobState.CREATED and bool(job["due_at"] <= before)


def _is_overdue(job: RowMapping, *, now: datetime) -> bool:
    return job["give_up_at"] is not None and bool(job["give_up_at"] <= now)


def _words(length: timedelta) -> str:
    return f"{length.total_seconds():g} s"
