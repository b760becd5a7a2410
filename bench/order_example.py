"""The order example from start to end, its services answering in this process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.persisted import GROUP, fresh_engine
from bench.timing import best_batch
from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from service_tasks import Call, Data, Registry, service_task
from service_tasks.worker import Worker

DIAGRAM = Path(__file__).parents[1] / "examples" / "order-fulfilment" / "order-fulfilment.bpmn"
INSTANCES = 300
PATIENCE = 120.0
ORDER: dict[str, Any] = {
    "orderId": "B-1",
    "items": [{"sku": "KB-104", "quantity": 2, "unitPrice": 49.9}, {"sku": "MS-7", "quantity": 1, "unitPrice": 25}],
    "address": {"name": "Ada Example", "street": "1 Loop Road", "city": "Berlin", "country": "DE"},
    "paymentToken": "tok_ok",
}


class Reserved(Data):
    """What the example's inventory answers."""

    reservation_id: str
    warehouse: str


class Authorized(Data):
    """What the example's billing answers."""

    authorization_id: str


class Scheduled(Data):
    """What the example's shipping answers."""

    delivery_id: str
    carrier: str
    delivery_days: int


@service_task("reserve-inventory", expected=timedelta(minutes=1))
def reserve(order_id: str, items: list[dict[str, Any]], *, call: Call) -> Reserved:
    """Answers at once."""
    return Reserved(reservation_id=f"R-{order_id}-{len(items)}", warehouse="A")


@service_task("authorize-payment", expected=timedelta(minutes=1))
def authorize(order_id: str, amount: float, payment_token: str, *, call: Call) -> Authorized:
    """Answers at once."""
    return Authorized(authorization_id=f"P-{order_id}-{amount}")


@service_task("schedule-delivery", expected=timedelta(minutes=1))
def schedule(order_id: str, address: dict[str, Any], *, call: Call) -> Scheduled:
    """Answers at once."""
    return Scheduled(delivery_id=f"D-{order_id}", carrier="Swift", delivery_days=len(address))


def measure() -> Iterator[Figure]:
    """Orders per second, while a worker of this process calls three services for each."""
    with tempfile.TemporaryDirectory() as name, fresh_engine(Path(name), "FULL") as engine:
        engine.execute(definitions.deploy, [Resource(name=DIAGRAM.name, content=DIAGRAM.read_bytes())])
        registry = Registry()
        registry.add(reserve, authorize, schedule)
        worker = Worker(engine, registry)
        worker.start()
        try:
            run(engine, 20)
            batch = best_batch(lambda count: run(engine, count), INSTANCES, batches=3)
        finally:
            worker.stop()
    yield Figure(
        group=GROUP,
        name="order example, three service calls each (FULL)",
        unit="instances/s",
        partitur=1 / batch.wall,
        target="≥ 120",
        note=f"{batch.wall * 1e3:.2f} ms each, {batch.cpu * 1e3:.2f} ms CPU",
    )


def run(engine: Engine, count: int) -> None:
    """Start `count` orders and wait until all have ended."""
    deadline = time.perf_counter() + PATIENCE
    for _ in range(count):
        engine.execute(instances.start, "order-fulfilment", variables=ORDER)
    while left := open_instances(engine):
        if time.perf_counter() > deadline:
            raise SystemExit(f"Expected {count} orders to end within {PATIENCE:g} s, but {left} did not.")
        time.sleep(0.005)


def open_instances(engine: Engine) -> int:
    """How many instances have not ended."""
    with engine.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM instances WHERE state = 'ACTIVE'").scalar() or 0)
