import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from engine.masking import Masking
from engine.telemetry.tracing import TRACE_PARENT
from service_tasks import BpmnError, Data, GiveUp, NotSent, RetryLater, UnknownOutcome, UnusableAnswer
from service_tasks.call import child_span
from service_tasks.errors import faults_of
from service_tasks.http import HttpService


class Receipt(Data):
    receipt_id: str


class Card(Data):
    payment_token: str


class Scripted(BaseHTTPRequestHandler):
    """Answers as its server is told to."""

    def do_POST(self):
        status, headers, body = self.server.answer
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(dict(self.headers))
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.requests = []
    server.answer = (200, {}, b'{"receiptId": "P-1"}')
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(server):
    with HttpService(server.url, max_response_bytes=1000) as client:
        yield client


def test_every_request_carries_the_identity_of_the_call(server, client, call):
    # when
    receipt = client.post("/payments", {"orderId": "A-1"}, call, Receipt)

    # then
    assert receipt == Receipt(receipt_id="P-1")
    [headers] = server.requests
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["X-Correlation-ID"] == "corr-1"
    assert headers["traceparent"] == call.traceparent


@pytest.mark.parametrize(("status", "body", "error"), [
    (402, b'{"code": "DECLINED", "detail": "No money."}', BpmnError),
    (422, b'{"detail": "Bad amount."}', GiveUp),
    (404, b"<html>", GiveUp),
    (302, b"", GiveUp),
    (500, b'{"code": "DECLINED"}', UnknownOutcome),
    (502, b"", UnknownOutcome),
    (408, b"", UnknownOutcome),
    (429, b"", RetryLater),
    (503, b"", RetryLater),
    (200, b"no json", UnusableAnswer),
    (200, b'{"other": 1}', UnusableAnswer),
    (None, b"", UnknownOutcome),
])
def test_an_answer_is_read_as_what_it_means_for_the_process(server, client, call, status, body, error):
    server.answer = (status, {}, body)

    with pytest.raises(error) as raised:
        client.post("/payments", {}, call, Receipt)

    assert type(raised.value) is error


def test_an_answer_over_the_limit_is_not_read(server, client, call):
    server.answer = (200, {}, b'{"receiptId": "' + b"x" * 1001 + b'"}')

    with pytest.raises(GiveUp, match="1000 bytes"):
        client.post("/payments", {}, call, Receipt)


def test_a_redirect_is_not_followed(server, client, call):
    server.answer = (307, {"Location": f"{server.url}/elsewhere"}, b"")

    with pytest.raises(GiveUp, match="307"):
        client.post("/payments", {}, call, Receipt)

    assert len(server.requests) == 1


def test_a_problem_document_with_a_code_is_a_business_error_with_its_variables(server, client, call):
    server.answer = (409, {}, b'{"code": "OUT_OF_STOCK", "detail": "2 left.", "variables": {"left": 2}}')

    with pytest.raises(BpmnError) as raised:
        client.post("/payments", {}, call, Receipt)

    assert (raised.value.code, raised.value.message, raised.value.variables) == ("OUT_OF_STOCK", "2 left.", {"left": 2})


def test_a_wrong_answer_is_named_by_its_field(server, client, call):
    server.answer = (200, {}, b'{"receipt": "P-1"}')

    with pytest.raises(GiveUp, match=r"'receiptId' \(Field required\)"):
        client.post("/payments", {}, call, Receipt)


def test_what_is_wrong_is_told_of_a_field_that_is_called_like_a_secret():
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Card).validate_python({})

    assert Masking().text(f"but {faults_of(raised.value)}.") == "but 'paymentToken' (Field required)."


@pytest.mark.parametrize(("header", "least", "most"), [
    ({"Retry-After": "120"}, 120, 120),
    ({"Retry-After": "soon"}, 1, 60),
    ({"Retry-After": "1e999"}, 1, 60),
    ({}, 1, 60),
])
def test_the_service_says_when_to_come_back(server, client, call, header, least, most):
    server.answer = (503, header, b"")

    with pytest.raises(RetryLater) as raised:
        client.post("/payments", {}, call, Receipt)

    assert least <= raised.value.after.total_seconds() <= most


def test_the_service_names_the_time_to_come_back(server, client, call):
    header = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    server.answer = (503, {"Retry-After": header}, b"")

    with pytest.raises(RetryLater) as raised:
        client.post("/payments", {}, call, Receipt)

    assert timedelta(hours=23) < raised.value.after <= timedelta(days=1)


def test_without_a_connection_nothing_was_sent(call):
    with HttpService("http://127.0.0.1:9") as client, pytest.raises(NotSent):
        client.post("/payments", {}, call, Receipt)


def test_a_service_that_does_not_answer_in_time_leaves_the_outcome_unknown(call):
    def never(request):
        raise httpx.ReadTimeout("", request=request)

    with HttpService("http://service", transport=httpx.MockTransport(never)) as client:  # noqa: SIM117
        with pytest.raises(UnknownOutcome, match="within 5 s"):
            client.post("/payments", {}, call, Receipt)


def test_nothing_is_sent_after_the_deadline(server, client, call):
    late = dataclasses.replace(call, deadline=datetime.now(UTC))

    with pytest.raises(NotSent):
        client.post("/payments", {}, late, Receipt)

    assert server.requests == []


def test_a_call_is_a_span_of_its_own_in_the_trace_of_its_instance():
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-00"

    first, second = child_span(parent, "corr", 7, 1), child_span(parent, "corr", 7, 2)

    assert child_span(parent, "corr", 7, 1) == first
    assert first.split("-")[1] == second.split("-")[1] == "a" * 32
    assert len({first.split("-")[2], second.split("-")[2], "b" * 16}) == 3
    assert first.endswith("-00")


@pytest.mark.parametrize("parent", [None, "", "garbage", "00-" + "0" * 32 + "-" + "b" * 16 + "-01"])
def test_calls_of_one_instance_share_a_trace_even_if_nobody_started_one(parent):
    first, second = child_span(parent, "corr-1", 7, 1), child_span(parent, "corr-1", 8, 1)

    assert TRACE_PARENT.fullmatch(first)
    assert first.split("-")[1] == second.split("-")[1] != child_span(parent, "corr-2", 7, 1).split("-")[1]
