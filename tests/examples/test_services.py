import httpx
import pytest

from tests.examples.order import load

ORDER = {"orderId": "A-1", "items": [{"sku": "TEA-ASSAM", "quantity": 3}]}


@pytest.fixture
def services(tmp_path):
    running = load("services/app").serve(tmp_path / "services.db")
    yield running
    running.stop()


@pytest.fixture
def client(services):
    with httpx.Client(base_url=services.url) as client:
        yield client


def post(client, path, body, key="k-1"):
    return client.post(path, json=body, headers={"Idempotency-Key": key, "X-Correlation-ID": "corr-1"})


def stock(client):
    return client.get("/stock/TEA-ASSAM").json()["available"]


def test_one_key_acts_once_and_answers_the_same(client):
    # given
    before = stock(client)

    # when
    first, second = (post(client, "/inventory/reservations", ORDER) for _ in range(2))

    # then
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert stock(client) == before - 3
    assert len(client.get("/effects").json()) == 1


def test_released_goods_are_in_stock_again_and_cannot_be_released_twice(client):
    before = stock(client)
    reservation = post(client, "/inventory/reservations", ORDER).json()["reservationId"]

    first = post(client, f"/inventory/reservations/{reservation}/release", {}, key="k-2")
    second = post(client, f"/inventory/reservations/{reservation}/release", {}, key="k-3")

    assert (first.status_code, second.status_code) == (200, 409)
    assert stock(client) == before


@pytest.mark.parametrize(("path", "body", "code"), [
    ("/inventory/reservations", {"orderId": "A-1", "items": [{"sku": "GONE", "quantity": 1}]}, "OUT_OF_STOCK"),
    ("/billing/authorizations", {"orderId": "A-1", "amount": "9", "paymentToken": "tok_0002"}, "PAYMENT_DECLINED"),
    ("/shipping/deliveries", {"orderId": "A-1", "address": {"country": "AQ"}}, "NO_CARRIER"),
])
def test_the_business_says_no_with_a_problem_document(client, path, body, code):
    answer = post(client, path, body)

    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert client.get("/effects").json() == []


def test_a_request_without_a_key_is_refused(client):
    assert client.post("/inventory/reservations", json=ORDER).status_code == 400


def test_what_was_received_is_recorded_with_its_headers(client):
    post(client, "/inventory/reservations", ORDER)

    [request] = client.get("/recorded", params={"orderId": "A-1"}).json()

    assert request["service"] == "inventory"
    assert request["headers"]["Idempotency-Key"] == "k-1"
    assert request["headers"]["X-Correlation-Id"] == "corr-1"
    assert request["body"] == ORDER
    assert request["status"] == 201


@pytest.mark.parametrize(("behaviour", "status", "effects"), [
    ("decline", 409, 0), ("fail", 500, 0), ("down", 503, 0), ("bad-answer", 201, 1), ("lose-reply", 500, 1),
])
def test_a_service_misbehaves_for_one_order_as_often_as_it_is_told(client, behaviour, status, effects):
    # given
    fault = {"service": "inventory", "orderId": "A-1", "behaviour": behaviour, "seconds": 7, "times": 1}
    client.post("/faults", json=fault)

    # when
    other = post(client, "/inventory/reservations", {**ORDER, "orderId": "A-2"}, key="k-other")
    first = post(client, "/inventory/reservations", ORDER)
    done = len(client.get("/effects", params={"orderId": "A-1"}).json())
    second = post(client, "/inventory/reservations", ORDER, key="k-again")

    # then
    assert other.status_code == 201
    assert first.status_code == status
    assert done == effects
    assert ("reservationId" in first.json()) is False
    assert second.status_code == 201
    if behaviour == "down":
        assert float(first.headers["Retry-After"]) == 7


def test_what_was_done_outlives_the_process(tmp_path, services, client):
    # given
    first = post(client, "/inventory/reservations", ORDER).json()
    services.stop()

    # when
    again = load("services/app").serve(tmp_path / "services.db")

    # then
    with httpx.Client(base_url=again.url) as other:
        assert post(other, "/inventory/reservations", ORDER).json() == first
    again.stop()
