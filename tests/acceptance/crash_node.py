"""A node of the order example that can be told when to die, in a process of its own.

Run as a program it is a warm mould: for each line of JSON on standard input it forks a child, which opens the engine
on the given database, starts the order unless that was done in an earlier life, lets scheduler and worker run until
the instance has ended, and says how many commits and service calls that took. Or dies on the way, as if killed.

Nothing in the product knows of this: commits and requests are counted from outside, at the database driver and at
the HTTP transport.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select as query

from engine import definitions, instances, schema
from engine.cluster.scheduler import Scheduler
from engine.cluster.wakeup import ended_topic
from engine.definitions import Resource
from engine.engine import Engine
from engine.tasks import user_tasks
from service_tasks import Registry
from service_tasks.checks import Catalogue
from service_tasks.worker import Worker
from tests import quick
from tests.acceptance.shop import DECLINED
from tests.examples.order import ORDER_EXAMPLE, diagram

LIFE = timedelta(minutes=10)
"""How far the clock goes between two lives: further than a lock of the dead worker lasts."""
PATIENCE = 30.0
"""Seconds that a life may take."""
KILLED = 9


class Death:
    """Dies just before or just after the commit or call of some number."""

    def __init__(self, at: str, number: int, when: str) -> None:
        self.at, self.number, self.when = at, number, when
        self.seen = {"commit": 0, "call": 0}
        self._changes: dict[int, int] = {}

    def watch(self, engine: Engine) -> None:
        """Count the commits of an engine that change something, and all HTTP requests of this process."""
        dialect = engine.database.engine.dialect
        commit, request = dialect.do_commit, httpx.HTTPTransport.handle_request

        def do_commit(connection: Any) -> None:
            changes = connection.total_changes
            idle = self._changes.get(id(connection.dbapi_connection), 0) == changes
            self._changes[id(connection.dbapi_connection)] = changes
            self._around("commit", lambda: commit(connection), counts=not idle)

        def handle_request(transport: Any, message: httpx.Request) -> httpx.Response:
            def ask() -> httpx.Response:
                response = request(transport, message)
                response.read()
                return response

            return self._around("call", ask)

        dialect.do_commit = do_commit
        httpx.HTTPTransport.handle_request = handle_request

    def _around(self, at: str, act: Any, counts: bool = True) -> Any:
        if not counts:
            return act()
        self.seen[at] += 1
        mine = (self.at, self.number) == (at, self.seen[at])
        if mine and self.when == "before":
            os._exit(KILLED)
        result = act()
        if mine:
            os._exit(KILLED)
        return result


def live(request: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """One life of a node: from opening the database to the end of the instance."""
    ahead = LIFE * request["life"]
    engine = Engine(request["url"], clock=lambda: datetime.now(UTC) + ahead, synchronous="OFF")
    death = Death(*request["death"])
    death.watch(engine)
    Catalogue(registry=registry, external_types=()).connect(engine)
    engine.execute(definitions.deploy, [Resource(name="order-fulfilment.bpmn", content=diagram())])
    variables = request["variables"]
    started = engine.execute(instances.start, "order-fulfilment", variables=variables, start_key=variables["orderId"])
    scheduler, worker = Scheduler(engine), Worker(engine, registry, threads=1)
    scheduler.start()
    worker.start()
    with engine.wakeup.listen([ended_topic(started.key), "user_tasks"]) as listener:
        while not _over(engine, started.key):
            _review(engine)
            listener.wait(1.0)
    worker.stop()
    scheduler.stop()
    engine.close()
    return death.seen


def _over(engine: Engine, key: int) -> bool:
    state = query(schema.instances.c.state).where(schema.instances.c.key == key)
    with engine.read() as connection:
        return bool(connection.scalar(state) != "ACTIVE")


def _review(engine: Engine) -> None:
    """Do what the person does who has an open task."""
    waiting = query(schema.user_tasks.c.key).where(schema.user_tasks.c.ended_at.is_(None))
    with engine.read() as connection:
        keys = connection.scalars(waiting).all()
    for key in keys:
        engine.acting_as("reviewer").execute(user_tasks.complete, key, {"approved": True, "comment": None})


def child(request: dict[str, Any], registry: Registry, answer: int) -> None:
    """Live in this process, which was forked for it, and leave nothing of it behind."""
    try:
        os.write(answer, json.dumps(live(request, registry)).encode())
        os._exit(0)
    except BaseException:
        os.write(answer, json.dumps({"error": traceback.format_exc()}).encode())
        os._exit(1)


def raise_child(request: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Fork a child and wait for its end; what it said, and how it ended."""
    mine, its = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(mine)
        child(request, registry, its)
    os.close(its)
    ready, _, _ = select.select([mine], [], [], PATIENCE)
    if not ready:
        os.kill(process, signal.SIGKILL)
    said = b"".join(iter(lambda: os.read(mine, 65536), b""))
    os.close(mine)
    _, status = os.waitpid(process, 0)
    return {"hung": not ready, "exit": os.waitstatus_to_exitcode(status), "said": json.loads(said) if said else {}}


def warm_up() -> None:
    """Compile here what each child would compile again: with a whole order."""
    registry = Registry()
    registry.load(str(ORDER_EXAMPLE / "clients.py"))
    request = httpx.HTTPTransport.handle_request
    with tempfile.TemporaryDirectory() as folder:
        live({"url": f"sqlite:///{folder}/warm.db", "variables": {**DECLINED, "orderId": "warm"}, "life": 0,
              "death": ("commit", 0, "before")}, registry)
    httpx.HTTPTransport.handle_request = request    # type: ignore[method-assign]


def main() -> None:
    """Serve requests until standard input ends."""
    quick.share()
    warm_up()
    quick.keep()
    registry = Registry()
    registry.load(str(ORDER_EXAMPLE / "clients.py"))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)    # what a node logs is no answer
    for line in sys.stdin:
        answers.write(json.dumps(raise_child(json.loads(line), registry)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
