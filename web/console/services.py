"""The services that diagrams can use: what each takes, gives, promises, and which errors it may answer with."""

from __future__ import annotations

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from engine.queries import lists
from service_tasks.registry import Registry
from web.console.blueprint import bp, engine


@bp.get("/services")
def services() -> ResponseReturnValue:
    """The catalogue of service contracts, and the job types that other workers serve."""
    registry: Registry = current_app.extensions["services"]
    open_jobs = lists.job_types(engine())
    others = {kind: count for kind, count in open_jobs.items() if kind not in registry}
    return render_template("services.html", section="services", services=[service.describe() for service in registry],
                           open_jobs=open_jobs, others=others)
