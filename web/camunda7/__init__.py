"""Camunda 7's REST interface under `/engine-rest`, as its clients and Camunda Modeler speak it.

A view reads the request, runs one command or query of the engine and writes the answer; this package translates
words and shapes, and decides nothing. Which client needs what, and what differs: `docs/CAMUNDA7.md`.
"""

from __future__ import annotations

from web.camunda7 import (  # each module adds its routes to the blueprint
    activities,
    decision_history,
    decisions,
    definitions,
    deployments,
    executions,
    external_task_log,
    external_tasks,
    fallback,
    fetching,
    form_routes,
    history,
    incidents,
    instances,
    jobs,
    messages,
    moves,
    operations,
    people,
    platform,
    resources,
    statistics,
    suspension,
    task_people,
    tasks,
    tenants,
    variables,
)
from web.camunda7.blueprint import bp
from web.camunda7.platform import pages

__all__ = [
    "activities", "bp", "decision_history", "decisions", "definitions", "deployments", "executions",
    "external_task_log", "external_tasks", "fallback", "fetching", "form_routes", "history", "incidents",
    "instances", "jobs", "messages", "moves", "operations", "pages", "people", "platform", "resources", "statistics",
    "suspension", "task_people", "tasks", "tenants", "variables",
]
