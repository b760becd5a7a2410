"""Everybody who works with one process instance: workers, people, senders, clocks, operators.

They look at what is open and do the next thing, always in the same order, until the instance has ended. Whoever dies
on the way can be replaced by somebody who knows nothing of what was done before.

What a scenario's answers say, by job type, user task or event:
`variables`: the result; `error`: a BPMN error with this code; `fails_until`: fail as long as more retries are left;
`gives_up`: fail without retries, once an operator has resolved the incident answer; `activates`: what the worker of
an ad-hoc sub-process has done, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from bpmn.interpreter import Directions, Put, Take
from engine import definitions, incidents, instances, messages, schema, signals, timers, variables
from engine.definitions import Resource
from engine.engine import Engine
from engine.events import targets
from engine.operations import migration, modification
from engine.tasks import user_tasks
from engine.work import activation, doubts, holds, jobs
from engine.work.activation import ActivatedJob
from engine.work.filters import JobFilter
from tests.scenarios.catalogue import Scenario

BASE = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
LOCK = timedelta(seconds=30)
E, J, U, T = schema.element_instances, schema.jobs, schema.user_tasks, schema.timers
S, N, P, V = schema.subscriptions, schema.incidents, schema.instances, schema.variables


class OfficeClock:
    """A clock that the office turns."""

    def __init__(self, now: datetime = BASE) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def not_before(self, time: datetime | None) -> None:
        """Go on to a time, if it is ahead."""
        if time is not None:
            self.now = max(self.now, time)


class Office:
    """Brings one instance to its end. `id` is its business id and the correlation key of all its messages.

    `call` is the service: it is asked with each job outside any transaction, and has its effect once per key.
    """

    def __init__(self, engine: Engine, clock: OfficeClock, id: str, scenario: Scenario, *,
                 call: Callable[[ActivatedJob], None] = lambda job: None) -> None:
        self.engine, self.clock, self.id, self.scenario, self.call = engine, clock, id, scenario, call

    def deploy(self) -> None:
        """Deploy the scenario; the same file twice is one version."""
        files = [Resource(name=name, content=content) for name, content in self.scenario.files]
        self.engine.execute(definitions.deploy, files)

    def listen(self) -> None:
        """Let events of every kind go to a target, unless they do."""
        if not self.engine.targets.now:
            self.engine.execute(targets.add, "all", "http://127.0.0.1:9/hook")
        self.clock.not_before(self.engine.targets.now[0].starts_at)

    def start(self, **more: Any) -> int:
        """Start the instance, unless it was started."""
        given = {**self.scenario.variables, "id": self.id}
        known = self.family()
        if known and any(act.startswith("MIGRATE") for act in self.scenario.acts.values()):
            return known[0]     # the key of a start is one of its process, and a migrated instance is in another
        return self.engine.execute(instances.start, "p", variables=given, start_key=self.id,
                                   business_id=self.id, **more).key

    def finish(self, most: int = 200) -> None:
        """Bring the instance to its end."""
        for _ in range(most):
            if not self.turn():
                break
        open_ones = [row.key for row in self.rows(P) if row.state == "ACTIVE"]
        assert open_ones == [], f"{self.id} does not end: {self.at()}"

    def turn(self) -> bool:
        """Do the next thing; False if there is nothing to do."""
        ways = (self._act, self._wake, self._take_on, self._release, self._fire, self._work, self._decide, self._send,
                self._resolve, self._wait)
        return any(way() for way in ways)

    # -- what there is
    def family(self) -> list[int]:
        """The instance and those it called."""
        wanted = select(P.c.key).where(P.c.business_id == self.id).order_by(P.c.key)
        with self.engine.read() as connection:
            return list(connection.scalars(wanted))

    def rows(self, table: Any, *conditions: Any) -> list[Any]:
        """Rows of the instance and those it called, in an order that does not depend on keys."""
        column = table.c.key if table is P else table.c.instance_key
        order = [table.c.element_id, table.c.key] if "element_id" in table.c else [table.c.key]
        family = select(P.c.key).where(P.c.business_id == self.id)
        with self.engine.read() as connection:
            return list(connection.execute(
                select(table).where(column.in_(family), *conditions).order_by(*order)).fetchall())

    def at(self) -> list[tuple[str, str]]:
        """Where its tokens are."""
        return [(row.element_id, row.type) for row in self.rows(E, E.c.state == "ACTIVE")]

    def _answer(self, name: str) -> Mapping[str, Any]:
        return self.scenario.answers.get(name, {})

    def _result(self, name: str) -> dict[str, Any]:
        return dict(self._answer(name).get("variables", {}))

    # -- what they do
    def _act(self) -> bool:
        """What an operator does, unless it was done."""
        done = {operation for _, operation, *_ in self._audit()}
        for element, _ in self.at():
            operation, _, place = self.scenario.acts.get(element, "").partition(" ")
            if operation and operation not in done:
                self._operate(operation, place, element)
                return True
        return False

    def _operate(self, operation: str, place: str, element: str) -> None:
        operator, why = self.engine.acting_as("operator"), "the customer called"
        [key] = [row.key for row in self.rows(P) if row.parent_key is None]
        if operation == "MODIFY":
            operator.execute(modification.modify, key, [Put(element=place)], [Take(element=element)], reason=why)
        elif operation == "MIGRATE":
            [target] = self.engine.execute(_definitions_of, place)
            operator.execute(migration.migrate, key, target, reason=why)
        else:
            operator.execute({"SUSPEND": instances.suspend, "CANCEL": instances.cancel}[operation], key, why)

    def _wake(self) -> bool:
        """Resume what is suspended."""
        for row in self.rows(P, P.c.state == "ACTIVE", P.c.suspended_at.is_not(None)):
            self.engine.acting_as("operator").execute(instances.resume, row.key, "it goes on")
            return True
        return False

    def _take_on(self) -> bool:
        """Take on an instance that was saved on the move."""
        left = [row.key for row in self.rows(P, P.c.steps > 0, P.c.suspended_at.is_(None))]
        self.engine.finish(left)
        return bool(left)

    def _release(self) -> bool:
        """Take back what a worker holds that is gone: this office waits for no answer when it looks."""
        held = self.rows(J, J.c.state == "ACTIVATED")
        if not held:
            return False
        self.clock.not_before(max(row.locked_until for row in held))
        return self.engine.execute(jobs.release_expired) > 0

    def _fire(self) -> bool:
        for row in self.rows(S, S.c.attached):
            if self._wanted(row.element_id):
                return self._reach(row)
        for row in self.rows(T, T.c.attached, ~T.c.suspended):
            if self._wanted(row.element_id):
                return self._ring(row)
        return False

    def _wanted(self, event: str) -> bool:
        """Whether an attached event is to happen once more."""
        return len(self.rows(E, E.c.element_id == event)) < self.scenario.fires.get(event, 0)

    def _work(self) -> bool:
        for row in self.rows(J, J.c.state == "CREATED", ~J.c.suspended):
            self.clock.not_before(row.due_at)
            taken = self.engine.execute(activation.activate, [row.type], "office", 1, LOCK,
                                        only=JobFilter(business_id=self.id))
            for job in taken:
                self._do(job)
            return bool(taken) or self._let_go(row.type)
        return False

    def _let_go(self, service: str) -> bool:
        """Release a service that is held."""
        if service not in [hold.service for hold in holds.all_of_them(self.engine)]:
            return False
        self.engine.acting_as("operator").execute(holds.release, service, "it works again")
        return True

    def _do(self, job: ActivatedJob) -> None:
        said = self._answer(job.type)
        held = {"lock_token": job.lock_token}
        if job.retries > said.get("fails_until", job.retries):
            self.engine.execute(jobs.fail, job.key, "Try again.", retry_in=timedelta(minutes=1), **held)
            return
        if said.get("gives_up") and not self.rows(N, N.c.job_key == job.key):
            self.engine.execute(jobs.fail, job.key, "It is broken.", retries=0, **held)
            return
        self.call(job)
        if "error" in said:
            self.engine.execute(jobs.throw_error, job.key, said["error"], "as told", **held)
        elif "activates" in said:
            done = self.rows(E, E.c.element_id.in_(said["activates"]))
            todo = [] if done else [(name, {}) for name in said["activates"]]
            over = all(row.state != "ACTIVE" for row in done) if done else False
            self.engine.execute(jobs.complete, job.key, answer=Directions(activate=todo, over=over), **held)
        else:
            self.engine.execute(jobs.complete, job.key, self._result(job.type), **held)

    def _decide(self) -> bool:
        for row in self.rows(U, U.c.state == "CREATED"):
            self.engine.acting_as("reviewer").execute(user_tasks.complete, row.key, self._result(row.element_id))
            return True
        return False

    def _send(self) -> bool:
        for row in self.rows(S, ~S.c.attached):
            return self._reach(row)
        return False

    def _reach(self, row: Any) -> bool:
        given = self._result(row.element_id)
        if row.kind == "MESSAGE":
            found = self.engine.execute(messages.publish, row.name, row.correlation_key, given)
            assert row.instance_key in found.instance_keys
        elif row.kind == "SIGNAL":
            self.engine.execute(signals.broadcast, row.name, given)
        else:
            self.engine.execute(variables.set, row.instance_key, given)
        return True

    def _resolve(self) -> bool:
        for row in self.rows(N, N.c.state == "ACTIVE"):
            given = self._result(row.element_id)
            operator = self.engine.acting_as("operator")
            if any(job.effect == "IN_DOUBT" for job in self.rows(J, J.c.key == row.job_key)):
                operator.execute(doubts.record, row.key, happened=True, evidence="a receipt", variables=given)
                return True
            if row.job_key is None and not given.items() <= self._known(row.instance_key).items():
                operator.execute(variables.set, row.instance_key, given)
            operator.execute(incidents.resolve, row.key, reason="mended")
            return True
        return False

    def _known(self, instance_key: int) -> dict[str, Any]:
        return {row.name: row.value for row in self.rows(V, V.c.scope_key == instance_key)}

    def _wait(self) -> bool:
        waiting = sorted(self.rows(T, ~T.c.attached, ~T.c.suspended), key=lambda row: row.due_at)
        return self._ring(waiting[0]) if waiting else False

    def _ring(self, row: Any) -> bool:
        # This timer alone, though others of the same database may be due by then.
        self.clock.not_before(row.due_at)
        return bool(self.engine.execute(timers.trigger, row.key, row.instance_key))

    # -- what came of it
    def outcome(self) -> dict[str, Any]:
        """State, variables, history, jobs, tasks, incidents, audit trail: without keys, times and numbers of tries."""
        family = self.family()
        top, places = set(family), {key: place for place, key in enumerate(family)}

        def listed(table: Any, *names: str, order: Callable[[Any], Any] | None = None) -> list[list[Any]]:
            rows = self.rows(table)
            return [[getattr(row, name) for name in names] for row in (sorted(rows, key=order) if order else rows)]

        return _plain({
            "instances": sorted(listed(P, "process_id", "version", "state", "end_reason", "incident_count")),
            "elements": [[row.element_id, row.type, row.state, row.flow_id] for row in sorted(
                self.rows(E), key=lambda row: (places[row.instance_key], row.position))],
            "variables": sorted([[row.name, row.scope_key in top, row.ended, row.value]
                                 for row in self.rows(V) if row.name != "id"], key=str),
            "jobs": sorted(listed(J, "element_id", "type", "state", "retries", "effect"), key=str),
            "tasks": sorted(listed(U, "element_id", "state")),
            "incidents": sorted(listed(N, "element_id", "type", "message", "state")),
            "audit": self._audit(),
            "outbox": self._outbox(),
            "open": {table.name: len(self.rows(table)) for table in (T, S, schema.deferred)},
        })

    def _outbox(self) -> list[list[Any]]:
        """What is told to whoever listens, in the order in which it is told of each instance."""
        family = self.family()
        rows = sorted(self.rows(schema.outbox), key=lambda row: (family.index(row.instance_key), row.position))
        return [[family.index(row.instance_key), row.type, row.body["data"].get("elementId")] for row in rows]

    def _audit(self) -> list[list[Any]]:
        a = schema.audit.c
        with self.engine.read() as connection:
            rows = connection.execute(select(a.actor, a.operation, a.entity, a.reason).where(
                a.instance_key.in_(self.family()))).fetchall()
        return sorted((list(row) for row in rows), key=str)


def _definitions_of(tx: Any, process_id: str) -> list[int]:
    d = schema.definitions.c
    return list(tx.connection.scalars(select(d.key).where(d.process_id == process_id)))


def last_moment(engine: Engine) -> datetime:
    """The latest time that the database tells of: a clock of a later life must not be behind it."""
    with engine.read() as connection:
        times = [connection.scalar(select(func.max(column))) for column in (
            E.c.started_at, E.c.ended_at, J.c.changed_at, P.c.started_at)]
    return max((time for time in times if time is not None), default=BASE)


def _plain(value: Any) -> Any:
    """As it would come back from JSON, so that outcomes can be stored and compared."""
    return json.loads(json.dumps(value, default=str))
