"""Since when somebody has not looked at the home page; kept in their session, for it concerns nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import request, session

AWAY = timedelta(minutes=10)
"""Who looked within this time has not been away."""
FIRST = timedelta(days=1)
"""How far back somebody is told who was never here."""


def since(now: datetime) -> datetime:
    """The moment to tell changes from. Looking again after a while moves it to when one looked last."""
    seen, told = _read("seen"), _read("told_since")
    if "HX-Request" in request.headers:
        # The page brings itself up to date, whether somebody sits before it or not.
        return told or now - FIRST
    if seen is not None and now - seen > AWAY:
        told = seen
    told = told or now - FIRST
    _write("told_since", told)
    _write("seen", now)
    return told


def looked(now: datetime) -> None:
    """Somebody has seen everything until now."""
    _write("told_since", now)
    _write("seen", now)


def _read(name: str) -> datetime | None:
    value = session.get(name)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None


def _write(name: str, moment: datetime) -> None:
    session[name] = int(moment.timestamp())
