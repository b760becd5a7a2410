"""The three services of the order example on a real port, and what tests of services share."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from engine.engine import Engine
from service_tasks import Call, Registry
from service_tasks.exchange import exchange
from tests.examples.order import load
from tests.service_tasks.stage import Stage, TurnableClock


@pytest.fixture
def services(tmp_path):
    """Inventory, Billing and Shipping, answering on a port of their own."""
    running = load("services/app").serve(tmp_path / "services.db")
    yield running
    running.stop()


@pytest.fixture
def order_registry(services):
    """The clients of the order example, bound to the running services."""
    clients = load("clients")
    registry = Registry()
    registry.add(
        clients.InventoryClient(services.url), clients.BillingClient(services.url),
        clients.ShippingClient(services.url),
    )
    return registry


@pytest.fixture
def call():
    """One call, with five seconds to go."""
    return Call(
        service="reserve-inventory", idempotency_key="key-1", correlation_id="corr-1",
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01", attempt=1, job_key=1, instance_key=2,
        element_id="ReserveStock", business_id="A-1", deadline=datetime.now(UTC) + timedelta(seconds=5), timeout=5,
    )


@pytest.fixture
def clock():
    return TurnableClock()


@pytest.fixture
def stage(database_url, clock):
    """An engine on a database of its own, with its workers."""
    engine = Engine(database_url, clock=clock, synchronous="OFF")
    stage = Stage(engine)
    yield stage
    stage.close()
    engine.close()


@pytest.fixture
def faults(stage, monkeypatch):
    """What the next exchanges fail with, one after the other; None is a success."""
    coming = deque()
    execute = stage.engine.execute

    def failing(command, *args, **more):
        error = coming.popleft() if command is exchange and coming else None
        if error is not None:
            raise error
        return execute(command, *args, **more)

    monkeypatch.setattr(stage.engine, "execute", failing)
    return coming
