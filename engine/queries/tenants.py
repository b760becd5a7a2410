"""Finds tenants."""

from __future__ import annotations

from sqlalchemy import select

from engine import schema
from engine.queries.criteria import Searchable
from engine.tenants import Tenant

_t = schema.tenants.c

TENANTS = Searchable(
    statement=select(_t.id, _t.name, _t.description, _t.starts_per_second, _t.created_at, _t.created_by),
    make=Tenant, key=_t.id, fields={"id": _t.id, "name": _t.name},
)
