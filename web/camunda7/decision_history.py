"""The history of decisions: what was evaluated, with which inputs, and what came of it.

One entry for each decision that was asked for; those that it requires are evaluated for it, and are not listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from engine.errors import NotFound
from engine.queries.criteria import one
from engine.queries.evaluations import EVALUATIONS, FoundEvaluation
from web.camunda7 import formats, known, values
from web.camunda7.blueprint import answer, bp, engine
from web.camunda7.listing import Asked, Kind, serve
from web.camunda7.parameters import (
    TENANTS,
    after,
    any_key_of,
    any_of,
    before,
    definition,
    field,
    key,
    like,
    only_if,
)


def _written(found: FoundEvaluation) -> dict[str, Any]:
    asked = Asked.here()
    own: Mapping[str, Any] = next((each for each in reversed(found.decisions) if each["id"] == found.decision_id), {})
    of_definition = None if found.definition_key is None else known.definition_id(found.definition_key)
    return {
        "id": formats.id(found.key), "removalTime": None, "userId": None, "collectResultValue": None,
        "decisionDefinitionId": formats.definition_id(found.decision_id, found.version, found.decision_key),
        "decisionDefinitionKey": found.decision_id, "decisionDefinitionName": found.name,
        "evaluationTime": formats.date(found.evaluated_at), "processDefinitionId": of_definition,
        "processDefinitionKey": found.process_id, "processInstanceId": formats.id(found.instance_key),
        "caseDefinitionId": None, "caseDefinitionKey": None, "caseInstanceId": None, "activityId": found.element_id,
        "activityInstanceId": formats.id(found.element_instance_key),
        "inputs": _inputs(found, own) if asked.flag("includeInputs") else None,
        "outputs": _outputs(found, own) if asked.flag("includeOutputs") else None,
        "rootDecisionInstanceId": None, "rootProcessInstanceId": formats.id(found.root_key),
        "decisionRequirementsDefinitionId": formats.definition_id(
            found.requirements_id, found.requirements_version, found.requirements_key),
        "decisionRequirementsDefinitionKey": found.requirements_id, "tenantId": formats.tenant(found.tenant_id),
    }


def _of(found: FoundEvaluation, clause: Any, place: str) -> dict[str, Any]:
    return values.written(clause["value"]) | {
        "id": f"{found.key}-{place}", "decisionInstanceId": formats.id(found.key), "clauseId": clause["id"],
        "clauseName": clause["name"], "errorMessage": None, "createTime": formats.date(found.evaluated_at),
        "removalTime": None, "rootProcessInstanceId": formats.id(found.root_key),
    }


def _inputs(found: FoundEvaluation, own: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_of(found, each, f"i{place}") for place, each in enumerate(own.get("inputs", ()))]


def _outputs(found: FoundEvaluation, own: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _of(found, each, f"o{rule['index']}-{place}") | {
            "ruleId": rule["id"], "ruleOrder": rule["index"], "variableName": each["name"]}
        for rule in own.get("rules", ()) for place, each in enumerate(rule["outputs"])
    ]


KIND = Kind(
    what=EVALUATIONS, write=_written,
    parameters={
        "decisionInstanceId": key("key"), "decisionInstanceIdIn": any_key_of("key"),
        "decisionDefinitionId": definition("decision_key"),
        "decisionDefinitionIdIn": any_key_of("decision_key", formats.definition_key),
        "decisionDefinitionKey": field("decision_id"), "decisionDefinitionKeyIn": any_of("decision_id"),
        "decisionDefinitionName": field("name"), "decisionDefinitionNameLike": like("name"),
        "decisionRequirementsDefinitionId": definition("requirements_key"),
        "decisionRequirementsDefinitionKey": field("requirements_id"), "processDefinitionId": definition(),
        "processDefinitionKey": field("process_id"), "processInstanceId": key("instance_key"),
        "activityIdIn": any_of("element_id"), "activityInstanceIdIn": any_key_of("element_instance_key"),
        "evaluatedBefore": before("evaluated_at"), "evaluatedAfter": after("evaluated_at"),
        "rootDecisionInstancesOnly": only_if("key", "exists", True), **TENANTS,
    },
    sorts={"evaluationTime": "evaluated_at", "tenantId": "tenant_id"},
    ignored=frozenset({"includeInputs", "includeOutputs", "disableBinaryFetching",
                       "disableCustomObjectDeserialization"}),
)


serve("/history/decision-instance", KIND, by_post=False)


@bp.get("/history/decision-instance/<id>")
def get_decision_instance(id: str) -> Response:
    """One evaluation."""
    found = one(engine(), EVALUATIONS, formats.key(id))
    if found is None:
        raise NotFound(f"Expected to find a historic decision instance with id {id}, but there is none.")
    return answer(_written(found))
