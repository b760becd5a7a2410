"""Camunda 8's Orchestration Cluster REST interface under `/v2`, as its clients and Camunda Modeler speak it.

A view reads the request, runs one command or query of the engine and writes the answer; this package translates
words and shapes, and decides nothing. Which client needs which field: `docs/CAMUNDA8.md`.
"""

from __future__ import annotations

from web.camunda8 import (  # each module adds its routes to the blueprint
    activation,
    cluster,
    decisions,
    definitions,
    deployments,
    elements,
    fallback,
    incidents,
    instances,
    jobs,
    messages,
    moves,
    tenants,
    user_tasks,
    variables,
)
from web.camunda8.blueprint import bp

__all__ = [
    "activation", "bp", "cluster", "decisions", "definitions", "deployments", "elements", "fallback", "incidents",
    "instances", "jobs", "messages", "moves", "tenants", "user_tasks", "variables",
]
