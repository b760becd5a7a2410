"""Business events: what a diagram throws goes to the target that it names, drawn for Camunda 8 and for Camunda 7."""

from __future__ import annotations

import pytest

from engine.errors import NotFound
from engine.events import outbox, targets
from tests.engine.drawing import end, inside, message_of, process, service, signal, signal_of, start, throw

ADDRESS = "http://127.0.0.1:9/hook"
SAYS_8 = ('<zeebe:properties><zeebe:property name="eventTarget" value="billing"/>'
          '<zeebe:property name="eventType" value="=&quot;com.example.&quot; + kind"/></zeebe:properties>')
SAYS_7 = ('<camunda:properties><camunda:property name="eventTarget" value="billing"/>'
          '<camunda:property name="eventType" value="=&quot;com.example.&quot; + kind"/></camunda:properties>')
INPUT_8 = '<zeebe:ioMapping><zeebe:input source="=order" target="orderId"/></zeebe:ioMapping>'
INPUT_7 = ('<camunda:inputOutput><camunda:inputParameter name="orderId">${order}</camunda:inputParameter>'
           "</camunda:inputOutput>")
TASK_8 = ('<zeebe:taskDefinition type="partitur.event"/><zeebe:taskHeaders><zeebe:header key="eventTarget" '
          'value="billing"/><zeebe:header key="eventType" value="com.example.paid"/></zeebe:taskHeaders>')


def extended(inner):
    return f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>"


def event(tag, inner, definition, id="shout"):
    return f'<bpmn:{tag} id="{id}">{extended(inner)}{definition}</bpmn:{tag}>'


def sent(inner="", attributes=""):
    return f'<bpmn:messageEventDefinition messageRef="m" {attributes}>{extended(inner)}</bpmn:messageEventDefinition>'


PUBLISHED = sent('<zeebe:publishMessage correlationKey="=order"/>')
EXTERNAL = sent(attributes='camunda:type="external" camunda:topic="partitur.event"')
TASK_7 = 'camunda:type="external" camunda:topic="partitur.event"'
DRAWN = {
    "message throw, 8": (8, event("intermediateThrowEvent", SAYS_8 + INPUT_8, PUBLISHED), "paid"),
    "message throw with a job type, 8": (8, event("intermediateThrowEvent", TASK_8 + INPUT_8, sent()), "paid"),
    "signal throw, 8": (8, event("intermediateThrowEvent", SAYS_8 + INPUT_8, signal("g")), "go"),
    "send task, 8": (8, f'<bpmn:sendTask id="shout" name="Tell">{extended(TASK_8 + INPUT_8)}</bpmn:sendTask>', "Tell"),
    "message throw, 7": (7, event("intermediateThrowEvent", SAYS_7 + INPUT_7, EXTERNAL), "paid"),
    "signal throw, 7": (7, event("intermediateThrowEvent", SAYS_7, (
        '<bpmn:signalEventDefinition signalRef="g"><bpmn:extensionElements><camunda:in source="order" '
        'target="orderId"/></bpmn:extensionElements></bpmn:signalEventDefinition>')), "go"),
    "send task, 7": (7, f'<bpmn:sendTask id="shout" name="Tell" {TASK_7}>{extended(SAYS_7 + INPUT_7)}</bpmn:sendTask>',
                     "Tell"),
    "signal end, 8": (8, event("endEvent", SAYS_8 + INPUT_8, signal("g"), "last"), "go"),
    "message end, 7": (7, event("endEvent", SAYS_7 + INPUT_7, EXTERNAL, "last"), "paid"),
    "signal end, 7": (7, event("endEvent", SAYS_7, (
        '<bpmn:signalEventDefinition signalRef="g"><bpmn:extensionElements><camunda:in source="order" '
        'target="orderId"/></bpmn:extensionElements></bpmn:signalEventDefinition>'), "last"), "go"),
    "message end, 8": (8, event("endEvent", TASK_8 + INPUT_8, sent(), "last"), "paid"),
}


def deploy(steps, dialect, *nodes):
    drawn = (message_of("m", "paid"), signal_of("g", "go"), process("sender", start(), *nodes))
    (steps.deploy if dialect == 8 else steps.deploy7)(*drawn)


def waiting(engine):
    return engine.execute(outbox.claim)


@pytest.mark.parametrize("drawn", DRAWN)
def test_what_names_a_target_goes_there(engine, steps, drawn):
    # given a target that wants nothing by itself, so new that this process has not heard of it
    engine.execute(targets.add, "billing", ADDRESS, types=["nothing.else"])
    dialect, node, name = DRAWN[drawn]
    deploy(steps, dialect, node, *(() if "last" in node else (end(),)))

    # when
    key = steps.start("sender", {"order": "7", "kind": "paid", "card": "4711"})

    # then it has the type that the diagram gives it, and what its mapping made, and nothing else of the instance
    assert steps.state(key) == "COMPLETED"
    [told] = waiting(engine)
    assert (told.target, told.type, told.body["type"]) == ("billing", "com.example.paid", "com.example.paid")
    assert told.body["subject"] == str(key)
    assert told.body["data"]["variables"] == {"orderId": "7"}
    assert told.body["data"]["name"] == name
    assert told.body["data"]["processId"] == "sender"
    assert steps.left_behind() == {}


MANY_8 = ('<bpmn:multiInstanceLoopCharacteristics isSequential="{}"><bpmn:extensionElements><zeebe:loopCharacteristics '
          'inputCollection="=orders" inputElement="order"/></bpmn:extensionElements>'
          "</bpmn:multiInstanceLoopCharacteristics>")
MANY_7 = ('<bpmn:multiInstanceLoopCharacteristics isSequential="{}" camunda:collection="${{orders}}" '
          'camunda:elementVariable="order"/>')


@pytest.mark.parametrize("one_by_one", ["true", "false"])
@pytest.mark.parametrize("dialect", [7, 8])
def test_each_of_many_in_a_sub_process_throws_with_what_it_sees(engine, steps, dialect, one_by_one):
    engine.execute(targets.add, "billing", ADDRESS, types=["nothing.else"])
    shout = DRAWN["message throw, 8" if dialect == 8 else "message throw, 7"][1]
    done = DRAWN["signal end, 8" if dialect == 8 else "signal end, 7"][1]
    many = (MANY_8 if dialect == 8 else MANY_7).format(one_by_one)
    inner = inside(start("b"), shout, done)
    deploy(steps, dialect, f'<bpmn:subProcess id="each">{inner}{many}</bpmn:subProcess>', end())

    key = steps.start("sender", {"orders": ["1", "2", "3"], "kind": "paid"})

    assert steps.state(key) == "COMPLETED"
    told = []
    while found := waiting(engine):
        told += [(event.body["data"]["elementId"], event.body["data"]["variables"]["orderId"]) for event in found]
        assert {event.instance_key for event in found} == {key}
        engine.execute(outbox.delivered, found)
    for element in ("shout", "last"):
        assert [order for each, order in told if each == element] == ["1", "2", "3"]
    assert len(told) == 6
    assert steps.left_behind() == {}


def test_target_that_is_not_there_leaves_a_dead_letter_that_can_be_sent_when_it_is(engine, steps):
    deploy(steps, 8, event("intermediateThrowEvent", SAYS_8, PUBLISHED), end())
    assert steps.state(steps.start("sender", {"order": "7", "kind": "paid"})) == "COMPLETED"
    [dead] = outbox.dead_letters(engine)
    assert (dead.target, dead.error) == ("billing", "Expected a target of events named 'billing', but there is none.")
    with pytest.raises(NotFound, match="billing"):
        engine.execute(outbox.revive, dead.key, "try")
    engine.execute(targets.add, "billing", ADDRESS, types=["nothing.else"])
    engine.execute(outbox.revive, dead.key, "it is there now")
    [told] = waiting(engine)
    assert (told.event_id, told.target) == (dead.event_id, "billing")
    assert outbox.dead_letters(engine) == []


def test_own_types_can_be_subscribed_to_and_no_one_else_gets_them(engine, clock, steps):
    for name, wanted in (("shop", "com.example.*"), ("bank", "org.bank.*")):
        engine.execute(targets.add, name, ADDRESS, types=[wanted])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    says = SAYS_8.replace('<zeebe:property name="eventTarget" value="billing"/>', "")
    deploy(steps, 8, event("intermediateThrowEvent", says, signal("g")), end())
    steps.start("sender", {"kind": "shipped"})
    [told] = waiting(engine)
    assert (told.target, told.type) == ("shop", "com.example.shipped")


def test_events_of_an_instance_that_throws_stay_in_order(engine, clock, steps):
    engine.execute(targets.add, "all", ADDRESS, types=["partitur.message.thrown", "partitur.job.created"])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    job = TASK_8.replace('<zeebe:header key="eventType" value="com.example.paid"/>', "").replace("billing", "all")
    deploy(steps, 8, throw("one", PUBLISHED), service("work"),
           f'<bpmn:sendTask id="two">{extended(job)}</bpmn:sendTask>', end())
    steps.start("sender", {"order": "7"})
    steps.do("work")
    order = []
    while found := waiting(engine):
        [told] = found
        order.append((told.type, told.body["data"]["elementId"]))
        engine.execute(outbox.delivered, found)
    # The one that throws has no job for anybody.
    assert order == [("partitur.message.thrown", "one"), ("partitur.job.created", "work"),
                     ("partitur.message.thrown", "two")]
