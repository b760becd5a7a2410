"""Our own JSON interface under `/api`, for scripts: the same lists and filters as the pages, and what operators do.

Each operation is declared with its parameters and the row it lists (`operation`), which is what the OpenAPI document
`/api/openapi.json` is made from; so the document cannot leave out what is there.
"""

from __future__ import annotations

from web.api import (  # each module adds its routes to the blueprint
    alerts,
    approvals,
    care,
    document,
    events,
    lists,
    operations,
    processes,
    revealing,
    services,
    tenants,
    trail,
    waiting,
)
from web.api.blueprint import bp

__all__ = [
    "alerts", "approvals", "bp", "care", "document",
    "events", "lists", "operations", "processes", "revealing", "services", "tenants",
    "trail", "waiting",
]
