"""One, two and four processes on one database: what they start and end together in a second.

Each process is a client and a node at once: threads that start instances, and for the order example a worker with the
three services. What is measured begins when each of them has started some, and one looks for all whether enough is
under way: else more processes would be measured while they begin, and would look more often.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Barrier, Event
from typing import Any

from bench import databases, models, order_example
from bench.figures import Figure
from bench.models import Flavour
from engine import definitions, garbage, instances
from engine.engine import Engine
from service_tasks import Registry
from service_tasks.worker import Worker

GROUP = "Nodes on one database (started and ended, wall clock; client threads in the same processes)"
PROCESSES = (1, 2, 4)
CLIENTS = 4
"""Threads of a process that start instances, each one instance a transaction."""
AHEAD = 200
"""Instances under way for each process beyond which nobody starts more, so that what is started is also ended. Each
process brings as much as the others: were it the same for all of them together, more nodes would have less to do at
once, and would be measured at smaller transactions."""
LOOK = 0.02
WARM = 25
"""Instances that each thread starts before anything is measured: statements are compiled and prepared by then."""
RAMP = 2.0
"""Seconds from then on until as much is under way as is allowed."""
SECONDS = 6.0
ROUNDS = 2
"""The better one counts, as with everything that is measured here: other programs only ever take something away."""
GOALS = {"bench_order": "≥ 500", "order-fulfilment": "≥ 120"}
NOTHING_LOST = 0.9
"""Of the rate of half as many processes; below it something was lost, above it the machine is full."""


def measure() -> Iterator[Figure]:
    """For each database and process, how much so many processes get done."""
    for name in databases.NAMES:
        for process_id, content in (("bench_order", models.order(Flavour.CAMUNDA_8)),
                                    ("order-fulfilment", order_example.DIAGRAM.read_bytes())):
            yield from _rates(name, process_id, content)


def _rates(name: str, process_id: str, content: bytes) -> Iterator[Figure]:
    # In turns, so that what another program of the machine takes for a while does not meet all rounds of one.
    rounds = [[_rate(name, process_id, content, count) for count in PROCESSES] for _ in range(ROUNDS)]
    before: float | None = None
    for number, count in enumerate(PROCESSES):
        rate = max(each[number] for each in rounds)
        goal = GOALS[process_id] if count == 2 and name == databases.POSTGRESQL else ""
        if before is not None and not goal:
            goal = f"≥ {before * NOTHING_LOST:,.0f}"
        change = "" if before is None else f"{rate / before:.2f} × the rate of half as many"
        yield Figure(group=GROUP, name=f"{process_id}, {count} process{'es' if count > 1 else ''} ({name})",
                     unit="instances/s", partitur=rate, target=goal, note=change, more_is_better=True)
        before = rate
    if name == databases.POSTGRESQL:
        yield _apart(name, process_id, content)


def _rate(name: str, process_id: str, content: bytes, count: int) -> float:
    with databases.fresh(name) as engine:
        engine.execute(definitions.deploy, [definitions.Resource(name="bench.bpmn", content=content)])
        return _together([engine], process_id, count)


def _apart(name: str, process_id: str, content: bytes) -> Figure:
    """Two databases with a process each, as tenants are kept apart."""
    with databases.fresh(name) as one, databases.fresh(name) as other:
        for engine in (one, other):
            engine.execute(definitions.deploy, [definitions.Resource(name="bench.bpmn", content=content)])
        rate = _together([one, other], process_id, 2)
    return Figure(group=GROUP, name=f"{process_id}, 2 databases with a process each ({name})", unit="instances/s",
                  partitur=rate, note="both together, on one server", more_is_better=True)


def _together(engines: Sequence[Engine], process_id: str, count: int) -> float:
    """Instances ended in a second by so many processes, which take the databases in turns."""
    context = multiprocessing.get_context("spawn")
    barrier, room = context.Barrier(count + 1), context.Event()
    room.set()
    urls = [engine.database.engine.url.render_as_string(hide_password=False) for engine in engines]
    processes = [
        context.Process(target=serve, args=(urls[number % len(urls)], process_id, barrier, room), daemon=True)
        for number in range(count)
    ]
    for process in processes:
        process.start()
    try:
        barrier.wait(120)
        _give_room(engines, room, RAMP, count * AHEAD)
        began, first = time.perf_counter(), _ended(engines, process_id)
        _give_room(engines, room, SECONDS, count * AHEAD)
        taken, ended = time.perf_counter() - began, _ended(engines, process_id) - first
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
    return ended / taken


def _give_room(engines: Sequence[Engine], room: Event, seconds: float, most: int) -> None:
    """For so long, let instances be started while fewer than so many are under way."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        if _under_way(engines) < most:
            room.set()
        else:
            room.clear()
        time.sleep(LOOK)


def _ended(engines: Sequence[Engine], process_id: str) -> int:
    return _count(engines, f"SELECT count(*) FROM instances WHERE process_id = '{process_id}' AND state = 'COMPLETED'")


def _count(engines: Sequence[Engine], statement: str) -> int:
    total = 0
    for engine in engines:
        with engine.read() as connection:
            total += int(connection.exec_driver_sql(statement).scalar() or 0)
    return total


def serve(url: str, process_id: str, barrier: Barrier, room: Event) -> None:
    """A node that starts instances and works off what they wait for, until it is terminated."""
    garbage.collect_rarely()
    engine = Engine(url)
    # Other nodes hear of new jobs, as from `partitur serve`.
    engine.queue.start(engine.wakeup, None, ())
    registry = Registry()
    if process_id == "order-fulfilment":
        registry.add(order_example.reserve, order_example.authorize, order_example.schedule)
    worker = Worker(engine, registry)
    worker.start()
    variables = order_example.ORDER if process_id == "order-fulfilment" else models.ORDER_VARIABLES
    _clients(engine, process_id, variables, room, WARM)
    barrier.wait(120)
    _clients(engine, process_id, variables, room, sys.maxsize)


def _clients(engine: Engine, process_id: str, variables: dict[str, Any], room: Event, count: int) -> None:
    """Threads that start so many instances each, until they have."""
    threads = [threading.Thread(target=_start, args=(engine, process_id, variables, room, count), daemon=True)
               for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _under_way(engines: Sequence[Engine]) -> int:
    return _count(engines, "SELECT count(*) FROM instances WHERE state = 'ACTIVE'")


def _start(engine: Engine, process_id: str, variables: dict[str, Any], room: Event, count: int) -> None:
    for _ in range(count):
        room.wait()
        engine.execute(instances.start, process_id, variables=variables)
