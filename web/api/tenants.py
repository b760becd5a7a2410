"""Tenants for programs: those that the caller sees."""

from __future__ import annotations

from engine import tenants as store
from engine.queries.paging import Page
from engine.tenants import Tenant
from web import tenancy
from web.answers import engine
from web.api.operation import listing


@listing("/api/tenants", "Tenants, by id.", Tenant)
def tenants(limit: int, offset: int) -> Page[Tenant]:
    """Who shares this installation."""
    ids = tenancy.usable()
    found = [tenant for tenant in store.all_of_them(engine()) if ids is None or tenant.id in ids]
    return Page(items=tuple(found[offset:offset + limit]), total=len(found))
