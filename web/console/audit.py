"""The audit trail over everything."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from engine.queries import lists
from web.console import paging
from web.console.blueprint import bp, engine


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """Who did what, when and why; the newest first."""
    arguments = request.args
    page = paging.page(lists.audit(
        engine(), actor=arguments.get("actor") or None,
        operation=arguments.get("operation", "").upper().replace(" ", "_") or None,
        instance_key=arguments.get("instance", type=int), limit=paging.SIZE, offset=paging.offset(),
    ))
    return render_template("audit.html", section="audit", live=10, page=page)
