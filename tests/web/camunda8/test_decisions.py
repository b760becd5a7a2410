"""Decisions are deployed beside processes and evaluated on request."""

from __future__ import annotations

import pytest

from tests.web.camunda8 import shapes

DISCOUNT = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="pricing" name="Pricing"
  namespace="t">
  <decision id="discount" name="Discount"><decisionTable id="table">
    <input id="i1" label="Amount"><inputExpression id="ie1"><text>amount</text></inputExpression></input>
    <output id="o1" name="percent" label="Percent"/>
    <rule id="r1"><inputEntry id="e1"><text>&lt; 100</text></inputEntry>
      <outputEntry id="x1"><text>0</text></outputEntry></rule>
    <rule id="r2"><inputEntry id="e2"><text>&gt;= 100</text></inputEntry>
      <outputEntry id="x2"><text>10</text></outputEntry></rule>
  </decisionTable></decision></definitions>"""


@pytest.fixture
def deployed(api):
    return api.upload(("pricing.dmn", DISCOUNT))["deployments"]


def test_a_deployment_lists_decisions_and_their_graph(deployed):
    (decision,), (graph,) = ([thing for thing in each.values() if thing] for each in deployed)
    shapes.check(decision, frozenset({
        "decisionDefinitionId", "version", "name", "tenantId", "decisionRequirementsId", "decisionDefinitionKey",
        "decisionRequirementsKey"}))
    shapes.check(graph, frozenset({
        "decisionRequirementsId", "decisionRequirementsName", "version", "resourceName", "tenantId",
        "decisionRequirementsKey"}))
    for each in deployed:
        shapes.check(each, shapes.DEPLOYED)
    assert [each["decisionDefinition"] for each in deployed] == [decision, None]
    assert (decision["decisionDefinitionId"], graph["resourceName"]) == ("discount", "pricing.dmn")


def test_a_decision_is_evaluated_by_id_and_by_key(api, deployed):
    key = deployed[0]["decisionDefinition"]["decisionDefinitionKey"]
    for which in ({"decisionDefinitionId": "discount"}, {"decisionDefinitionKey": key}):
        made = api.post("/decision-definitions/evaluation", {**which, "variables": {"amount": 250}})
        assert (made["output"], made["decisionDefinitionKey"]) == ("10", key)
        [evaluated] = made["evaluatedDecisions"]
        assert evaluated["evaluatedInputs"] == [{"inputId": "i1", "inputName": "Amount", "inputValue": "250"}]
        [rule] = evaluated["matchedRules"]
        assert (rule["ruleId"], rule["ruleIndex"], rule["evaluatedOutputs"][0]["outputValue"]) == ("r2", 2, "10")
        assert (evaluated["decisionDefinitionKey"], evaluated["decisionDefinitionType"]) == (key, "DECISION_TABLE")


def test_an_unknown_decision_is_not_found(api):
    api.post("/decision-definitions/evaluation", {"decisionDefinitionId": "nothing"}, status=404)
    api.post("/decision-definitions/evaluation", {}, status=400)
