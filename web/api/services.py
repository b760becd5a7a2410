"""The contracts of the services, for programs."""

from __future__ import annotations

from typing import Any

from flask import current_app

from engine.queries import effects
from engine.queries.effects import ServiceFigures
from engine.work import holds
from service_tasks.openapi import openapi
from service_tasks.registry import Registry
from web.answers import engine
from web.api.operation import getting

SERVICES = {
    "type": "object", "required": ["services"],
    "properties": {"services": {"type": "array", "items": {
        "type": "object", "required": ["name", "figures", "held"],
        "properties": {"name": {"type": "string"}, "figures": {"type": "object"}, "held": {"type": ["string", "null"]}},
    }}},
}


def _registry() -> Registry:
    found: Registry = current_app.extensions["services"]
    return found


@getting("/api/services", "The services with their JSON Schemas, figures and holds.", schema=SERVICES)
def service_contracts() -> dict[str, Any]:
    """The contracts, what they did lately, and whether they are held."""
    held = {hold.service: hold for hold in holds.all_of_them(engine())}
    return {"services": [
        {**contract.describe(), "figures": _figures(effects.figures(engine(), contract.name)),
         "held": held[contract.name].kind if contract.name in held else None}
        for contract in _registry()
    ]}


@getting("/api/services/openapi.json", "The contracts of the services as OpenAPI 3.1.")
def service_openapi() -> dict[str, Any]:
    """The document."""
    return openapi(_registry())


def _figures(figures: ServiceFigures) -> dict[str, Any]:
    return {
        "settled": figures.settled, "failed": figures.failed, "inDoubt": figures.in_doubt,
        "errorRate": figures.error_rate,
        "typicalSeconds": figures.typical.total_seconds() if figures.typical else None,
        "slowSeconds": figures.slow.total_seconds() if figures.slow else None,
    }
