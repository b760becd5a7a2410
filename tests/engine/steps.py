"""A small language for tests of the engine: what people, workers and operators do, and what is there afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from engine import definitions, incidents, instances, schema
from engine.definitions import Deployment
from engine.queries import instance, lists
from engine.queries.instance import InstanceDetail
from engine.tasks import user_tasks
from engine.work import activation, jobs
from engine.work.activation import ActivatedJob
from tests.engine import drawing


class Steps:
    def __init__(self, engine) -> None:
        self.engine = engine

    def deploy(self, *parts: str, name: str = "test.bpmn") -> Deployment:
        return self.engine.execute(definitions.deploy, [drawing.file(*parts, name=name)])

    def deploy7(self, *parts: str, name: str = "test.bpmn") -> Deployment:
        """Deploy what is drawn for Camunda 7."""
        return self.engine.execute(definitions.deploy, [drawing.file7(*parts, name=name)])

    def start(self, process_id: str, variables: dict[str, Any] | None = None, **more: Any) -> int:
        return self.engine.execute(instances.start, process_id, variables=variables, **more).key

    def take(self, type: str | None = None, *, worker: str = "worker", max_jobs: int = 1,
             lock: timedelta = timedelta(seconds=30)) -> list[ActivatedJob]:
        types = [type] if type else None
        return self.engine.execute(activation.activate, types, worker, max_jobs, lock)

    def do(self, type: str, variables: dict[str, Any] | None = None) -> None:
        [job] = self.take(type)
        self.engine.execute(jobs.complete, job.key, variables, lock_token=job.lock_token)

    def task(self) -> int:
        [task] = lists.user_tasks(self.engine).items
        return task.key

    def finish(self, variables: dict[str, Any] | None = None) -> None:
        self.engine.execute(user_tasks.complete, self.task(), variables)

    def resolve(self, **more: Any) -> None:
        [incident] = lists.incidents(self.engine).items
        self.engine.execute(incidents.resolve, incident.key, **more)

    def detail(self, key: int) -> InstanceDetail:
        return instance.detail(self.engine, key)

    def state(self, key: int) -> str:
        return instance.get(self.engine, key).state

    def variables(self, key: int) -> dict[str, Any]:
        return instance.variables(self.engine, key)

    def at(self, key: int) -> list[str]:
        """The elements at which tokens are."""
        return sorted(count.element_id for count in self.detail(key).tokens)

    def history(self, key: int) -> list[str]:
        """The elements in the order in which they began."""
        return [element.element_id for element in self.detail(key).elements]

    def left_behind(self) -> dict[str, int]:
        """What is open in the whole database."""
        _j, _u = schema.jobs.c, schema.user_tasks.c
        open_rows = {
            "jobs": select(func.count()).select_from(schema.jobs).where(_j.ended_at.is_(None)),
            "user_tasks": select(func.count()).select_from(schema.user_tasks).where(_u.ended_at.is_(None)),
            "timers": select(func.count()).select_from(schema.timers).where(schema.timers.c.instance_key.is_not(None)),
            "subscriptions": select(func.count()).select_from(schema.subscriptions)
            .where(schema.subscriptions.c.instance_key.is_not(None)),
            "incidents": select(func.count()).select_from(schema.incidents)
            .where(schema.incidents.c.state == "ACTIVE"),
            "element_instances": select(func.count()).select_from(schema.element_instances)
            .where(schema.element_instances.c.state == "ACTIVE"),
            "deferred": select(func.count()).select_from(schema.deferred),
        }
        with self.engine.read() as connection:
            counts = {name: connection.scalar(statement) for name, statement in open_rows.items()}
        return {name: count for name, count in counts.items() if count}
