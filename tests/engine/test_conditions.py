"""Conditions: events that start an instance, and events that look at one variable."""

from __future__ import annotations

import pytest

from engine import conditions, variables
from engine.errors import DeploymentRefused, InvalidInput
from tests.engine.drawing import boundary, end, process, service, start


def condition(text: str, attributes: str = "") -> str:
    return (f"<bpmn:conditionalEventDefinition {attributes}><bpmn:condition "
            f'xsi:type="bpmn:tFormalExpression">{text}</bpmn:condition></bpmn:conditionalEventDefinition>')



def test_instances_start_where_the_condition_is_true_for_the_given_variables(engine, steps):
    # given
    for id, text in (("hot", "=degrees &gt; 30"), ("cold", "=degrees &lt; 0"), ("other", "=missing.a = 1")):
        steps.deploy(process(id, start("s", condition(text)), service("work"), end()), name=f"{id}.bpmn")

    # when
    [key] = engine.execute(conditions.evaluate, {"degrees": 35}, business_id="room 7")

    # then
    [job] = steps.take("work")
    assert (job.instance_key, job.process_id, job.variables, job.business_id) == (key, "hot", {"degrees": 35}, "room 7")
    assert engine.execute(conditions.evaluate, {"degrees": 20}) == []


def test_newest_version_alone_is_looked_at_unless_one_is_named(engine, steps):
    # given
    old = steps.deploy(process("p", start("s", condition("=x = 1")), service("work"), end())).definitions[0].key
    new = steps.deploy(process("p", start("s", condition("=x = 2")), service("work"), end())).definitions[0].key

    # then
    assert engine.execute(conditions.evaluate, {"x": 1}) == []
    assert len(engine.execute(conditions.evaluate, {"x": 1}, definition_key=old)) == 1
    assert len(engine.execute(conditions.evaluate, {"x": 2}, definition_key=new)) == 1


def test_definition_without_such_a_start_event_is_told(engine, steps):
    key = steps.deploy(process("p", start(), end())).definitions[0].key
    with pytest.raises(InvalidInput, match="conditional start event"):
        engine.execute(conditions.evaluate, {}, definition_key=key)


@pytest.mark.parametrize(("attributes", "fired"), [
    ('camunda:variableName="x"', ["x=1", "x=2"]),
    ('camunda:variableName="x" camunda:variableEvents="create"', ["x=1"]),
    ('camunda:variableName="x" camunda:variableEvents="update, delete"', ["x=2"]),
    ("", ["x=1"]),
])
def test_condition_that_names_a_variable_is_looked_at_when_that_changes(engine, steps, attributes, fired):
    # given
    steps.deploy7(process(
        "p", start(), '<bpmn:userTask id="t"/>', end(),
        boundary("b", "t", condition("${x &gt; 0}", attributes), interrupting=False), end("seen"),
        flows="start>t t>end b>seen"))
    key = steps.start("p")

    # when
    heard = []
    for name, value in (("y", 1), ("x", 1), ("y", 2), ("x", 1), ("x", 2), ("y", 3)):
        engine.cache._kept.clear()      # from what was saved
        before = steps.history(key).count("seen")
        engine.execute(variables.set, key, {name: value})
        heard += [f"{name}={value}"] * (steps.history(key).count("seen") - before)

    # then
    assert heard == fired


def test_variable_events_that_do_not_exist_are_refused(engine, steps):


    with pytest.raises(DeploymentRefused, match="some of create, update, delete"):
        steps.deploy7(process("p", start("s", condition("${x}", 'camunda:variableEvents="touch"')), end()))
