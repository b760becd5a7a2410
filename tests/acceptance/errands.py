"""A process that waits in every everyday way, and the people who keep it going over HTTP while nodes die.

`errand`: a service, a person, a message, a timer, a called process with a service of its own.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import func, select

from engine import schema
from engine.database import Database
from tests.acceptance.histories import FAIL, OK, Found, History
from tests.engine.drawing import (
    call,
    catch,
    end,
    file,
    message,
    message_of,
    process,
    service,
    start,
    timer,
    user,
)

EFFECTS = 2
"""How many services one errand calls."""


def files() -> list[tuple[str, bytes]]:
    """The diagrams."""
    errand = file(
        message_of("Paid", "paid", "=id"),
        process("errand", start(), service("ask", "work"), user("approve"), catch("paid", message("Paid")),
                catch("pause", timer("Duration", "PT0.2S")), call("deliver", "delivery"), end()),
        name="errand.bpmn")
    return [(errand.name, errand.content),
            ("delivery.bpmn", file(process("delivery", start(), service("bring", "work"), end())).content)]


class People:
    """Customers who start errands and pay them, and clerks who approve them. Who gets no answer asks again under the
    same key until there is one. `most`: how many errands are wanted."""

    def __init__(self, doors: list[str], history: History, most: int, *, customers: int = 2, clerks: int = 2) -> None:
        self.history, self.most, self.faults = history, most, list[str]()
        self._doors = itertools.cycle(doors)
        self._enough, self._over, self._guard = threading.Event(), threading.Event(), threading.Lock()
        self._numbers = itertools.count()
        self._threads = [
            *(threading.Thread(target=self._guarded, args=(self._order,)) for _ in range(customers)),
            *(threading.Thread(target=self._guarded, args=(functools.partial(self._approve, number, clerks),))
              for number in range(clerks))]

    def __enter__(self) -> People:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def started(self) -> int:
        """How many errands were acknowledged."""
        return len(self.history.of("start", OK))

    @property
    def answered(self) -> int:
        """How often somebody was told that something was done."""
        return sum(operation.outcome == OK for operation in list(self.history.operations))

    def enough(self) -> None:
        """No new errands; those that there are go on."""
        self._enough.set()

    def _guarded(self, act: Callable[[httpx.Client], None]) -> None:
        try:
            with httpx.Client(timeout=20) as client:
                act(client)
        except BaseException as broken:
            self.faults.append(repr(broken))
            raise

    def _order(self, client: httpx.Client) -> None:
        while not self._enough.is_set():
            with self._guard:
                number = next(self._numbers)
            if number >= self.most:
                return
            id = f"E-{number}"
            started = self._insist(client, "start", id, "/v2/process-instances",
                                   {"processDefinitionId": "errand", "variables": {"id": id}})
            paid = self._insist(client, "pay", id, "/v2/messages/publication", {
                "name": "paid", "correlationKey": id, "timeToLive": 3_600_000, "variables": {"receipt": id}})
            if started and paid:
                self._look(client, id, started["processInstanceKey"])

    def _approve(self, mine: int, clerks: int, client: httpx.Client) -> None:
        body = {"filter": {"state": "CREATED"}, "page": {"limit": 100}}
        while not self._over.is_set():
            answer = self._ask(client, "/v2/user-tasks/search", body, None)
            keys = [each["userTaskKey"] for each in answer.json()["items"]] if answer and answer.is_success else []
            for key in keys:
                if int(key) // 2 % clerks == mine and not self._over.is_set():
                    self._insist(client, "approve", key, f"/v2/user-tasks/{key}/completion",
                                 {"variables": {"approved": True}})
            self._over.wait(0.02 if keys else 0.2)

    def _insist(self, client: httpx.Client, kind: str, name: str, path: str, body: Any) -> Any:
        """Ask until there is an answer; what it says, None if there never was one."""
        while not self._over.is_set():
            with self.history.invoke(kind, name) as operation:
                answer = self._ask(client, path, body, f"{kind}-{name}")
                if answer is None or answer.status_code == 503:
                    said = None
                elif answer.is_success:
                    said = answer.json() if answer.content else {}
                    operation.outcome = OK
                    operation.value = said.get("processInstanceKey") or said.get("messageKey")
                else:
                    operation.outcome, said = FAIL, None
                    self.faults.append(f"{kind} {name}: {answer.status_code} {answer.text}")
            if operation.outcome in (OK, FAIL):
                return said
            self._over.wait(0.05)
        return None

    def _look(self, client: httpx.Client, id: str, key: str) -> None:
        try:
            seen = client.get(f"{self._door()}/v2/process-instances/{key}")
        except httpx.HTTPError:
            return
        if seen.is_success:
            self.history.observe(id, seen.json()["state"])
        elif seen.status_code != 503:
            self.faults.append(f"{id}: {seen.status_code} {seen.text}")

    def _ask(self, client: httpx.Client, path: str, body: Any, key: str | None) -> httpx.Response | None:
        try:
            return client.post(f"{self._door()}{path}", json=body, headers={"Idempotency-Key": key} if key else {})
        except httpx.HTTPError:
            return None

    def _door(self) -> str:
        with self._guard:
            return next(self._doors)


def open_ones(database: Database) -> tuple[int, int]:
    """How many errands and called instances have not ended, and how many elements have: it grows as things go on."""
    p, e = schema.instances.c, schema.element_instances.c
    with database.read() as connection:
        return (connection.scalar(select(func.count()).where(p.state == "ACTIVE")) or 0,
                connection.scalar(select(func.count()).where(e.state != "ACTIVE")) or 0)


def found(database: Database, book: list[str]) -> Found:
    """What the database and the service's own book say in the end. A message is kept for an hour after its delivery."""
    i, v, u = schema.instances.c, schema.variables.c, schema.user_tasks.c
    j, m = schema.jobs.c, schema.messages.c
    with database.read() as connection:
        states = connection.execute(select(v.value, i.state).join(schema.instances, i.key == v.instance_key).where(
            v.name == "id", v.scope_key == i.key, i.process_id == "errand")).fetchall()
        paid = connection.scalars(select(m.correlation_key).where(m.name == "paid")).all()
        approved = connection.scalars(select(u.key).where(u.state == "COMPLETED")).all()
        jobs = {key: str(job) for key, job in connection.execute(
            select(j.idempotency_key, j.key).where(j.state == "COMPLETED")).fetchall()}
    return Found(
        happened={"start": Counter(id for id, _ in states), "pay": Counter(str(key) for key in paid),
                  "approve": Counter(map(str, approved))},
        states=dict(map(tuple, states)),
        effects=Counter(jobs.get(key, f"of nobody: {key}") for key in book))
