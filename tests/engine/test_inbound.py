"""Events that come in: understood, mapped, taken once, and set aside where that cannot be."""

from __future__ import annotations

import base64
import json

import pytest

from engine import pausing
from engine.errors import Conflict, InvalidInput, NotFound, Rejection, WrongState
from engine.inbound import arrivals, receiving, sources
from engine.inbound.arrivals import Arrival
from engine.inbound.receiving import Result
from engine.queries import lists, messages
from tests.engine.drawing import catch, end, message, message_of, process, service, start

PAID = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "paid", "subject": "7", "data": {"amount": 5}}


@pytest.fixture
def shop(steps):
    """A process that waits for the payment of its order, and one to start."""
    steps.deploy(message_of("m", "paid", "=order"), process(
        "order", start(), catch("payment", message("m")), service("ship"), end()), name="order.bpmn")
    steps.deploy(process("claim", start(), service("look"), end()), name="claim.bpmn")
    return steps


@pytest.fixture
def source(engine):
    def made(name="shop", **more):
        mapping = {key: more.pop(key) for key in list(more) if key in (
            "message", "process", "correlation_key", "variables", "id", "business_id", "when", "keep")}
        return engine.execute(sources.add, name, "redis://localhost?stream=s", mapping=mapping, **more)
    return made


def event(content=PAID, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Arrival(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def binary(prefix="ce-", body=b'{"amount": 5}', **more):
    attributes = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "paid", "subject": "7"}
    headers = {f"{prefix}{name}": value for name, value in attributes.items()} | {"content-type": "application/json"}
    return Arrival(body=body, headers=headers | more)


@pytest.mark.parametrize("arrival", [
    event(content_type="application/cloudevents+json; charset=utf-8"), event(content_type="application/json"), event(),
    binary("ce-"), binary("ce_"), binary("cloudevents:"), binary("cloudevents_"),
    event({**{k: v for k, v in PAID.items() if k != "data"},
           "data_base64": base64.b64encode(b'{"amount": 5}').decode()}),
])
def test_cloud_event_is_a_message_by_itself_in_every_mode(engine, shop, source, arrival):
    key = shop.start("order", {"order": "7"})
    outcome = receiving.receive(engine, source(), arrival)
    assert (outcome.result, outcome.instance_keys) == (Result.CORRELATED, (key,))
    assert shop.at(key) == ["ship"]
    assert shop.variables(key)["amount"] == 5


def test_event_that_comes_again_does_nothing_again(engine, shop, source):
    mapped = source(process="claim")
    assert receiving.receive(engine, mapped, event()).result is Result.STARTED
    assert receiving.receive(engine, mapped, binary()).result is Result.DUPLICATE
    # The same id of another sender, and the same event from another source, are others.
    assert receiving.receive(engine, mapped, event({**PAID, "source": "/bank"})).result is Result.STARTED
    assert receiving.receive(engine, source("other", process="claim"), event()).result is Result.STARTED
    assert len(shop.take("look", max_jobs=9)) == 3


def test_mapping_in_feel_says_what_an_event_is(engine, shop, source):
    key = shop.start("order", {"order": "A-7"})
    mapped = source(message='=if body.ok then "paid" else "refused"', correlation_key='="A-" + string(body.nr)',
                    variables="{total: sum(body.lines.price), by: headers.sender}", id="=body.nr",
                    when='body.kind = "payment"')
    assert receiving.receive(engine, mapped, event({"kind": "other"})).result is Result.IGNORED
    content = {"kind": "payment", "ok": True, "nr": 7, "lines": [{"price": 2}, {"price": 3.5}]}
    assert receiving.receive(engine, mapped, event(content, sender="bank")).result is Result.CORRELATED
    assert receiving.receive(engine, mapped, event(content, sender="bank")).result is Result.DUPLICATE
    variables = shop.variables(key)
    assert (variables["total"], variables["by"]) == (5.5, "bank")


def test_start_gets_variables_and_a_business_id(engine, shop, source):
    outcome = receiving.receive(engine, source(process="claim", business_id="=event.subject"), event())
    [key] = outcome.instance_keys
    assert shop.detail(key).row.business_id == "7"
    assert shop.variables(key) == {"amount": 5}


def test_message_that_nobody_waits_for_is_kept_and_then_shown_as_any_other(engine, clock, shop, source):
    # given one that is kept as usual, and one that is not
    assert receiving.receive(engine, source(), event()).result is Result.KEPT
    assert receiving.receive(engine, source("now", keep="PT0S"), event({**PAID, "subject": "8"})).result \
        is Result.UNMATCHED

    # then the page of messages shows both, and who comes later gets the first
    assert [row.correlation_key for row in messages.strays(engine, limit=9, offset=0).items] == ["8"]
    assert [row.correlation_key for row in messages.kept(engine, limit=9, offset=0).items] == ["7"]
    assert shop.at(shop.start("order", {"order": "7"})) == ["ship"]


POISON = [
    (b"{nonsense", "application/json", "JSON"), (b"[1, 2]", "application/cloudevents+json", "object"),
    (json.dumps({**PAID, "specversion": "9"}).encode(), "application/cloudevents+json", "specversion"),
    (json.dumps({**PAID, "id": ""}).encode(), "application/cloudevents+json", "'id'"),
    (b"\xff\x00\xfe", "application/octet-stream", "CloudEvent"), (b"", "", "CloudEvent"),
    (json.dumps({**PAID, "type": "x" * 300}).encode(), "application/cloudevents+json", "255"),
]


@pytest.mark.parametrize(("body", "type", "words"), POISON)
def test_what_can_never_be_taken_is_set_aside_as_it_came(engine, shop, source, body, type, words):
    outcome = receiving.receive(engine, source(), Arrival(body=body, headers={"content-type": type}, id="m1"))
    assert outcome.result is Result.SET_ASIDE
    [row] = receiving.all_set_aside(engine)
    assert words in row.error
    assert Arrival.of_kept(row.headers, row.body) == Arrival(body=body, headers={"content-type": type}, id="m1")
    # When it comes again it is kept once.
    receiving.receive(engine, source("shop2"), Arrival(body=body, headers={"content-type": type}, id="m1"))
    assert len(receiving.all_set_aside(engine)) == 2


def test_what_was_set_aside_is_taken_once_what_was_wrong_is_mended(engine, steps, source):
    mapped = source(process="claim")
    for _ in range(2):
        assert "claim" in receiving.receive(engine, mapped, event()).error
    [row] = receiving.all_set_aside(engine)
    assert row.attempts == 2
    with pytest.raises(WrongState, match="claim"):
        engine.execute(receiving.retry, row.key, "try")
    with pytest.raises(NotFound):
        engine.execute(receiving.retry, row.key + 1000, "try")
    with pytest.raises(InvalidInput):
        engine.execute(receiving.retry, row.key, " ")
    steps.deploy(process("claim", start(), service("look"), end()))
    assert engine.execute(receiving.retry, row.key, "deployed").result is Result.STARTED
    assert receiving.all_set_aside(engine) == []
    assert receiving.receive(engine, mapped, event()).result is Result.DUPLICATE
    assert [each.operation for each in lists.audit(engine, entity="INBOUND_EVENT").items] == ["RETRY"]


def test_sender_that_tries_again_takes_it_off_what_was_set_aside(engine, steps, source):
    mapped = source(process="claim")
    receiving.receive(engine, mapped, event())
    steps.deploy(process("claim", start(), service("look"), end()))
    assert receiving.receive(engine, mapped, event()).result is Result.STARTED
    assert receiving.all_set_aside(engine) == []


def test_process_that_is_paused_sets_its_starts_aside(engine, shop, source):
    engine.execute(pausing.pause, "claim", "month end")
    assert "paused" in receiving.receive(engine, source(process="claim"), event()).error
    [row] = receiving.all_set_aside(engine)
    engine.execute(receiving.discard, row.key, "too late")
    assert receiving.all_set_aside(engine) == []


def test_batch_is_taken_event_by_event(engine, shop, source):
    batch = event([{**PAID, "id": str(number), "subject": str(number)} for number in range(3)],
                  content_type="application/cloudevents-batch+json")
    mapped = source()
    assert [receiving.receive(engine, mapped, each).result for each in arrivals.split(batch)] == [Result.KEPT] * 3
    with pytest.raises(InvalidInput):
        arrivals.split(event(PAID, content_type="application/cloudevents-batch+json"))


def test_ids_are_forgotten_after_a_month_and_what_is_set_aside_has_a_limit(engine, clock, shop, source, monkeypatch):
    monkeypatch.setattr(receiving, "OLDEST", receiving.OLDEST.offset(1))
    mapped = source(process="claim")
    receiving.receive(engine, mapped, event())
    for _ in range(4):
        receiving.receive(engine, mapped, event(b"{", content_type="application/json"))
    assert engine.execute(receiving.forget) == 2
    assert len(receiving.all_set_aside(engine)) == 2
    clock.advance(days=31)
    assert engine.execute(receiving.forget) == 1
    assert receiving.receive(engine, mapped, event()).result is Result.STARTED


@pytest.mark.parametrize(("arguments", "words"), [
    ({"name": "a/b"}, "name"), ({"address": "amqp://h?exchange=x"}, "queue="), ({"address": "http://h/"}, "broker"),
    ({"address": "nats://h?subject=a"}, "stream="), ({"address": "redis://h?stream=s", "proof": "hmac"}, "broker"),
    ({}, "secret"), ({"secret": "s", "proof": "magic"}, "signature"), ({"secret": "s", "header": "X-A"}, "hmac"),
    ({"secret": "s", "mapping": {"message": "a", "process": "b"}}, "both"),
    ({"secret": "s", "mapping": {"message": "=1 +"}}, "FEEL"), ({"secret": "s", "mapping": {"keep": "P60D"}}, "30"),
    ({"secret": "s", "mapping": {"keep": "soon"}}, "ISO"), ({"secret": "s", "mapping": {"business_id": "=1"}}, "start"),
    ({"secret": "s", "mapping": {"process": "p", "keep": "PT1H"}}, "messages only"),
])
def test_sources_that_cannot_be_are_refused(engine, arguments, words):
    with pytest.raises(InvalidInput, match=words):
        engine.execute(sources.add, **{"name": "ok", **arguments})
    assert sources.all_of_them(engine) == ()


def test_sources_are_paused_and_removed_with_what_is_theirs(engine, shop, source):
    receiving.receive(engine, source(), event(b"{"))
    with pytest.raises(Conflict):
        source()
    with pytest.raises(Rejection):
        engine.execute(sources.pause, "shop", paused=True, reason="")
    engine.execute(sources.pause, "shop", paused=True, reason="moving")
    assert sources.named(engine, "shop").paused
    engine.execute(sources.remove, "shop", "gone")
    assert sources.all_of_them(engine) == ()
    assert receiving.all_set_aside(engine) == []
    assert [each.operation for each in lists.audit(engine, entity="INBOUND_SOURCE").items] == [
        "DELETE", "PAUSE", "CREATE"]


def test_expression_that_fails_or_gives_the_wrong_thing_sets_aside(engine, shop, source):
    for number, mapping in enumerate(({"correlation_key": "=body"}, {"message": "=null"}, {"variables": "5"})):
        assert receiving.receive(engine, source(f"s{number}", **mapping), event()).result is Result.SET_ASIDE
