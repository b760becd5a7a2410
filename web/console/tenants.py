"""Tenants on the pages: the list of them, and to which something belongs. Nothing is said where there is but one."""

from __future__ import annotations

from typing import Any

from flask import has_request_context, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import tenants as store
from engine.errors import InvalidInput
from engine.queries.tenants import having
from engine.schema import DEFAULT_TENANT
from engine.tenants import Tenant
from web import tenancy
from web.auth.roles import Permission
from web.console import forms
from web.console.blueprint import acting, bp, done, engine

OF_ONE = frozenset({"console.process", "console.process_figures", "console.decision", "console.form"})
"""Pages of something that may be there in several tenants; `tenant` in their address says in which."""


@bp.app_template_filter("tenant")
def in_links(id: str) -> str | None:
    """A tenant as links name it: not at all where there is but one."""
    return id if tenancy.several() else None


@bp.app_template_global("tenants_for")
def choices(permission: str = Permission.READ.value) -> list[Tenant]:
    """The tenants to choose from for what somebody wants to do; none where there is no choice."""
    if not tenancy.several():
        return []
    ids = tenancy.usable(Permission(permission))
    return [tenant for tenant in engine().tenants.all if ids is None or tenant.id in ids]


@bp.app_url_defaults
def _stay(endpoint: str, values: dict[str, Any]) -> None:
    """Let links from a page of one tenant stay in it."""
    if (endpoint in OF_ONE or endpoint == "console.instances") and has_request_context() \
            and request.endpoint in OF_ONE and (chosen := request.args.get("tenant")):
        values.setdefault("tenant", chosen)


def of(kind: str, id: str) -> str:
    """The tenant of which a page shows a process, decision or form: the one that the address says, else the first that
    has it."""
    wanted = request.args.get("tenant")
    if wanted or not tenancy.several():
        return wanted or DEFAULT_TENANT
    return next(iter(having(engine(), kind, id)), DEFAULT_TENANT)


def named() -> str:
    """The tenant that a form names."""
    return tenancy.named(request.form.get("tenant"), Permission.DEPLOY)


@bp.get("/tenants")
def tenants() -> ResponseReturnValue:
    """The tenants that the reader sees."""
    ids = tenancy.usable()
    return render_template("tenants.html", section="processes", default=DEFAULT_TENANT, tenants=[
        tenant for tenant in store.all_of_them(engine()) if ids is None or tenant.id in ids])


@bp.post("/tenants")
def save_tenant() -> ResponseReturnValue:
    """Add a tenant, or change one (`known`)."""
    known, id = request.form.get("known", ""), request.form.get("id", "").strip()
    acting().execute(
        store.change if known else store.add, known or id, name=request.form.get("name", "").strip() or known or id,
        description=request.form.get("description", ""), starts_per_second=_limit("starts_per_second"),
        jobs_at_once=_limit("jobs_at_once"))
    sentence = _("%(name)s is changed.", name=known) if known else _("%(name)s is added.", name=id)
    return done(sentence, url_for("console.tenants"))


def _limit(name: str) -> int | None:
    text = request.form.get(name, "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"Expected a whole number as a limit, but found {text[:100]!r}.")
    return int(text) if text else None


@bp.post("/tenants/removal")
def remove_tenant() -> ResponseReturnValue:
    """Remove a tenant that nothing belongs to."""
    id = request.form.get("id", "")
    acting().execute(store.remove, id, forms.reason())
    return done(_("%(name)s is removed.", name=id), url_for("console.tenants"), "terminated")
