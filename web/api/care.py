"""Incidents and who takes care of them, for programs: one at a time, or all that are open with a fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request

from engine import care
from engine.errors import InvalidInput
from engine.queries import incidents as found
from engine.queries.incidents import STATES, CaredIncident, IncidentFilter, NoteRow
from engine.queries.paging import Page
from web.answers import engine
from web.api.operation import MOMENT, Parameter, acting, getting, listing, posting
from web.body import Body

NULLABLE = {"type": ["string", "null"]}
REASON = {"reason": {**NULLABLE, "description": "Why; the audit trail keeps it."}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """How many incidents an act was about."""

    incidents: int


@listing(
    "/api/incidents/care", "Incidents with who takes care of them, newest first.", CaredIncident,
    Parameter(name="state", description="What calls for people, is snoozed, is over; 'open' if it is not said.",
              schema={"type": "string", "enum": list(STATES)}),
    Parameter(name="acknowledged", description="Whether somebody has seen it.",
              schema={"type": "string", "enum": ["yes", "no"]}),
    Parameter(name="assignee", description="Whose it is."),
    Parameter(name="fingerprint", description="Failures that are the same but for numbers."),
    Parameter(name="process", description="The id of a process."),
    Parameter(name="element", description="The element where it happened."),
    Parameter(name="error", description="A text in the message."),
)
def cared_incidents(limit: int, offset: int) -> Page[CaredIncident]:
    """The list of the page `/incidents`, with the same filter."""
    texts = request.args
    acknowledged = {"yes": True, "no": False}.get(texts.get("acknowledged", ""))
    return found.search(engine(), IncidentFilter(
        state=texts.get("state") or "open", acknowledged=acknowledged, assignee=texts.get("assignee"),
        fingerprint=texts.get("fingerprint"), process_id=texts.get("process"), element_id=texts.get("element"),
        error=texts.get("error"),
    ), limit=limit, offset=offset)


@getting("/api/incidents/<key:key>", "One incident, with who takes care of it.", CaredIncident)
def incident(key: int) -> CaredIncident:
    """The incident."""
    return found.get(engine(), key)


@listing("/api/incidents/<key:key>/notes", "What people wrote about an incident, the oldest first.", NoteRow)
def incident_notes(limit: int, offset: int, key: int) -> Page[NoteRow]:
    """Its notes."""
    found.get(engine(), key)
    rows = found.notes(engine(), key)
    return Page(rows[offset:offset + limit], len(rows))


def _snoozed_until(sent: Body) -> datetime | None:
    until, seconds = sent.date("until"), sent.integer("seconds", 1)
    if until is not None and seconds is not None:
        raise InvalidInput("Expected 'until' or 'seconds', but found both.")
    return engine().clock() + timedelta(seconds=seconds) if seconds is not None else until


def _acknowledge(sent: Body, which: int | str) -> int:
    act = care.withdraw if sent.flag("acknowledged") is False else care.acknowledge
    return acting().execute(act, which, sent.text("reason"))


def _assign(sent: Body, which: int | str) -> int:
    return acting().execute(care.assign, which, sent.text("assignee"), sent.text("reason"))


def _snooze(sent: Body, which: int | str) -> int:
    return acting().execute(care.snooze, which, _snoozed_until(sent), sent.text("reason"))


def _ticket(sent: Body, which: int | str) -> int:
    return acting().execute(care.set_ticket, which, sent.text("ticket"), sent.text("reason"))


def _annotate(sent: Body, which: int | str) -> int:
    return acting().execute(care.annotate, which, sent.required_text("message"))


DEEDS: dict[str, tuple[str, dict[str, Any], tuple[str, ...], Callable[[Body, int | str], int]]] = {
    "acknowledgement": ("Acknowledge {}, or withdraw that.", {"acknowledged": {"type": ["boolean", "null"]}, **REASON},
                        (), _acknowledge),
    "assignment": ("Give {} to a person, or to nobody.", {"assignee": NULLABLE, **REASON}, (), _assign),
    "snooze": ("Let {} call nobody until a time; without a time, call people again.",
               {"until": {"type": ["string", "null"], "examples": MOMENT["examples"]},
                "seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 31_536_000}, **REASON}, (), _snooze),
    "ticket": ("Note the ticket of {}.", {"ticket": NULLABLE, **REASON}, (), _ticket),
    "notes": ("Write a note about {}.", {"message": {"type": "string", "minLength": 1}}, ("message",), _annotate),
}
"""What can be done: the end of the address, what it does, its fields, those that it needs, and how it is done."""


def _add(deed: str) -> None:
    summary, fields, required, act = DEEDS[deed]

    def of_one(sent: Body, key: int) -> Concerned:
        return Concerned(incidents=act(sent, key))

    def of_all(sent: Body, fingerprint: str) -> Concerned:
        return Concerned(incidents=act(sent, fingerprint))

    of_one.__name__, of_all.__name__ = f"incident_{deed}_post", f"fingerprint_{deed}_post"
    posting(f"/api/incidents/<key:key>/{deed}", summary.format("an incident"), fields, Concerned,
            required=required)(of_one)
    posting(f"/api/incidents/fingerprints/<fingerprint>/{deed}",
            summary.format("all open incidents with a fingerprint"), fields, Concerned, required=required)(of_all)


for each in DEEDS:
    _add(each)
