"""Events reach a real webhook: signed, in order, again after trouble, and dead letters where it is no use."""

from __future__ import annotations

import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import definitions, instances, secrets
from engine.events import outbox, targets
from engine.keyring import Keyring
from service_tasks.connector import Reach
from service_tasks.connector.transport import Transport
from service_tasks.events import Dispatcher
from tests.engine.drawing import end, file, process, start, user
from tests.service_tasks.connector.service import Service


@pytest.fixture
def hook():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def engine(engine):
    engine.keyring = Keyring(keys=[base64.urlsafe_b64encode(bytes(32)).decode()])
    engine.execute(definitions.deploy, [file(process("simple", start(), end())),
                                        file(process("asking", start(), user("ask"), end()), name="asking.bpmn")])
    return engine


@pytest.fixture
def subscribe(engine, clock, hook):
    def added(name="hook", **arguments):
        engine.execute(targets.add, name, f"{hook.url}/{name}", **arguments)
        clock.advance(seconds=targets.SETTLES.total_seconds())
    return added


@pytest.fixture
def deliver(engine):
    """Sends until nothing is due."""
    dispatcher = Dispatcher(engine, Transport(Reach.of("127.0.0.1")))

    def until_nothing_is_due():
        with ThreadPoolExecutor(4) as pool:
            while dispatcher.deliver(pool):
                pass

    return until_nothing_is_due


def begin(engine, process_id="simple"):
    return engine.execute(instances.start, process_id).key


def test_events_arrive_as_cloud_events_in_order(engine, hook, subscribe, deliver):
    subscribe()
    one, two = begin(engine), begin(engine)
    deliver()
    assert {request.headers["Content-Type"] for request in hook.received} == {
        "application/cloudevents+json; charset=utf-8"}
    for key in (one, two):
        types = [event.json["type"] for event in hook.received if event.json["subject"] == str(key)]
        assert types[0] == "partitur.instance.started"
        assert types[-1] == "partitur.instance.completed"
    assert outbox.counts(engine) == {}


@pytest.mark.parametrize("secret", ["a long enough secret", "whsec_" + base64.b64encode(b"\0\1binary key").decode()])
def test_signature_is_that_of_standard_webhooks(engine, clock, hook, subscribe, deliver, secret):
    engine.execute(secrets.put, "hooks", secret)
    subscribe(secret="hooks")
    begin(engine)
    deliver()
    request = hook.received[0]
    key = b"\0\1binary key" if secret.startswith("whsec_") else secret.encode()
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.{request.body}".encode()
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{wanted}"
    assert request.headers["webhook-id"] == request.json["id"]
    assert 0 <= clock().timestamp() - int(request.headers["webhook-timestamp"]) < 600


def test_missing_secret_sends_nothing_unsigned(engine, hook, subscribe, deliver):
    subscribe(secret="not_stored")
    begin(engine)
    deliver()
    assert hook.received == []
    [target] = targets.all_of_them(engine)
    assert "partitur secrets set not_stored" in target.last_error


def test_event_that_was_refused_comes_again_with_its_id_and_before_the_rest(engine, clock, hook, subscribe, deliver):
    refusing = True
    hook.answers["/hook"] = lambda handler, request: (500 if refusing else 204, {}, b"")
    subscribe()
    key = begin(engine)
    deliver()
    [refused] = hook.received
    refusing = False
    clock.advance(seconds=outbox.LONGEST_PAUSE.total_seconds())
    deliver()
    again = [request.json for request in hook.received[1:]]
    assert again[0] == refused.json
    assert [event["subject"] for event in again] == [str(key)] * len(again)
    assert again[-1]["type"] == "partitur.instance.completed"


@pytest.mark.parametrize("trouble", ["no connection", "answer cut off", "503"])
def test_target_that_is_down_is_asked_once_and_the_others_go_on(engine, clock, hook, subscribe, deliver, trouble):
    hook.answers["/down"] = (lambda handler, request: None) if trouble == "answer cut off" else (503, {}, b"")
    subscribe("down", types=["partitur.instance.started"])
    subscribe("fine", types=["partitur.instance.started"])
    if trouble == "no connection":
        with engine.database.write() as connection:
            connection.exec_driver_sql("UPDATE event_targets SET address = 'http://127.0.0.1:1/' WHERE name = 'down'")
            connection.commit()
    for _ in range(5):
        begin(engine, "asking")
    deliver()
    paths = [request.path for request in hook.received]
    assert paths.count("/fine") == 5
    assert paths.count("/down") == (0 if trouble == "no connection" else 1)
    hook.answers.clear()
    if trouble != "no connection":
        clock.advance(seconds=outbox.LONGEST_PAUSE.total_seconds())
        deliver()
        ids = {request.json["id"] for request in hook.received if request.path == "/down"}
        assert len(ids) == 5


def test_address_inside_the_network_is_not_called_unless_allowed(engine, clock, hook, subscribe):
    subscribe()
    begin(engine)
    with ThreadPoolExecutor(1) as pool:
        Dispatcher(engine, Transport(Reach.of("public"))).deliver(pool)
    assert hook.received == []
    assert "PARTITUR_HTTP_ALLOW" in targets.all_of_them(engine)[0].last_error


def test_a_serving_process_delivers_by_itself_and_stops(engine, hook, subscribe):
    subscribe(types=["partitur.instance.completed"])
    dispatcher = Dispatcher(engine, Transport(Reach.of("127.0.0.1")))
    dispatcher.start()
    try:
        with engine.wakeup.listen(["never"]) as listener:
            key = begin(engine)
            for _ in range(500):
                if hook.received:
                    break
                listener.wait(0.02)
        assert [request.json["subject"] for request in hook.received] == [str(key)]
    finally:
        dispatcher.stop()

