"""Variables: their values are written as JSON texts."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine.columns import to_json
from engine.queries.searches import VARIABLES, FoundVariable
from web.camunda8 import formats
from web.camunda8.blueprint import answer, bp
from web.camunda8.filters import VALUE
from web.camunda8.searching import Field, Kind, as_key

LONGEST_VALUE = 8191
"""Searches cut longer values, unless asked not to."""


def _in_full(found: FoundVariable) -> dict[str, Any]:
    return {
        "value": to_json(found.value), "name": found.name, "tenantId": found.tenant_id,
        "variableKey": formats.key(found.key), "scopeKey": formats.key(found.scope_key),
        "processInstanceKey": formats.key(found.instance_key), "rootProcessInstanceKey": formats.key(found.root_key),
    }


def _in_search(found: FoundVariable) -> dict[str, Any]:
    written = _in_full(found)
    value = written["value"]
    cut = len(value) > LONGEST_VALUE and request.args.get("truncateValues", "").lower() != "false"
    return written | {"value": value[:LONGEST_VALUE] if cut else value, "isTruncated": cut}


KIND = Kind(
    what=VARIABLES, write=_in_search, noun="a variable", key="variableKey",
    fields={
        "name": Field("name"), "tenantId": Field("tenant_id"), "variableKey": Field("key", as_key),
        "scopeKey": Field("scope_key", as_key), "processInstanceKey": Field("instance_key", as_key),
    },
    special={"value": VALUE.criteria},
)


@bp.post("/variables/search")
def search_variables() -> Response:
    """Variables that fit."""
    return KIND.search()


@bp.get("/variables/<key>")
def get_variable(key: str) -> Response:
    """One variable, its value in full."""
    return answer(_in_full(KIND.found(key)))
