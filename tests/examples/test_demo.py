import os

import pytest

from engine import incidents, variables
from engine.queries import instances as instance_list
from service_tasks import Registry
from service_tasks.checks import Catalogue
from tests.examples.order import load


@pytest.fixture
def demo():
    return load("demo")


@pytest.fixture
def services(demo, tmp_path, monkeypatch):
    monkeypatch.setenv("ORDER_SERVICES_URL", "restored after the test")
    running = demo.start_services(tmp_path)
    yield running
    running.stop()


def has(row, outcome):
    """Whether an instance is what the demo says of its order."""
    return {
        "COMPLETED": row.state == "COMPLETED" and row.end_reason is None,
        "WAITING": row.waiting,
        "RETRYING": row.retrying and not row.incident_count,
        "STALLED": row.stalled and row.state == "ACTIVE",
        "INCIDENT": row.incident_count == 1,
        "DECLINED": row.end_reason == "PAYMENT_DECLINED",
        "UNDELIVERABLE": row.end_reason == "NO_CARRIER",
    }[outcome.name]


def test_the_orders_of_the_demo_show_every_outcome(stage, demo, services, order_registry, clock):
    # given
    Catalogue(registry=order_registry).connect(stage.engine)

    # when
    orders = demo.start(stage.engine, services)
    stage.hire(order_registry)

    # then each becomes what is said of it; the slow ones once the agreed time is over
    assert {order.order.outcome for order in orders} == set(demo.Outcome)
    for order in orders:
        key, outcome = order.instance_key, order.order.outcome
        if outcome is demo.Outcome.STALLED:
            stage.until(lambda key=key: any(job.type == "schedule-delivery" for job in stage.see(key).jobs))
            clock.advance(seconds=11)
        assert stage.until(lambda key=key, outcome=outcome: has(stage.see(key).row, outcome)), order
    services.stop()


def test_an_operator_can_mend_what_failed_in_the_demo(stage, demo, services, order_registry):
    # given the two orders that failed
    orders = demo.start(stage.engine, services)
    stage.hire(order_registry)
    failed = [order.instance_key for order in orders if order.order.outcome is demo.Outcome.INCIDENT]
    incidents_of = [stage.incident(key) for key in failed]

    # when what is missing is given, and both are tried again
    stage.engine.execute(variables.set, failed[1], {"paymentToken": "tok_visa_4242"})
    for incident in incidents_of:
        stage.engine.execute(incidents.resolve, incident.key)

    # then both are fulfilled
    assert [stage.ended(key).row.end_reason for key in failed] == [None, None]
    services.stop()


def test_the_demo_started_again_starts_nothing_twice(stage, demo, services):
    first = demo.start(stage.engine, services)

    again = demo.start(stage.engine, services)

    assert [order.instance_key for order in again] == [order.instance_key for order in first]
    assert instance_list.search(stage.engine, instance_list.InstanceFilter()).total == len(demo.ORDERS)


def test_the_demo_serves_the_clients_where_its_services_are(demo, services):
    assert os.environ["ORDER_SERVICES_URL"] == services.url
    registry = Registry()
    registry.load(demo.FOLDER)
    assert len(registry) == 5
