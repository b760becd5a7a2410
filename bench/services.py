"""What calling services costs: a no-op service through one worker, and what ledger and contract add to a call."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.persisted import fresh_engine
from bench.timing import best_batch, cpu_seconds
from engine import definitions, instances
from engine.columns import to_json
from engine.definitions import Resource
from engine.engine import Engine
from engine.work.effects import digest
from service_tasks import Data, Registry, outcome, service_task
from service_tasks.contract import contract_of
from service_tasks.worker import Worker

GROUP = "Services"
CALLS = 600
PATIENCE = 120.0

PROCESS = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0"'
    ' id="D" targetNamespace="t" modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">'
    '<bpmn:process id="{name}" isExecutable="true"><bpmn:startEvent id="Start"/>'
    '<bpmn:serviceTask id="Call"><bpmn:extensionElements><zeebe:taskDefinition type="{name}"/>'
    '</bpmn:extensionElements></bpmn:serviceTask><bpmn:endEvent id="End"/>'
    '<bpmn:sequenceFlow id="F1" sourceRef="Start" targetRef="Call"/>'
    '<bpmn:sequenceFlow id="F2" sourceRef="Call" targetRef="End"/></bpmn:process></bpmn:definitions>'
)
ORDER: dict[str, Any] = {"orderId": "B-1", "amount": 49.9, "items": [{"sku": "KB-104", "quantity": 2}] * 5}


class Receipt(Data):
    """What the services answer."""

    receipt_id: str


@service_task("no-op", idempotent=True)
def no_op(order_id: str, amount: float, items: list[dict[str, Any]]) -> Receipt:
    """Answers at once, from a thread."""
    return Receipt(receipt_id=order_id)


@service_task("async-no-op", idempotent=True)
async def async_no_op(order_id: str, amount: float, items: list[dict[str, Any]]) -> Receipt:
    """Answers at once, on an event loop."""
    return Receipt(receipt_id=order_id)


def measure() -> Iterator[Figure]:
    """Calls per second of each kind, then what the parts of a call cost by themselves."""
    for function, kind in ((no_op, "thread"), (async_no_op, "async")):
        yield _throughput(function, kind)
    contract = contract_of(no_op)
    receipt = Receipt(receipt_id="B-1")
    yield _part("ledger: digests of request and answer", lambda: (
        digest(to_json(ORDER)), digest(to_json({"receiptId": "B-1"}))))
    yield _part("contract: inputs checked", lambda: outcome.arguments(contract, ORDER))
    yield _part("contract: result checked", lambda: outcome.of_result(contract, receipt))


def _throughput(function: Callable[..., Any], kind: str) -> Figure:
    with tempfile.TemporaryDirectory() as folder, fresh_engine(Path(folder), "FULL") as engine:
        registry = Registry()
        registry.add(function)
        [contract] = registry
        resource = Resource(name="call.bpmn", content=PROCESS.format(name=contract.name).encode())
        engine.execute(definitions.deploy, [resource])
        best = best_batch(lambda count: _calls(engine, registry, contract.name, count), CALLS, batches=3)
    return Figure(
        group=GROUP, name=f"no-op service through one worker, {kind} (FULL)", unit="calls/s", partitur=1 / best.wall,
        note=f"{best.wall * 1e3:.2f} ms each, {best.cpu * 1e3:.2f} ms CPU; starts included",
    )


def _calls(engine: Engine, registry: Registry, process: str, count: int) -> None:
    """Start instances ten at a time, and let a worker call the service of each."""
    worker = Worker(engine, registry)
    worker.start()
    deadline = time.perf_counter() + PATIENCE
    try:
        for _ in range(count // 10):
            engine.execute(_start_ten, process)
        while _open(engine):
            if time.perf_counter() > deadline:
                raise SystemExit(f"Expected {count} calls to be made within {PATIENCE:g} s, but some were not.")
            time.sleep(0.002)
    finally:
        worker.stop()


def _start_ten(tx: Any, process: str) -> None:
    for _ in range(10):
        instances.start(tx, process, variables=ORDER)


def _open(engine: Engine) -> int:
    with engine.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM instances WHERE state = 'ACTIVE'").scalar() or 0)


def _part(name: str, act: Callable[[], Any]) -> Figure:
    return Figure(group=GROUP, name=name, unit="µs a call", partitur=cpu_seconds(act) * 1e6)
