"""Decisions: evaluated on request."""

from __future__ import annotations

from typing import Any

from flask import Response

from bpmn.dmn.outcome import EvaluatedDecision, MatchedRule
from engine import decisions
from engine.columns import to_json
from engine.decisions import Evaluated
from engine.queries.decisions import DecisionRow, of_graph
from engine.transaction import Transaction
from web.answers import written
from web.auth.roles import Permission
from web.body import body
from web.camunda8 import formats
from web.camunda8.blueprint import acting, bp, engine
from web.camunda8.tenants import check_same, the_tenant


@bp.post("/decision-definitions/evaluation")
def evaluate_decision() -> Response:
    """Evaluate a decision by its id (the newest version) or by its key."""
    asked = body()
    named = asked.text("tenantId")
    by_key = asked.key("decisionDefinitionKey")
    return written(acting().execute(
        _evaluate, named, None if by_key is not None else asked.required_text("decisionDefinitionId"),
        asked.mapping("variables"), decision_key=by_key, tenant_id=the_tenant(named, Permission.DECIDE),
    ))


def _evaluate(tx: Transaction, named: str | None, decision_id: str | None, variables: dict[str, Any], *,
              decision_key: int | None, tenant_id: str) -> str:
    made = decisions.evaluate(tx, decision_id, variables, decision_key=decision_key, tenant_id=tenant_id)
    if decision_key is not None:
        check_same(named, made.tenant_id, "a decision definition", decision_key)
    return to_json(_answer(made))


def _answer(made: Evaluated) -> dict[str, Any]:
    tenant_id = made.tenant_id
    deployed = of_graph(engine(), made.requirements_key)
    evaluation_key = formats.key(made.evaluation_key)
    return {
        "decisionDefinitionId": made.decision_id, "decisionDefinitionKey": formats.key(made.decision_key),
        "decisionDefinitionName": made.name, "decisionDefinitionVersion": made.version,
        "decisionEvaluationKey": evaluation_key, "decisionInstanceKey": evaluation_key,
        "decisionRequirementsId": made.requirements_id, "decisionRequirementsKey": formats.key(made.requirements_key),
        "evaluatedDecisions": [
            _evaluated(each, deployed.get(each.id), tenant_id) | {
                "decisionEvaluationInstanceKey": f"{evaluation_key}-{index}",
            }
            for index, each in enumerate(made.outcome.decisions, 1)
        ],
        "failedDecisionDefinitionId": None, "failureMessage": None, "output": to_json(made.outcome.output),
        "tenantId": tenant_id,
    }


def _evaluated(decision: EvaluatedDecision, deployed: DecisionRow | None, tenant_id: str) -> dict[str, Any]:
    return {
        "decisionDefinitionId": decision.id, "decisionDefinitionName": decision.name,
        # One that was imported from another file is not of this graph.
        "decisionDefinitionVersion": deployed.version if deployed else 1,
        "decisionDefinitionKey": formats.key(deployed.key) if deployed else "-1",
        "decisionDefinitionType": decision.kind, "output": to_json(decision.output), "tenantId": tenant_id,
        "matchedRules": [_matched(rule) for rule in decision.rules],
        "evaluatedInputs": [
            {"inputId": each.id, "inputName": each.name, "inputValue": to_json(each.value)} for each in decision.inputs
        ],
    }


def _matched(rule: MatchedRule) -> dict[str, Any]:
    return {
        "ruleId": rule.id, "ruleIndex": rule.index,
        "evaluatedOutputs": [
            {"outputId": each.id, "outputName": each.name, "outputValue": to_json(each.value), "ruleId": rule.id,
             "ruleIndex": rule.index}
            for each in rule.outputs
        ],
    }
