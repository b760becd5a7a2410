"""Who takes care of incidents: acknowledged, assigned, snoozed, noted, with a ticket elsewhere.

None of it moves a token. `Which` says what is meant: the key of one incident, or a fingerprint: all incidents that are
open with it now. What fails later with the same fingerprint is a new incident, that nobody has looked at yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from engine import audit, guard, permits, schema, values
from engine.errors import Conflict, InvalidInput, NotFound, WrongState
from engine.rows import AnyRow
from engine.states import IncidentState

if TYPE_CHECKING:
    from engine.transaction import Transaction

Which = int | str
"""The key of an incident, or a fingerprint."""

MOST = 10_000
"""Incidents of a fingerprint that one act is about."""
LONGEST_SNOOZE = timedelta(days=366)
LONGEST_NOTE = 10_000
LONGEST_NAME = 255

_n = schema.incidents.c
COLUMNS = ("acknowledged_at", "acknowledged_by", "assignee", "snoozed_until", "ticket")
_CARED = [_n[name] for name in COLUMNS]
ONE = select(_n.key, _n.instance_key, _n.state, _n.fingerprint, *_CARED).where(_n.key == bindparam("key")) \
    .with_for_update()
ALIKE = (
    select(_n.key, _n.instance_key, _n.process_id, _n.tenant_id, _n.state, _n.fingerprint, *_CARED)
    .where(_n.fingerprint == bindparam("fingerprint"), _n.state == IncidentState.ACTIVE.value)
    .order_by(_n.key).limit(MOST + 1).with_for_update()
)


def acknowledge(tx: Transaction, which: Which, reason: str | None = None) -> int:
    """Say that somebody has seen it: the actor. Returns how many incidents that concerns, as all of these do.

    Audited. Raises InvalidInput, NotFound, WrongState (it is resolved).
    """
    return _change(tx, "ACKNOWLEDGE", which, {"acknowledged_at": tx.now, "acknowledged_by": tx.actor}, reason)


def withdraw(tx: Transaction, which: Which, reason: str | None = None) -> int:
    """Say that nobody has seen it after all. Audited. Raises InvalidInput, NotFound, WrongState (it is resolved)."""
    return _change(tx, "WITHDRAW_ACKNOWLEDGEMENT", which, {"acknowledged_at": None, "acknowledged_by": None}, reason)


def assign(tx: Transaction, which: Which, assignee: str | None, reason: str | None = None) -> int:
    """Give it to a person; None: to nobody. Audited. Raises InvalidInput, NotFound, WrongState (it is resolved)."""
    who = _short(assignee, "the name of a person")
    return _change(tx, "ASSIGN" if who else "UNASSIGN", which, {"assignee": who}, reason)


def snooze(tx: Transaction, which: Which, until: datetime | None, reason: str | None = None) -> int:
    """Let it call nobody until a time, within a year; None: let it call people again at once.

    It stays open and can be retried meanwhile. Audited. Raises InvalidInput (no reason to snooze it, or a time that has
    passed or is too far away), NotFound, WrongState (it is resolved).
    """
    if until is not None:
        reason = guard.reason_given(reason, "snooze an incident")
        if not tx.now < until <= tx.now + LONGEST_SNOOZE:
            raise InvalidInput(f"Expected a time from now on and within a year to snooze it until, but found "
                               f"{until.isoformat(timespec='minutes')}.")
    return _change(tx, "SNOOZE" if until else "WAKE", which, {"snoozed_until": until}, reason)


def set_ticket(tx: Transaction, which: Which, ticket: str | None, reason: str | None = None) -> int:
    """Note the address or the number of a ticket elsewhere; None takes it away. Also of one that is resolved.

    Audited. Raises InvalidInput, NotFound.
    """
    text = _short(ticket, "the address or number of a ticket", longest=2_000)
    return _change(tx, "SET_TICKET", which, {"ticket": text}, reason, also_resolved=True)


def annotate(tx: Transaction, which: Which, message: str) -> int:
    """Write a note about it, also about one that is resolved. Audited. Raises InvalidInput, NotFound."""
    text = (message or "").strip()
    if not text:
        raise InvalidInput("Expected a note that says something, but it is empty.")
    if len(text) > LONGEST_NOTE:
        raise InvalidInput(f"Expected a note of at most {LONGEST_NOTE:,} characters, but it has {len(text):,}.")
    found = _chosen(tx, which, also_resolved=True)
    for incident in found:
        key = tx.key()
        tx.rows.insert(schema.incident_notes, {
            "key": key, "incident_key": incident.key, "instance_key": incident.instance_key, "author": tx.actor,
            "message": values.text(text), "at": tx.now,
        })
        audit.record(tx, "ANNOTATE", "INCIDENT", incident.key, instance_key=incident.instance_key,
                     details=_details(which, {}), after={"note": text})
    return len(found)


def _change(tx: Transaction, operation: str, which: Which, changes: dict[str, Any], reason: str | None, *,
            also_resolved: bool = False) -> int:
    found = _chosen(tx, which, also_resolved=also_resolved)
    statement = _STATEMENTS[tuple(changes)]
    for incident in found:
        tx.rows.write(statement, {"b_key": incident.key, **{f"b_{name}": value for name, value in changes.items()}})
        audit.record(
            tx, operation, "INCIDENT", incident.key, instance_key=incident.instance_key, reason=reason or None,
            details=_details(which, {}), before={name: _shown(getattr(incident, name)) for name in changes},
            after={name: _shown(value) for name, value in changes.items()},
        )
    return len(found)


def _chosen(tx: Transaction, which: Which, *, also_resolved: bool) -> Sequence[AnyRow]:
    if isinstance(which, int):
        found = tx.select(ONE, {"key": which})
        if not found:
            raise NotFound(f"Expected to find an incident with key {which}, but there is none.")
        if not also_resolved and found[0].state != IncidentState.ACTIVE:
            raise WrongState(f"Expected incident {which} to be open, but it is {found[0].state.lower()}.")
        return found
    found = tx.select(ALIKE, {"fingerprint": which}) if which else []
    found = [each for each in found if permits.may(tx, each.process_id, each.tenant_id)]
    if not found:
        raise NotFound(f"Expected open incidents with the fingerprint {which[:40]!r}, but there are none.")
    if len(found) > MOST:
        raise Conflict(f"Expected at most {MOST:,} open incidents with one fingerprint at once, but there are more: "
                       f"hold the service that fails, or take them one by one.")
    return found


def _details(which: Which, more: dict[str, Any]) -> dict[str, Any] | None:
    return (more if isinstance(which, int) else {**more, "fingerprint": which}) or None


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _short(text: str | None, what: str, longest: int = LONGEST_NAME) -> str | None:
    found = (text or "").strip()
    if len(found) > longest:
        raise InvalidInput(f"Expected {what} of at most {longest:,} characters, but it has {len(found):,}.")
    return values.text(found) if found else None


def _statement(*names: str) -> Any:
    return update(schema.incidents).where(_n.key == bindparam("b_key")).values(
        {name: bindparam(f"b_{name}", type_=_n[name].type) for name in names})


_STATEMENTS: dict[tuple[str, ...], Any] = {names: _statement(*names) for names in (
    ("acknowledged_at", "acknowledged_by"), ("assignee",), ("snoozed_until",), ("ticket",),
)}
