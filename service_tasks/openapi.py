"""The contracts of services as one OpenAPI 3.1 document, for tools that read such documents.

A service is called through its job type, not at an address, so each contract is a webhook (OpenAPI 3.1 §4.8.1):
a request that the engine makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service_tasks.contract import ServiceContract
from service_tasks.words import title


def openapi(contracts: Iterable[ServiceContract]) -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Partitur services", "version": "1"},
        "webhooks": {contract.name: {"post": _operation(contract)} for contract in contracts},
    }


def _operation(contract: ServiceContract) -> dict[str, Any]:
    policy = contract.policy
    return {
        "operationId": contract.name,
        "summary": title(contract.name),
        "description": contract.description,
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            for name in ("Idempotency-Key", "X-Correlation-ID", "traceparent")
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _local(contract.input_schema())}}},
        "responses": {
            "200": {
                "description": "The service did it.",
                "content": {"application/json": {"schema": _local(contract.output_schema())}},
            },
            **({"422": _errors(contract)} if policy.errors else {}),
        },
        "x-partitur-contract": {
            name: value for name, value in contract.describe().items() if name not in ("inputs", "outputs")
        },
    }


def _local(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references to its own `$defs`, which would point elsewhere in a larger document."""
    inlined: dict[str, Any] = _inlined(schema, schema)
    return inlined


def _inlined(part: Any, root: dict[str, Any], seen: tuple[str, ...] = ()) -> Any:
    if isinstance(part, list):
        return [_inlined(each, root, seen) for each in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        name = reference.removeprefix("#/$defs/")
        if name in seen:
            return {}  # a type that contains itself: anything goes from here on
        return _inlined(root["$defs"][name], root, (*seen, name))
    return {key: _inlined(value, root, seen) for key, value in part.items() if key != "$defs"}


def _errors(contract: ServiceContract) -> dict[str, Any]:
    errors = contract.policy.errors
    return {
        "description": "The business says no. " + " ".join(f"{code}: {text}" for code, text in errors.items()),
        "content": {"application/json": {"schema": {
            "type": "object", "required": ["code"],
            "properties": {"code": {"type": "string", "enum": list(errors)}, "message": {"type": "string"}},
        }}},
    }
