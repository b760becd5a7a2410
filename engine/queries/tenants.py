"""Finds tenants, and in which of them something is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from engine import schema
from engine.queries.criteria import Searchable
from engine.schema import DEFAULT_TENANT
from engine.tenants import Tenant

if TYPE_CHECKING:
    from engine.engine import Engine

_t = schema.tenants.c

TENANTS = Searchable(
    statement=select(_t.id, _t.name, _t.description, _t.starts_per_second, _t.jobs_at_once, _t.created_at,
                     _t.created_by),
    make=Tenant, key=_t.id, fields={"id": _t.id, "name": _t.name},
)

_COLUMNS = {
    "process": (schema.definitions.c.process_id, schema.definitions.c.tenant_id),
    "decision": (schema.decisions.c.decision_id, schema.decisions.c.tenant_id),
    "form": (schema.forms.c.form_id, schema.forms.c.tenant_id),
}


def having(engine: Engine, kind: str, id: str) -> list[str]:
    """The tenants in which a process, decision or form of an id is deployed, the default one first."""
    of, tenant_id = _COLUMNS[kind]
    with engine.read() as connection:
        found = connection.scalars(select(tenant_id).distinct().where(of == id)).all()
    return sorted(found, key=lambda each: (each != DEFAULT_TENANT, each))
