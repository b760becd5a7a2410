"""The OpenAPI 3.1 document of the interface, made from its operations."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from web.api.operation import LARGEST_KEY, OPERATIONS, Operation, getting, schema_of

TEXT = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
PROBLEM = {
    "type": "object", "required": ["type", "title", "status", "detail", "instance"],
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                   "detail": {"type": "string"}, "instance": {"type": "string"}},
}


@getting("/api/openapi.json", "This document.")
def openapi_document() -> dict[str, Any]:
    """What there is under `/api`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Partitur", "version": metadata.version("partitur"),
            "description": "What scripts read: the same lists and filters as the pages; and what operators do. "
                           "To start instances and to work, use the interface of Camunda 8 (`/v2`) or that of "
                           "Camunda 7 (`/engine-rest`).",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": {"Problem": PROBLEM} | {
                operation.row.__name__: schema_of(operation.row) for operation in OPERATIONS if operation.row
            },
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"},
                                "bearer": {"type": "http", "scheme": "bearer"}},
        },
        # None of them, where nobody has to log in.
        "security": [{}, {"basic": []}, {"bearer": []}],
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(path_of(operation), {})[operation.method.lower()] = _described(operation)
    return paths


def path_of(operation: Operation) -> str:
    """The path as OpenAPI writes it, with its parameters in braces."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path)


def _described(operation: Operation) -> dict[str, Any]:
    in_path = re.findall(r"<(?:(\w+):)?(\w+)>", operation.path)
    statuses = {"400": "The request was not understood.", "401": "It has to be shown who asks.",
                "429": "Too many wrong tries.", "503": "The database does not answer."}
    if operation.body is not None:
        statuses |= {"404": "It is not there.", "409": "It is not possible in this state.", "413": "It is too large.",
                     "415": "The body is no JSON."}
    if in_path:
        statuses["404"] = "It is not there."
    return {
        "operationId": operation.name, "summary": operation.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True,
             "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST_KEY} if kind == "key" else TEXT}
            for kind, name in in_path
        ] + [parameter.described() for parameter in operation.parameters],
        **_body(operation),
        "responses": {
            "200": {"description": operation.summary, "content": {"application/json": {"schema": _answer(operation)}}},
        } | {status: {"description": description, "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"}}}} for status, description in statuses.items()},
    }


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is None:
        return {}
    content = {"application/json": {"schema": dict(operation.body)}}
    return {"requestBody": {"required": bool(operation.body["required"]), "content": content}}


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.row is None:
        return dict(operation.schema)
    row = {"$ref": f"#/components/schemas/{operation.row.__name__}"}
    if not operation.is_list:
        return row
    return {"type": "object", "required": ["items", "total", "more"], "properties": {
        "items": {"type": "array", "items": row}, "total": {"type": "integer", "description": "How many there are."},
        "more": {"type": "boolean", "description": "There are more than `total`, which is counted up to 10,000."},
    }}
