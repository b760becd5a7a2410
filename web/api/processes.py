"""Processes for programs: what they need, and whether they take new starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request

from engine import pausing
from engine.errors import NotFound
from engine.queries import definitions, dependencies
from engine.tenants import within
from web import tenancy
from web.answers import engine
from web.api.operation import Parameter, acting, getting, posting
from web.auth.roles import Permission
from web.body import Body

OF_TENANT = "The tenant of the process; the default one if it is not said."
REASON: dict[str, dict[str, Any]] = {
    "tenant": {"type": "string", "description": OF_TENANT},
    "reason": {"type": "string", "minLength": 1, "description": "Why; the audit trail keeps it."},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Whether a process takes new starts; `held` events start instances when it does again, `started` just did."""

    process_id: str
    tenant_id: str
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None
    held: int
    started: int = 0


def _starts(process_id: str, tenant_id: str, started: int = 0) -> Starts:
    if not definitions.versions(engine(), process_id, tenant_id=tenant_id):
        raise NotFound(f"Expected process {process_id!r} to be deployed{within(tenant_id)}, but it is not.")
    pause = dependencies.pause(engine(), process_id, tenant_id=tenant_id)
    return Starts(
        process_id=process_id, tenant_id=tenant_id, paused=pause is not None,
        paused_at=pause.paused_at if pause else None, paused_by=pause.paused_by if pause else None,
        reason=pause.reason if pause else None,
        held=dependencies.held(engine(), process_id, tenant_id=tenant_id), started=started,
    )


@getting("/api/processes/<process_id>/starts", "Whether a process takes new starts.", Starts, parameters=[
    Parameter(name="tenant", description=OF_TENANT)])
def starts_of_process(process_id: str) -> Starts:
    """Since when they are paused, by whom and why."""
    return _starts(process_id, tenancy.named(request.args.get("tenant"), Permission.READ))


@posting("/api/processes/<process_id>/starts/pause", "Take no new starts of a process: refuse or hold them.", REASON,
         Starts, required=("reason",))
def pause_starts(sent: Body, process_id: str) -> Starts:
    """Instances under way go on."""
    tenant_id = tenancy.named(sent.text("tenant"), Permission.OPERATE)
    acting().execute(pausing.pause, process_id, sent.required_text("reason"), tenant_id=tenant_id)
    return _starts(process_id, tenant_id)


@posting("/api/processes/<process_id>/starts/resume", "Take new starts of a process again; what was held starts first.",
         REASON, Starts, required=("reason",))
def resume_starts(sent: Body, process_id: str) -> Starts:
    """How many held events started an instance is said."""
    tenant_id = tenancy.named(sent.text("tenant"), Permission.OPERATE)
    started = pausing.resume(acting(), process_id, sent.required_text("reason"), tenant_id=tenant_id)
    return _starts(process_id, tenant_id, started)
