"""Deployments: Camunda Modeler's Deploy button."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine import definitions
from engine.decisions import DeployedDecision, DeployedRequirements
from engine.definitions import DeployedDefinition, Resource
from engine.errors import InvalidInput
from engine.forms import DeployedForm
from web.auth.roles import Permission
from web.body import printable
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp
from web.camunda8.tenants import the_tenant

NOTHING: dict[str, Any] = dict.fromkeys(
    ("processDefinition", "decisionDefinition", "decisionRequirements", "form", "resource")
)
"""Each thing that was deployed fills in one of these; strict clients want to see the others too."""


@bp.post("/deployments")
def deploy() -> Response:
    """Deploy the files in the parts named `resources`, all or none.

    What is wrong with them stands in the answer's `detail`, one line for each problem; Camunda Modeler shows that.
    """
    tenant_id = the_tenant(request.form.get("tenantId"), Permission.DEPLOY)
    resources = [
        Resource(name=printable(part.filename or "", "filename"), content=part.read())
        for part in request.files.getlist("resources")
    ]
    if not resources:
        raise InvalidInput("Expected files in multipart parts named 'resources', but there are none.")
    made = acting().execute(definitions.deploy, resources, source="Camunda 8 REST", tenant_id=tenant_id)
    return answer({
        "deploymentKey": formats.key(made.key), "tenantId": made.tenant_id,
        "deployments": [
            *(NOTHING | {"processDefinition": _process(each)} for each in made.definitions),
            *(NOTHING | {"decisionDefinition": _decision(each, made.tenant_id)} for each in made.decisions),
            *(NOTHING | {"decisionRequirements": _requirements(graph)}
              for graph in {each.requirements.key: each.requirements for each in made.decisions}.values()),
            *(NOTHING | {"form": _form(each)} for each in made.forms),
        ],
    })


def _process(made: DeployedDefinition) -> dict[str, Any]:
    return {
        "processDefinitionId": made.process_id, "processDefinitionVersion": made.version,
        "resourceName": made.resource_name, "tenantId": made.tenant_id, "processDefinitionKey": formats.key(made.key),
    }


def _decision(made: DeployedDecision, tenant_id: str) -> dict[str, Any]:
    return {
        "decisionDefinitionId": made.decision_id, "version": made.version, "name": made.name, "tenantId": tenant_id,
        "decisionRequirementsId": made.requirements.requirements_id, "decisionDefinitionKey": formats.key(made.key),
        "decisionRequirementsKey": formats.key(made.requirements.key),
    }


def _form(made: DeployedForm) -> dict[str, Any]:
    return {
        "formId": made.form_id, "version": made.version, "resourceName": made.resource_name,
        "tenantId": made.tenant_id, "formKey": formats.key(made.key),
    }


def _requirements(made: DeployedRequirements) -> dict[str, Any]:
    return {
        "decisionRequirementsId": made.requirements_id, "decisionRequirementsName": made.name, "version": made.version,
        "resourceName": made.resource_name, "tenantId": made.tenant_id,
        "decisionRequirementsKey": formats.key(made.key),
    }
