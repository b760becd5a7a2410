"""What an orchestrator does all day, as cases that can be run on any database: prepared first, then timed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import models, order_example, round_trips, waiting
from bench.models import Flavour
from engine import definitions, instances, messages
from engine.cluster import due
from engine.cluster.wakeup import ended_topic
from engine.engine import Engine
from engine.tasks import user_tasks
from engine.transaction import Transaction
from engine.work import activation, jobs
from service_tasks import Data, Registry, service_task
from service_tasks.checks import Catalogue
from service_tasks.worker import Worker

FAN_OUT = 1_000
TOGETHER = 50
"""Instances that are prepared in one transaction."""
PATIENCE = 300.0

_numbers = itertools.count(1)


class TurnedClock:
    """A clock that goes, and can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is done many times.

    `serving` is who works while it is done, and is there before; `prepare` makes so many of what `run` works on, which
    alone is timed. `count` is how many are one batch; `stock` gives the seconds that SpiffWorkflow's JSON round trips
    take for each.
    """

    name: str
    diagram: bytes
    count: int
    run: Callable[[Engine, list[Any]], None]
    stock: Callable[[], float]
    prepare: Callable[[Engine, int], list[Any]] = lambda engine, count: [None] * count
    serving: Callable[[Engine], AbstractContextManager[None]] = lambda engine: nullcontext()


class Nothing(Data):
    """What the service of the fan-out answers."""


@service_task("bench-member", idempotent=True)
def member(item: int) -> Nothing:
    """Answers at once."""
    return Nothing()


def deploy(engine: Engine, case: Case) -> None:
    """Deploy what a case needs."""
    engine.execute(definitions.deploy, [definitions.Resource(name="bench.bpmn", content=case.diagram)])


def _start_many(tx: Transaction, process_id: str, ids: list[str]) -> list[int]:
    return [
        instances.start(tx, process_id, variables={**models.ORDER_VARIABLES, "orderId": each}).key for each in ids
    ]


def _started(engine: Engine, process_id: str, count: int) -> list[tuple[str, int]]:
    """The order ids and keys of new instances."""
    made: list[tuple[str, int]] = []
    while len(made) < count:
        ids = [f"C-{next(_numbers)}" for _ in range(min(TOGETHER, count - len(made)))]
        made += zip(ids, engine.execute(_start_many, process_id, ids), strict=True)
    return made


def _run_scripts(engine: Engine, things: list[Any]) -> None:
    for _ in things:
        engine.execute(instances.start, "bench_order", variables=models.ORDER_VARIABLES)


def _prepare_tasks(engine: Engine, count: int) -> list[Any]:
    keys = [key for _, key in _started(engine, "bench_approval", count)]
    with engine.read() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT key FROM user_tasks WHERE state = 'CREATED' AND instance_key BETWEEN {min(keys)} AND {max(keys)}"
        )
        return [row[0] for row in rows]


def _complete_tasks(engine: Engine, things: list[Any]) -> None:
    for key in things:
        engine.execute(user_tasks.complete, key, {"approved": True})


def _prepare_jobs(engine: Engine, count: int) -> list[Any]:
    return _started(engine, "bench_job", count)


def _work_off_jobs(engine: Engine, things: list[Any]) -> None:
    for _ in things:
        [job] = engine.execute(activation.activate, ["bench-external"], "bench")
        engine.execute(jobs.complete, job.key, {"done": True}, lock_token=job.lock_token)


def _prepare_messages(engine: Engine, count: int) -> list[Any]:
    return [order for order, _ in _started(engine, "bench_message", count)]


def _publish(engine: Engine, things: list[Any]) -> None:
    for order in things:
        reached = engine.execute(messages.publish, waiting.MESSAGE, order, {"paid": True}).instance_keys
        if len(reached) != 1:
            raise SystemExit(f"Expected the message for {order} to reach one instance, but it reached {len(reached)}.")


def _prepare_timers(engine: Engine, count: int) -> list[Any]:
    return _started(engine, "bench_timer", count)


def _fire(engine: Engine, things: list[Any]) -> None:
    clock = engine.clock
    assert isinstance(clock, TurnedClock)
    clock.ahead += timedelta(hours=1, minutes=1)
    fired = 0
    while fired < len(things):
        more = due.fire_timers(engine)
        if not more:
            raise SystemExit(f"Expected {len(things)} timers to fire, but {fired} did.")
        fired += more


def _worker(*functions: Callable[..., Any]) -> Callable[[Engine], AbstractContextManager[None]]:
    @contextmanager
    def working(engine: Engine) -> Iterator[None]:
        registry = Registry()
        registry.add(*functions)
        # As `partitur serve` does: the engine knows what the services take.
        Catalogue(registry=registry).connect(engine)
        worker = Worker(engine, registry)
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    return working


def _fan_out(engine: Engine, things: list[Any]) -> None:
    for _ in things:
        started = engine.execute(instances.start, "bench_fan_out", variables={"items": list(range(FAN_OUT))})
        wait_for_end(engine, "bench_fan_out", started.key, started.key)


def _order(engine: Engine, things: list[Any]) -> None:
    keys = [engine.execute(instances.start, "order-fulfilment", variables=order_example.ORDER).key for _ in things]
    wait_for_end(engine, "order-fulfilment", keys[0], keys[-1])


def wait_for_end(engine: Engine, process_id: str, first: int, last: int) -> None:
    """Wait until the last instance of a process has ended, and then every one from the first on."""
    deadline = time.perf_counter() + PATIENCE
    # Who looks all the time takes it from the engine, which is to be measured.
    with engine.wakeup.listen([ended_topic(last)]) as listener:
        # The end of the only one is told in any case; the others' are not, and the last one may have ended already.
        patience = 1.0 if first == last else 0.05
        while _is_any_left(engine, process_id, first):
            if time.perf_counter() > deadline:
                raise SystemExit(f"Expected the instances of {process_id} to end within {PATIENCE:g} s, but some did "
                                 "not.")
            listener.wait(patience)


def _is_any_left(engine: Engine, process_id: str, first: int) -> bool:
    with engine.database.engine.connect() as connection:
        return connection.exec_driver_sql(
            f"SELECT 1 FROM instances WHERE process_id = '{process_id}' AND state = 'ACTIVE' AND key >= {first} LIMIT 1"
        ).scalar() is not None


CASES = (
    Case(name="script-only order of 8 steps, start to end", diagram=models.order(Flavour.CAMUNDA_8), count=200,
         run=_run_scripts, stock=round_trips.scripts),
    Case(name="order example, three services in this process", diagram=order_example.DIAGRAM.read_bytes(), count=200,
         run=_order, serving=_worker(order_example.reserve, order_example.authorize, order_example.schedule),
         stock=lambda: round_trips.waits(3)),
    Case(name="user task completed, up to the end", diagram=models.approval(Flavour.CAMUNDA_8), count=200,
         prepare=_prepare_tasks, run=_complete_tasks, stock=round_trips.waits),
    Case(name="external job fetched and completed, two commits",
         diagram=waiting.between("bench_job", "Call", waiting.job("bench-external")), count=200,
         prepare=_prepare_jobs, run=_work_off_jobs, stock=round_trips.waits),
    Case(name=f"fan-out of {FAN_OUT:,} calls in this process, and their join",
         diagram=waiting.fan_out("bench_fan_out", "bench-member"), count=1, run=_fan_out,
         serving=_worker(member), stock=lambda: round_trips.fan_out(FAN_OUT)),
    Case(name="message correlated",
         diagram=waiting.between("bench_message", "Paid", waiting.CATCH, waiting.MESSAGE), count=200,
         prepare=_prepare_messages, run=_publish, stock=round_trips.waits),
    Case(name="timer fired, of 1,000 due at once",
         diagram=waiting.between("bench_timer", "Later", waiting.timer("Later", "PT1H")), count=1_000,
         prepare=_prepare_timers, run=_fire, stock=round_trips.waits),
)
