"""What people, workers and models give: too long, not storable, or of the wrong kind."""

from __future__ import annotations

import pytest

from engine import definitions, instances, messages, signals, variables
from engine.errors import DeploymentRefused, InvalidInput
from engine.queries import lists
from engine.work import jobs
from tests.engine import drawing
from tests.engine.drawing import catch, end, message, message_of, process, script, service, start

LONG = "x" * 300


@pytest.fixture
def order(steps):
    steps.deploy(process("order", start(), service("work"), end()))
    return steps.start("order")


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", {1: object}, {"": [float]}])
def test_value_that_cannot_be_kept_is_rejected_or_kept_as_text(engine, steps, order, value):
    if isinstance(value, str):
        with pytest.raises(InvalidInput):
            engine.execute(variables.set, order, {"v": value})
    else:
        engine.execute(variables.set, order, {"v": value})
        assert isinstance(steps.variables(order)["v"], dict)


def test_value_that_contains_itself_is_rejected(engine, order):
    circle: list = []
    circle.append(circle)
    with pytest.raises(InvalidInput):
        engine.execute(variables.set, order, {"v": circle})


@pytest.mark.parametrize("given", [
    {"business_id": "x" * 1001}, {"start_key": LONG}, {"correlation_id": LONG}, {"trace_parent": LONG},
    {"business_id": "a\x00b"}, {"start_key": "\ud800"},
])
def test_identities_that_are_too_long_or_not_storable_are_rejected(engine, order, given):
    with pytest.raises(InvalidInput, match="Expected"):
        engine.execute(instances.start, "order", **given)


def test_names_of_messages_and_signals_are_checked(engine, order):
    for name, key in ((LONG, None), ("paid", LONG), ("a\x00", None)):
        with pytest.raises(InvalidInput):
            engine.execute(messages.publish, name, key)
        with pytest.raises(InvalidInput):
            engine.execute(messages.correlate, name, correlation_key=key)
    with pytest.raises(InvalidInput):
        engine.execute(signals.broadcast, LONG)


def test_error_message_of_a_worker_is_kept_as_far_as_it_can_be(engine, steps, order):
    [job] = steps.take("work")
    engine.execute(jobs.fail, job.key, "broken \x00 \ud800" + LONG, retries=0)
    [incident] = lists.incidents(engine).items
    assert incident.message.startswith("broken \ufffd ")
    steps.resolve()
    steps.do("work")
    assert steps.state(order) == "COMPLETED"


def test_what_an_expression_makes_of_it_is_kept_as_far_as_it_can_be(steps):
    steps.deploy(process("odd", start(), script("s", "=substring(a, 1, 1)", "b"), service("work"), end()))
    key = steps.start("odd", {"a": "ab"})
    assert steps.variables(key)["b"] == "a"


def test_job_type_that_is_too_long_is_an_incident(engine, steps):
    steps.deploy(process("odd", start(), service("work", "=type"), end()))
    key = steps.start("odd", {"type": LONG})
    [incident] = lists.incidents(engine).items
    assert "300" in incident.message
    engine.execute(variables.set, key, {"type": "short"})
    steps.resolve()
    steps.do("short")
    assert steps.state(key) == "COMPLETED"


def test_correlation_key_that_is_too_long_is_an_incident(engine, steps):
    steps.deploy(message_of("paid", "paid", "=id"), process("odd", start(), catch("wait", message("paid")), end()))
    key = steps.start("odd", {"id": LONG})
    [incident] = lists.incidents(engine).items
    assert "correlation key" in incident.message
    engine.execute(variables.set, key, {"id": "1"})
    steps.resolve()
    assert engine.execute(messages.publish, "paid", "1").instance_keys == (key,)


def test_ids_and_names_that_are_too_long_are_refused_at_deploy(engine):
    with pytest.raises(DeploymentRefused, match="255"):
        engine.execute(definitions.deploy, [drawing.file(process("order", start(), service(LONG, "work"), end()))])
    with pytest.raises(DeploymentRefused, match="255"):
        engine.execute(definitions.deploy, [drawing.file(
            message_of("m", LONG), process("order", start(event=message("m")), end()))])
