"""Processes for programs: what they need, and whether they take new starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine import pausing
from engine.errors import NotFound
from engine.queries import definitions, dependencies
from web.answers import engine
from web.api.operation import acting, getting, posting
from web.body import Body

REASON = {"reason": {"type": "string", "minLength": 1, "description": "Why; the audit trail keeps it."}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """Whether a process takes new starts; `held` events start instances when it does again, `started` just did."""

    process_id: str
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None
    held: int
    started: int = 0


def _starts(process_id: str, started: int = 0) -> Starts:
    if not definitions.versions(engine(), process_id):
        raise NotFound(f"Expected process {process_id!r} to be deployed, but it is not.")
    pause = dependencies.pause(engine(), process_id)
    return Starts(
        process_id=process_id, paused=pause is not None, paused_at=pause.paused_at if pause else None,
        paused_by=pause.paused_by if pause else None, reason=pause.reason if pause else None,
        held=dependencies.held(engine(), process_id), started=started,
    )


@getting("/api/processes/<process_id>/starts", "Whether a process takes new starts.", Starts)
def starts_of_process(process_id: str) -> Starts:
    """Since when they are paused, by whom and why."""
    return _starts(process_id)


@posting("/api/processes/<process_id>/starts/pause", "Take no new starts of a process: refuse or hold them.", REASON,
         Starts, required=("reason",))
def pause_starts(sent: Body, process_id: str) -> Starts:
    """Instances under way go on."""
    acting().execute(pausing.pause, process_id, sent.required_text("reason"))
    return _starts(process_id)


@posting("/api/processes/<process_id>/starts/resume", "Take new starts of a process again; what was held starts first.",
         REASON, Starts, required=("reason",))
def resume_starts(sent: Body, process_id: str) -> Starts:
    """How many held events started an instance is said."""
    return _starts(process_id, pausing.resume(acting(), process_id, sent.required_text("reason")))
