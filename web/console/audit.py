"""The audit trail over everything."""

from __future__ import annotations

from collections.abc import Iterable

from flask import render_template, request
from flask.typing import ResponseReturnValue

from engine.queries import lists
from engine.queries.instances import InstanceFilter, search
from engine.queries.things import AuditRow
from web.console import numbers, paging
from web.console.blueprint import bp, engine


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """Who did what, when and why; the newest first."""
    arguments = request.args
    page = paging.page(lists.audit(
        engine(), actor=arguments.get("actor") or None,
        operation=arguments.get("operation", "").upper().replace(" ", "_") or None,
        instance_key=numbers.argument("instance"), limit=paging.SIZE, offset=paging.offset(),
    ))
    return render_template("audit.html", section="audit", live=10, page=page, names=business_ids(page.rows))


def business_ids(entries: Iterable[AuditRow]) -> dict[int, str]:
    """What people call the instances that entries of the audit trail are about, by key."""
    keys = {entry.instance_key for entry in entries if entry.instance_key}
    rows = search(engine(), InstanceFilter(keys=keys), limit=len(keys)).items if keys else ()
    return {row.key: row.business_id for row in rows if row.business_id}
