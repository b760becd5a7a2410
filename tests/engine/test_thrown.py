"""Messages and signals that instances throw: what they carry, how long they are kept, and whom they start."""

from __future__ import annotations

import pytest

from engine.queries import lists
from tests.engine.drawing import catch, end, message, message_of, process, service, signal, signal_of, start


def sender(id: str, inner: str) -> str:
    event = (f'<bpmn:messageEventDefinition messageRef="m"><bpmn:extensionElements><zeebe:publishMessage {inner}/>'
             "</bpmn:extensionElements></bpmn:messageEventDefinition>")
    return f'<bpmn:intermediateThrowEvent id="{id}">{event}</bpmn:intermediateThrowEvent>'


@pytest.fixture
def receiver(steps):
    steps.deploy(message_of("m", "paid", "=order"), process(
        "receiver", start(), catch("wait", message("m")), service("got"), end()), name="receiver.bpmn")
    return steps


@pytest.mark.parametrize(("minutes", "reached"), [(59, ["got"]), (61, ["wait"])])
def test_thrown_message_is_kept_as_long_as_it_says(clock, receiver, minutes, reached):
    # given
    receiver.deploy(message_of("m", "paid"), process(
        "sender", start(), sender("throw", 'correlationKey="=order" timeToLive="=ttl"'), end()))
    receiver.start("sender", {"order": "7", "ttl": "PT1H"})

    # when
    clock.advance(minutes=minutes)
    key = receiver.start("receiver", {"order": "7"})

    # then
    assert receiver.at(key) == reached


def test_thrown_message_of_the_same_id_is_sent_once_while_it_is_kept(clock, receiver):
    # given
    receiver.deploy(message_of("m", "paid"), process(
        "sender", start(), sender("throw", 'correlationKey="=order" timeToLive="PT1H" messageId="=order"'), end()))
    receiver.start("sender", {"order": "7"})

    # when
    receiver.start("sender", {"order": "7"})
    keys = [receiver.start("receiver", {"order": "7"}) for _ in range(2)]

    # then
    assert [receiver.at(key) for key in keys] == [["got"], ["wait"]]
    clock.advance(hours=2)
    receiver.start("sender", {"order": "7"})
    assert receiver.at(keys[1]) == ["got"]


def test_time_to_live_that_is_no_duration_is_an_incident(engine, receiver):
    receiver.deploy(message_of("m", "paid"), process(
        "sender", start(), sender("throw", 'correlationKey="1" timeToLive="=ttl"'), end()))
    receiver.start("sender", {"ttl": "soon"})
    [incident] = lists.incidents(engine).items
    assert incident.message == (
        "Expected the time to live of the message to be an ISO 8601 duration such as PT1H, but it is 'soon'.")


@pytest.mark.parametrize(("inner", "given"), [
    ('<camunda:in source="a" target="x"/>', {"x": 1}),
    ('<camunda:in sourceExpression="${a + b}" target="sum"/><camunda:in source="b" target="b"/>', {"sum": 3, "b": 2}),
    ('<camunda:in variables="all"/>', {"a": 1, "b": 2}),
    ('<camunda:in businessKey="${key}"/>', {}),
])
def test_signal_of_camunda_7_carries_what_it_says(steps, inner, given):
    # given
    steps.deploy7(signal_of("g", "go"), process("started", start("s", signal("g")), WORK, end()),
                  name="started.bpmn")
    event = (f'<bpmn:signalEventDefinition signalRef="g"><bpmn:extensionElements>{inner}</bpmn:extensionElements>'
             "</bpmn:signalEventDefinition>")
    steps.deploy7(signal_of("g", "go"), process("sender", start(), end("e", event)))

    # when
    steps.start("sender", {"a": 1, "b": 2} | ({"key": "K7"} if "Key" in inner else {}))

    # then
    [job] = steps.take("work")
    assert job.variables == given
    assert job.business_id == ("K7" if "Key" in inner else None)


WORK = '<bpmn:serviceTask id="w" camunda:class="work"/>'
