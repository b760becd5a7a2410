"""Decisions are deployed beside processes, and evaluated for business rule tasks."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import decisions, definitions, schema
from engine.errors import DeploymentRefused, InvalidInput, NotFound
from engine.queries import instance, lists
from tests.engine import drawing

DISCOUNT = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing" namespace="t">
  <decision id="discount" name="Discount"><decisionTable id="table" hitPolicy="{hit}">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent"/>
    <rule id="r1"><inputEntry id="e1"><text>&lt; 100</text></inputEntry>
      <outputEntry id="x1"><text>0</text></outputEntry></rule>
    <rule id="r2"><inputEntry id="e2"><text>{second}</text></inputEntry>
      <outputEntry id="x2"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""

TASK = """<bpmn:businessRuleTask id="T"><bpmn:extensionElements>
  <zeebe:calledDecision decisionId="discount" resultVariable="discount"/></bpmn:extensionElements>
  </bpmn:businessRuleTask>"""


def model(hit="UNIQUE", second="&gt;= 100"):
    return definitions.Resource(name="pricing.dmn", content=DISCOUNT.format(hit=hit, second=second).encode())


def process():
    return drawing.file(drawing.process("P", drawing.start(), TASK, drawing.end()), name="p.bpmn")


def test_a_business_rule_task_takes_the_result_of_its_decision(engine, steps):
    engine.execute(definitions.deploy, [process(), model()])
    key = steps.start("P", {"amount": 250})
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key)["discount"] == 10
    with engine.read() as connection:
        [row] = connection.execute(select(schema.decision_evaluations)).fetchall()
    assert (row.instance_key, row.output, row.decisions[0]["rules"][0]["id"]) == (key, 10, "r2")


def test_a_decision_that_is_missing_is_an_incident_and_a_retry_finds_it(engine, steps):
    engine.execute(definitions.deploy, [process()])
    key = steps.start("P", {"amount": 5})
    [incident] = lists.incidents(engine).items
    assert incident.type == "DECISION_EVALUATION_ERROR"
    engine.execute(definitions.deploy, [model()])
    steps.resolve()
    assert steps.variables(key)["discount"] == 0
    assert instance.get(engine, key).state == "COMPLETED"


def test_the_newest_version_is_asked_and_the_same_file_makes_no_new_one(engine, steps):
    first = engine.execute(definitions.deploy, [model()])
    again = engine.execute(definitions.deploy, [model()])
    second = engine.execute(definitions.deploy, [model(second="&gt;= 50")])
    assert [d.decisions[0].version for d in (first, again, second)] == [1, 1, 2]
    assert first.decisions[0].key == again.decisions[0].key
    assert not again.decisions[0].created
    found = engine.execute(decisions.evaluate, "discount", {"amount": 150})
    assert (found.version, found.outcome.output) == (2, 10)


def test_two_rules_that_match_where_one_may_are_told_as_such(engine, steps):
    engine.execute(definitions.deploy, [process(), model(second="&lt; 200")])
    with pytest.raises(InvalidInput, match="UNIQUE|one rule|Expected"):
        engine.execute(decisions.evaluate, "discount", {"amount": 50})
    steps.start("P", {"amount": 50})
    [incident] = lists.incidents(engine).items
    assert incident.type == "DECISION_EVALUATION_ERROR"


def test_a_broken_model_refuses_the_whole_deployment(engine):
    with pytest.raises(DeploymentRefused) as refused:
        engine.execute(definitions.deploy, [process(), model(second="&gt;= &gt;=")])
    assert any(problem.resource_name == "pricing.dmn" for problem in refused.value.problems)
    with engine.read() as connection:
        assert connection.execute(select(schema.definitions)).first() is None


def test_an_unknown_decision_is_not_found(engine):
    with pytest.raises(NotFound, match="nope"):
        engine.execute(decisions.evaluate, "nope", {})


@pytest.mark.parametrize(("shape", "output", "expected"), [
    ("singleEntry", [{"a": 1}], 1), ("singleResult", [{"a": 1, "b": 2}], {"a": 1, "b": 2}),
    ("collectEntries", [{"a": 1}, {"a": 2}], [1, 2]), ("resultList", {"a": 1}, [{"a": 1}]),
    ("singleEntry", [], None), (None, {"a": 1}, {"a": 1}),
])
def test_results_take_the_shape_that_a_camunda_7_diagram_asks_for(shape, output, expected):
    assert decisions.shaped(output, shape) == expected
