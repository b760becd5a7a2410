"""The order example from start to end: the diagram, the typed clients, and the real services over HTTP."""

import re

import httpx
import pytest

from engine.tasks import user_tasks
from service_tasks.checks import Catalogue
from tests.examples.order import diagram

TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
ORDER = {
    "items": [{"sku": "TEA-ASSAM", "quantity": 2, "unitPrice": 12.5}], "paymentToken": "tok_4242",
    "address": {"name": "Ada Lovelace", "street": "Ring 1", "city": "Leipzig", "country": "DE"},
}


@pytest.fixture
def shop(stage, order_registry):
    """An engine with the order process, and a worker that reaches the services."""
    Catalogue(registry=order_registry, external_types=()).connect(stage.engine)
    assert stage.deploy("order-fulfilment.bpmn", diagram()).problems == ()
    stage.hire(order_registry)
    return stage


@pytest.fixture
def ask(services):
    with httpx.Client(base_url=services.url) as client:
        yield lambda path: client.get(path, params={"orderId": "A-1"}).json()


@pytest.fixture
def disturb(services):
    def disturb(service, behaviour, **more):
        fault = {"service": service, "orderId": "A-1", "behaviour": behaviour, **more}
        httpx.post(f"{services.url}/faults", json=fault).raise_for_status()

    return disturb


def order(shop, **changes):
    return shop.start("order-fulfilment", orderId="A-1", **{**ORDER, **changes})


def done(ask):
    return [effect["kind"] for effect in ask("/effects")]


def path(seen):
    return [element.element_id for element in seen.elements if element.type in ("SERVICE_TASK", "END_EVENT")]


def test_an_order_is_reserved_paid_and_shipped(shop, ask):
    key = order(shop)

    seen = shop.ended(key)

    assert (seen.row.state, seen.row.end_reason) == ("COMPLETED", None)
    assert path(seen) == ["ReserveStock", "AuthorizePayment", "ScheduleDelivery", "OrderFulfilled"]
    assert done(ask) == ["reserve", "authorize", "schedule"]
    assert shop.variables(key)["carrier"] == "DHL"


def test_every_call_carries_key_correlation_and_trace(shop, ask):
    seen = shop.ended(order(shop))

    headers = [{name.lower(): value for name, value in request["headers"].items()} for request in ask("/recorded")]
    assert len(headers) == 3
    assert len({header["idempotency-key"] for header in headers}) == 3
    assert {header["x-correlation-id"] for header in headers} == {seen.row.correlation_id}
    traces = [TRACE.fullmatch(header["traceparent"]) for header in headers]
    assert len({trace[1] for trace in traces}) == 1
    assert len({trace[2] for trace in traces}) == 3


def test_a_declined_payment_releases_the_stock_exactly_once(shop, ask):
    key = order(shop, paymentToken="tok_0002")

    seen = shop.ended(key)

    assert (seen.row.state, seen.row.end_reason) == ("COMPLETED", "PAYMENT_DECLINED")
    assert shop.variables(key)["reason"] == "PAYMENT_DECLINED"
    assert done(ask) == ["reserve", "release"]
    assert path(seen) == ["ReserveStock", "AuthorizePayment", "ReleaseStock", "OrderRejected"]


def test_without_a_carrier_the_payment_is_voided_before_the_stock_is_released(shop, ask):
    address = {**ORDER["address"], "country": "AQ"}

    seen = shop.ended(order(shop, address=address))

    assert seen.row.end_reason == "NO_CARRIER"
    assert sorted(done(ask)) == ["authorize", "release", "reserve", "void"]


def test_out_of_stock_ends_with_nothing_to_undo(shop, ask):
    seen = shop.ended(order(shop, items=[{"sku": "GONE", "quantity": 1, "unitPrice": 5}]))

    assert seen.row.end_reason == "OUT_OF_STOCK"
    assert done(ask) == []


def test_an_order_of_nothing_is_no_order(shop, ask):
    assert shop.ended(order(shop, items=[])).row.end_reason == "EMPTY_ORDER"
    assert done(ask) == []


@pytest.mark.parametrize(("answer", "reason", "comment"), [
    ({"approved": True, "comment": "Known customer."}, None, "Known customer."),
    ({"approved": False, "comment": "Too much tea."}, "REVIEW_REJECTED", "Too much tea."),
    ({}, "REVIEW_REJECTED", ""),
])
def test_an_expensive_order_is_decided_by_a_person(shop, answer, reason, comment):
    # given
    key = order(shop, items=[{"sku": "TEA-ASSAM", "quantity": 200, "unitPrice": 12.5}])
    [task] = shop.until(lambda: shop.see(key).user_tasks)
    assert (task.element_id, task.candidate_groups) == ("ReviewOrder", ["reviewers"])

    # when
    shop.engine.execute(user_tasks.complete, task.key, answer)

    # then
    assert shop.ended(key).row.end_reason == reason
    assert shop.variables(key)["reviewComment"] == comment


def test_an_order_that_nobody_reviews_lapses_after_two_days(shop, clock):
    from engine.cluster import scheduler

    key = order(shop, items=[{"sku": "TEA-ASSAM", "quantity": 200, "unitPrice": 12.5}])
    shop.until(lambda: shop.see(key).user_tasks)

    clock.advance(days=2)
    scheduler.run_once(shop.engine)

    seen = shop.ended(key)
    assert seen.row.end_reason == "REVIEW_TIMED_OUT"
    assert [task.state for task in seen.user_tasks] == ["CANCELED"]


def test_a_reply_that_was_lost_is_asked_for_again_with_the_same_key(shop, ask, disturb, clock):
    # given a service that acts, but whose first answer never arrives
    disturb("billing", "lose-reply", times=1)
    key = order(shop)
    shop.until(lambda: [job for job in shop.see(key).jobs if job.error_message])

    # when
    clock.advance(minutes=1)

    # then
    assert shop.ended(key).row.state == "COMPLETED"
    keys = [request["headers"]["Idempotency-Key"] for request in ask("/recorded") if request["service"] == "billing"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert done(ask) == ["reserve", "authorize", "schedule"]


def test_an_answer_without_its_field_is_an_incident_that_names_it(shop, disturb):
    disturb("billing", "bad-answer")

    assert "'authorizationId'" in shop.incident(order(shop)).message


def test_a_service_that_is_down_is_asked_again_when_it_said(shop, ask, disturb, clock):
    disturb("inventory", "down", seconds=600, times=1)
    key = order(shop)
    [job] = shop.until(lambda: [job for job in shop.see(key).jobs if job.error_message])
    assert (job.due_at - clock()).total_seconds() > 500

    clock.advance(minutes=10)

    assert shop.ended(key).row.state == "COMPLETED"
