"""Process definitions."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.queries import definitions
from engine.queries.forms import has_start_form
from engine.queries.searches import DEFINITIONS, FoundDefinition
from web.body import key_of
from web.camunda8 import formats
from web.camunda8.blueprint import bp, engine
from web.camunda8.searching import Field, Kind, as_flag, as_key, as_number


def _written(found: FoundDefinition) -> dict[str, Any]:
    return {
        "name": found.name, "resourceName": found.resource_name, "version": found.version,
        "versionTag": found.version_tag, "processDefinitionId": found.process_id, "tenantId": found.tenant_id,
        "processDefinitionKey": formats.key(found.key), "state": "ACTIVE",
        "hasStartForm": has_start_form(engine(), found.key),
    }


KIND = Kind(
    what=DEFINITIONS, write=_written, noun="a process definition", key="processDefinitionKey",
    fields={
        "name": Field("name"), "isLatestVersion": Field("latest", as_flag), "resourceName": Field("resource_name"),
        "version": Field("version", as_number), "versionTag": Field("version_tag"),
        "processDefinitionId": Field("process_id"), "tenantId": Field("tenant_id"),
        "processDefinitionKey": Field("key", as_key),
    },
)


@bp.post("/process-definitions/search")
def search_definitions() -> Response:
    """Process definitions that fit."""
    return KIND.search()


@bp.get("/process-definitions/<key>")
def get_definition(key: str) -> Response:
    """One process definition."""
    return KIND.get(key)


@bp.get("/process-definitions/<key>/xml")
def get_xml(key: str) -> Response:
    """The file of a process definition, as it was deployed."""
    content = definitions.content(engine(), key_of(key, "processDefinitionKey"))
    return Response(content, content_type="text/xml")
