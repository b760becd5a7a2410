"""Deeds about what failed: try it again, change how often it may be tried, decide a call in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from sqlalchemy import Connection, bindparam, select

from engine import incidents, schema, values
from engine.errors import WrongState
from engine.operations.deed import LONGEST_SHOWN, Deed, Done, Target, check_retries
from engine.rows import AnyRow
from engine.states import IncidentState
from engine.work import doubts, jobs

if TYPE_CHECKING:
    from engine.transaction import Transaction

_n, _j = schema.incidents.c, schema.jobs.c
FAILED = select(_n.key, _n.element_id, _n.message, _n.job_key, _n.type).where(
    _n.instance_key == bindparam("key"), _n.state == IncidentState.ACTIVE.value).order_by(_n.key)
OPEN_JOBS = select(schema.jobs).where(_j.instance_key == bindparam("key"), _j.ended_at.is_(None)).order_by(_j.key)
JOB = select(schema.jobs).where(_j.key == bindparam("key"))
DECISIONS: Mapping[str, str] = {
    "ASK": "A worker asks the service of {} whether the call took effect.",
    "REPEAT": "The service of {} is called once more, with the same idempotency key.",
    "HAPPENED": "The call of {} counts as made, and the process goes on with these results.",
    "NOT_HAPPENED": "The call of {} counts as not made, and the service is called.",
}
"""What can be decided about a call in doubt, in words."""


class Retry(Deed, frozen=True, tag="RETRY"):
    """Try again what failed: every open incident that is clear, or those of one element, or one `incident`."""

    retries: int | None = None
    element: str | None = None
    incident: int | None = None

    def check(self, tx: Transaction) -> None:
        check_retries(self.retries)

    def _meant(self, connection: Connection, key: int) -> tuple[list[AnyRow], list[AnyRow]]:
        """The incidents that are meant: those that can be tried again, and those in doubt."""
        clear: list[AnyRow] = []
        doubtful: list[AnyRow] = []
        for row in connection.execute(FAILED, {"key": key}).all():
            if self.element not in (None, row.element_id) or self.incident not in (None, row.key):
                continue
            job = connection.execute(JOB, {"key": row.job_key}).first() if row.job_key is not None else None
            (doubtful if job is not None and incidents.is_doubtful(job) else clear).append(row)
        return clear, doubtful

    def told(self, connection: Connection, target: Target) -> list[str]:
        clear, doubtful = self._meant(connection, target.key)
        said = [f"Tries again {target.names.get(row.element_id, row.element_id)}, which failed: "
                f"{row.message[:LONGEST_SHOWN]}" for row in clear[:5]]
        if len(clear) > 5:
            said.append(f"Tries again {len(clear) - 5} more elements that failed.")
        if doubtful:
            said.append(f"Leaves {len(doubtful)} calls in doubt: decide each at its incident.")
        return said

    def jobs(self, connection: Connection, target: Target) -> list[AnyRow]:
        clear, _ = self._meant(connection, target.key)
        found = [connection.execute(JOB, {"key": row.job_key}).first() for row in clear if row.job_key is not None]
        return [job for job in found if job is not None]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        tx.rows.flush()
        clear, doubtful = self._meant(tx.connection, key)
        if not clear and doubtful:
            raise WrongState("Expected something that can simply be tried again, but each failed call is in doubt: "
                             "decide it at its incident.")
        if not clear:
            raise WrongState("Expected something that failed, but there is no open incident.")
        for row in clear:
            incidents.resolve(tx, row.key, retries=self.retries, reason=reason)
        return Done(jobs=[row.job_key for row in clear if row.job_key is not None])


class SetRetries(Deed, frozen=True, tag="SET_RETRIES"):
    """Change how many attempts the open jobs of an instance have left; those of one service, or one `job`."""

    settles: ClassVar[bool] = True

    retries: int
    service: str | None = None
    job: int | None = None

    def check(self, tx: Transaction) -> None:
        check_retries(self.retries)

    def _meant(self, connection: Connection, key: int) -> list[AnyRow]:
        rows = connection.execute(OPEN_JOBS, {"key": key}).all()
        return [row for row in rows if self.service in (None, row.type) and self.job in (None, row.key)]

    def told(self, connection: Connection, target: Target) -> list[str]:
        return [f"{target.names.get(job.element_id, job.element_id)}: {job.retries} → {self.retries} attempts left."
                for job in self._meant(connection, target.key)[:10]]

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        tx.rows.flush()
        meant = self._meant(tx.connection, key)
        if not meant:
            what = "an open job"
            if self.job or self.service:
                what = f"job {self.job} to be open" if self.job else f"an open job of service {self.service!r}"
            raise WrongState(f"Expected {what}, but it is over, or there is none.")
        for job in meant:
            jobs.set_retries(tx, job.key, self.retries)
        return Done()


class Decide(Deed, frozen=True, tag="DECIDE"):
    """Decide a call in doubt: ask the service, repeat the call, or write down whether it took effect.

    `variables`: what the service would have given, if it did. The reason is the evidence.
    """

    incident: int
    decision: Literal["ASK", "REPEAT", "HAPPENED", "NOT_HAPPENED"]
    variables: dict[str, Any] = msgspec.field(default_factory=dict)

    def check(self, tx: Transaction) -> None:
        values.checked(self.variables)

    def _meant(self, connection: Connection, key: int) -> AnyRow | None:
        found = (row for row in connection.execute(FAILED, {"key": key}) if row.key == self.incident)
        return next(found, None)

    def told(self, connection: Connection, target: Target) -> list[str]:
        row = self._meant(connection, target.key)
        return [] if row is None else [DECISIONS[self.decision].format(target.names.get(row.element_id,
                                                                                       row.element_id))]

    def jobs(self, connection: Connection, target: Target) -> list[AnyRow]:
        row = self._meant(connection, target.key) if self.decision == "REPEAT" else None
        job = connection.execute(JOB, {"key": row.job_key}).first() if row is not None else None
        return [job] if job is not None else []

    def do(self, tx: Transaction, key: int, reason: str) -> Done:
        row = self._meant(tx.connection, key)
        if row is None:
            raise WrongState(f"Expected incident {self.incident} to be open in this instance, but it is not.")
        if self.decision == "ASK":
            doubts.ask(tx, self.incident, reason)
        elif self.decision == "REPEAT":
            doubts.repeat(tx, self.incident, reason)
        else:
            doubts.record(tx, self.incident, happened=self.decision == "HAPPENED", evidence=reason,
                          variables=self.variables)
        return Done(jobs=[row.job_key])
