"""Decisions are deployed beside processes, and evaluated for business rule tasks."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import decisions, definitions, schema
from engine.errors import DeploymentRefused, InvalidInput, NotFound
from engine.queries import instance, lists
from tests.engine import drawing

DISCOUNT = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing"
                          namespace="t">
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
    with pytest.raises(InvalidInput, match=r"UNIQUE|one rule|Expected"):
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


COUNTED = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="counted" name="Counted"
    xmlns:camunda="http://camunda.org/schema/1.0/dmn" namespace="counted">
  <decision id="limit" name="Limit" camunda:versionTag="{tag}"><literalExpression><text>{value}</text>
  </literalExpression></decision></definitions>"""
SHOP = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="shop" name="Shop" namespace="shop">
  <import name="base" namespace="counted" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>
  <decision id="twice" name="Twice"><informationRequirement><requiredDecision href="counted#limit"/>
  </informationRequirement><literalExpression><text>base.Limit * 2</text></literalExpression></decision>
</definitions>"""


def counted(value, tag="none"):
    return definitions.Resource(name="counted.dmn", content=COUNTED.format(value=value, tag=tag).encode())


def shop():
    return definitions.Resource(name="shop.dmn", content=SHOP.encode())


def camunda7(attributes, decision="limit"):
    """A process of Camunda 7 with a business rule task, as Camunda Modeler writes it."""
    task = (f'<bpmn:businessRuleTask id="T" camunda:decisionRef="{decision}" camunda:resultVariable="found" '
            f'{attributes}/>')
    drawn = drawing.file(drawing.process("P", drawing.start(), task, drawing.end()), name="p.bpmn").content.decode()
    drawn = drawn.replace("Camunda Cloud", "Camunda Platform").replace(
        'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"', 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn"')
    return definitions.Resource(name="p.bpmn", content=drawn.encode())


@pytest.mark.parametrize(("binding", "expected"), [
    ("", 30), ('camunda:decisionRefBinding="latest"', 30), ('camunda:decisionRefBinding="deployment"', 10),
    ('camunda:decisionRefBinding="version" camunda:decisionRefVersion="2"', 20),
    ('camunda:decisionRefBinding="version" camunda:decisionRefVersion="${wanted}"', 20),
    ('camunda:decisionRefBinding="versionTag" camunda:decisionRefVersionTag="first"', 10),
])
def test_a_binding_says_which_version_of_a_decision_is_asked(engine, steps, binding, expected):
    # given three versions, of which the first came with the process
    attributes = f'{binding} camunda:mapDecisionResult="singleEntry"'
    engine.execute(definitions.deploy, [camunda7(attributes), counted(10, "first")])
    for value in (20, 30):
        steps.engine.execute(definitions.deploy, [counted(value)])

    # when, then
    assert steps.variables(steps.start("P", {"wanted": 2}))["found"] == expected


def test_a_decision_deployed_earlier_and_unchanged_belongs_to_a_deployment_too(engine, steps, clock):
    # given a decision that came before the process, was deployed again with it, and changed later
    engine.execute(definitions.deploy, [counted(10)])
    clock.advance(seconds=1)
    engine.execute(definitions.deploy, [
        counted(10), camunda7('camunda:decisionRefBinding="deployment" camunda:mapDecisionResult="singleEntry"')])
    clock.advance(seconds=1)
    engine.execute(definitions.deploy, [counted(20)])

    # when, then
    assert steps.variables(steps.start("P"))["found"] == 10


@pytest.mark.parametrize("binding", [
    'camunda:decisionRefBinding="version" camunda:decisionRefVersion="7"',
    'camunda:decisionRefBinding="version" camunda:decisionRefVersion="${wanted}"',
    'camunda:decisionRefBinding="versionTag" camunda:decisionRefVersionTag="unknown"',
])
def test_a_version_that_is_not_there_is_an_incident(engine, steps, binding):
    engine.execute(definitions.deploy, [camunda7(binding), counted(10)])
    steps.start("P", {"wanted": "a lot"})
    [incident] = lists.incidents(engine).items
    assert incident.type == "DECISION_EVALUATION_ERROR"


@pytest.mark.parametrize(("mapping", "expected"), [
    ("singleEntry", 0), ("singleResult", {"percent": 0}), ("collectEntries", [0]), ("resultList", [{"percent": 0}]),
])
def test_results_take_the_shape_that_a_camunda_7_diagram_asks_for(engine, steps, mapping, expected):
    task = camunda7(f'camunda:mapDecisionResult="{mapping}"', decision="discount")
    engine.execute(definitions.deploy, [task, model()])
    assert steps.variables(steps.start("P", {"amount": 5}))["found"] == expected


@pytest.mark.parametrize("together", [True, False])
def test_a_decision_imports_from_its_own_deployment_and_from_earlier_ones(engine, together):
    # given
    if together:
        engine.execute(definitions.deploy, [shop(), counted(10)])
    else:
        engine.execute(definitions.deploy, [counted(10)])
        engine.execute(definitions.deploy, [shop()])

    # when it is read anew, as another node would
    engine.decision_models.clear()

    # then
    assert engine.execute(decisions.evaluate, "twice", {}).outcome.output == 20


def test_a_changed_import_makes_a_new_version_of_what_imports_it(engine):
    engine.execute(definitions.deploy, [shop(), counted(10)])
    changed = engine.execute(definitions.deploy, [shop(), counted(15)])
    assert [decision.version for decision in changed.decisions] == [2, 2]
    assert engine.execute(decisions.evaluate, "twice", {}).outcome.output == 30
    # and alone, what was deployed before stays with what it imported then
    engine.execute(definitions.deploy, [counted(20)])
    assert engine.execute(decisions.evaluate, "twice", {}).outcome.output == 30


def test_an_import_that_was_never_deployed_is_refused(engine):
    with pytest.raises(DeploymentRefused, match="counted"):
        engine.execute(definitions.deploy, [shop()])


def test_the_reason_for_a_null_is_kept_with_the_evaluation(engine):
    engine.execute(definitions.deploy, [counted("amount.vat")])
    engine.execute(decisions.evaluate, "limit", {"amount": 5})
    with engine.read() as connection:
        [row] = connection.execute(select(schema.decision_evaluations)).fetchall()
    assert (row.output, len(row.warnings)) == (None, 1)


@pytest.mark.parametrize("name", ["other.dmn", "pricing.dmn"])
def test_two_files_with_the_same_graph_are_refused_with_a_sentence(engine, name):
    other = model().content.replace(b'id="discount"', b'id="rebate"')
    for same, what in ((other, "requirements graph once, but 'pricing'"), (model().content, "decision once, but 'dis")):
        with pytest.raises(DeploymentRefused, match=what):
            engine.execute(definitions.deploy, [model(), definitions.Resource(name=name, content=same)])
    with engine.read() as connection:
        assert connection.execute(select(schema.requirements)).all() == []


def test_a_diagram_that_is_uploaded_twice_is_refused_with_a_sentence(engine):
    with pytest.raises(DeploymentRefused, match=r"each process once, but 'P' is in p\.bpmn"):
        engine.execute(definitions.deploy, [process(), process()])
