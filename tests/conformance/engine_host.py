"""Runs the micro diagrams on the whole engine: SQLite, commands, jobs, timers that fall due, messages.

With `reload` no instance is kept in memory: each is saved and loaded between any two transactions.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from engine import definitions, instances, messages, schema, signals
from engine import variables as variables_of
from engine.cluster import scheduler
from engine.engine import Engine
from engine.errors import NotFound
from engine.live import Cache
from engine.tasks import user_tasks
from engine.work import activation, jobs
from tests.conformance.micro_host import SCRIPT, BpmnError, Message, as_jobs

FOR_EVER = timedelta(days=365)


DECISION = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="g" name="g" namespace="t">
  <decision id="d" name="d"><literalExpression id="l"><text>1 + 1</text></literalExpression></decision></definitions>"""
"""The one decision that the micro diagrams call."""


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Instance:
    """One instance, as the drivers know it."""

    error = None

    def __init__(self, host: EngineHost, key: int) -> None:
        self.host, self.key = host, key

    @property
    def wf(self) -> Any:
        from SpiffWorkflow.util.task import TaskState

        tasks = [SimpleNamespace(task_spec=SimpleNamespace(name=row.element_id), state=TaskState.READY)
                 for row in self.host.rows(schema.user_tasks, instance_key=self.key, state="CREATED")]
        return SimpleNamespace(all_tasks=lambda: tasks, subprocesses={})


class EngineHost:
    """`h` of the micro drivers."""

    def __init__(self, url: str, reload: bool = False) -> None:
        self.clock = Clock()
        self.engine = Engine(url, clock=self.clock, synchronous="OFF")
        if reload:
            self.engine.cache = Cache(capacity=0)
        self.trace: list[Any] = []
        self.final: Any = None
        self.verbose = False
        self.mid: list[str] = []

    def rows(self, table: Any, **where: Any) -> list[Any]:
        statement = select(table).order_by(table.c.key)
        for name, value in where.items():
            statement = statement.where(table.c[name] == value)
        with self.engine.read() as connection:
            return list(connection.execute(statement))

    # -- what the drivers call
    def deploy(self, xml: str) -> None:
        resources = [definitions.Resource(name="micro.bpmn", content=as_jobs(xml))]
        if "calledDecision" in xml:
            resources.append(definitions.Resource(name="micro.dmn", content=DECISION))
        self.engine.execute(definitions.deploy, resources)

    def start(self, process_id: str, **variables: Any) -> Instance:
        started = self.engine.execute(instances.start, process_id, variables=variables)
        self.drain()
        return Instance(self, started.key)

    def start_timers(self) -> None:
        """They were armed when the process was deployed."""

    def deliver(self, event: Message) -> None:
        if event.kind == "SIGNAL":
            self.engine.execute(signals.broadcast, event.name, event.payload)
        else:
            waiting = self.rows(schema.subscriptions, kind="MESSAGE", name=event.name)
            waiting.sort(key=lambda row: row.instance_key is None)
            if not waiting:
                raise NotFound(f"nobody waits for {event.name}")
            if waiting[0].instance_key is not None:
                self.engine.execute(messages.correlate, event.name, instance_key=waiting[0].instance_key,
                                    variables=event.payload)
            else:
                self.engine.execute(messages.publish, event.name, None, event.payload)
        self.drain()

    def correlate(self, name: str, key: Any = None, **payload: Any) -> None:
        self.engine.execute(messages.publish, name, None if key is None else str(key), payload)
        self.drain()

    def complete_all(self, instance: Instance) -> None:
        for job in self.rows(schema.jobs, instance_key=instance.key, state="CREATED"):
            self.engine.execute(jobs.complete, job.key, {})
        self.drain()

    def set_vars(self, instance: Instance, **variables: Any) -> None:
        self.engine.execute(variables_of.set, instance.key, variables)
        self.drain()

    def wait(self, milliseconds: float, step: float = 1.0) -> None:
        end = self.clock.now + timedelta(milliseconds=milliseconds)
        while self.clock.now <= end:
            due = scheduler.next_due(self.engine)
            later = self.clock.now + timedelta(seconds=step)
            self.clock.now = end + timedelta(seconds=step) if due is None or due > end else max(later, due)
            while scheduler.run_once(self.engine):
                self.drain()
            self.drain()

    def state(self, instance: Instance) -> str:
        incidents = self.rows(schema.incidents, instance_key=instance.key, state="ACTIVE")
        if incidents:
            return "incident: " + "; ".join(row.message for row in incidents)
        [row] = self.rows(schema.instances, key=instance.key)
        if row.state != "ACTIVE":
            return "completed"
        open_elements = self.rows(schema.element_instances, instance_key=instance.key, state="ACTIVE")
        return "open: " + str([element.element_id for element in open_elements])

    @property
    def instances(self) -> list[Instance]:
        return [Instance(self, row.key) for row in self.rows(schema.instances)]

    @property
    def incidents(self) -> list[tuple[str, Exception]]:
        return [(row.process_id, Exception(row.message)) for row in self.rows(schema.incidents)]

    def route(self) -> None:
        """Messages are delivered as they are thrown."""

    def drain(self, instance: Instance | None = None) -> None:
        """Work on the script jobs, the oldest first, until there are none."""
        while True:
            types = {row.type for row in self.rows(schema.jobs, state="CREATED") if row.type.startswith(SCRIPT)}
            taken = self.engine.execute(activation.activate, types, "test", 1, FOR_EVER) if types else []
            if not taken:
                return
            self._run_script(taken[0])

    def _run_script(self, job: Any) -> None:
        code = base64.b32decode(job.type.removeprefix(SCRIPT)).decode()
        names: dict[str, Any] = {
            "log": lambda *values: self.trace.append(" ".join(str(v) for v in values)), "BpmnError": BpmnError}
        scope = dict(job.variables)
        try:
            exec(code, names, scope)
        except BpmnError as error:
            self.engine.execute(jobs.throw_error, job.key, error.code)
            return
        except Exception as error:
            self.engine.execute(jobs.fail, job.key, str(error), retries=0)
            return
        changed = {n: v for n, v in scope.items() if n not in job.variables or job.variables[n] != v}
        self.engine.execute(jobs.complete, job.key, changed)


def done(host: EngineHost, instance: Instance, name: str, **data: Any) -> None:
    """Complete the first open user task or job at the element `name`, of this instance or one that it called."""
    for task in host.rows(schema.user_tasks, element_id=name, state="CREATED"):
        if _root(host, task.instance_key) == _root(host, instance.key):
            host.engine.execute(user_tasks.complete, task.key, data)
            host.drain()
            return
    for job in host.rows(schema.jobs, element_id=name, state="CREATED"):
        if _root(host, job.instance_key) == _root(host, instance.key):
            host.engine.execute(jobs.complete, job.key, data)
            host.drain()
            return
    raise AssertionError(f"nothing open at {name}")


def _root(host: EngineHost, key: int) -> int:
    [row] = host.rows(schema.instances, key=key)
    return int(row.root_key)
