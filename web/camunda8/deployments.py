"""Deployments: Camunda Modeler's Deploy button."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine import definitions
from engine.definitions import DeployedDefinition, Resource
from engine.errors import InvalidInput
from web.body import printable
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp
from web.camunda8.tenants import the_tenant


@bp.post("/deployments")
def deploy() -> Response:
    """Deploy the files in the parts named `resources`, all or none.

    What is wrong with them stands in the answer's `detail`, one line for each problem; Camunda Modeler shows that.
    """
    tenant_id = the_tenant(request.form.get("tenantId"))
    resources = [
        Resource(name=printable(part.filename or "", "filename"), content=part.read())
        for part in request.files.getlist("resources")
    ]
    if not resources:
        raise InvalidInput("Expected files in multipart parts named 'resources', but there are none.")
    made = acting().execute(definitions.deploy, resources, source="Camunda 8 REST", tenant_id=tenant_id)
    return answer({
        "deploymentKey": formats.key(made.key), "tenantId": made.tenant_id,
        "deployments": [_deployed(definition) for definition in made.definitions],
    })


def _deployed(definition: DeployedDefinition) -> dict[str, Any]:
    return {
        "processDefinition": {
            "processDefinitionId": definition.process_id, "processDefinitionVersion": definition.version,
            "resourceName": definition.resource_name, "tenantId": definition.tenant_id,
            "processDefinitionKey": formats.key(definition.key),
        },
        "decisionDefinition": None, "decisionRequirements": None, "form": None, "resource": None,
    }
