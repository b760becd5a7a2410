"""The operator's console: pages made on the server, kept current by htmx, with the diagram drawn by bpmn-js.

A view reads the request, asks `engine.queries` or runs one command, and renders. The address carries the whole view.
Each module adds its views to the blueprint when it is imported.
"""

from __future__ import annotations

from web.console import (
    alerts,
    approvals,
    audit,
    buttons,
    confirmation,
    decisions,
    deployments,
    doubts,
    drills,
    events,
    export,
    form_pages,
    home,
    hotspot,
    inbound,
    incidents,
    instance,
    instance_actions,
    instances,
    interfaces,
    language,
    manual,
    messages,
    migrate,
    modify,
    nodes,
    operations,
    playground,
    processes,
    reports,
    restart,
    reviews,
    second_factor,
    secrets,
    services,
    sessions,
    surroundings,
    task_actions,
    tasks,
    tenants,
)
from web.console.blueprint import bp

__all__ = [
    "alerts", "approvals", "audit", "bp", "buttons", "confirmation", "decisions", "deployments", "doubts", "drills",
    "events", "export", "form_pages", "home", "hotspot", "inbound", "incidents", "instance", "instance_actions",
    "instances", "interfaces", "language", "manual", "messages", "migrate", "modify", "nodes", "operations",
    "playground", "processes", "reports", "restart", "reviews", "second_factor", "secrets", "services", "sessions",
    "surroundings", "task_actions", "tasks", "tenants",
]
