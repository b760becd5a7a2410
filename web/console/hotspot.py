"""The hotspots: where the time goes, and the bounds at which to move a step to an event or to split the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from engine.queries import hotspots
from engine.queries.hotspots import Bound
from engine.reports import learning
from web.console import formatting
from web.console.blueprint import bp, engine
from web.console.reports import PERIODS, Period


@dataclass(frozen=True, slots=True)
class BoundWords:
    """How a measure is called, in which unit it is shown, and what to do beyond its bound."""

    word: Any
    unit: str
    advice: Any


BOUNDS = {
    Bound.ENGINE_SHARE: BoundWords(lazy_gettext("Engine's part of the work"), "%", lazy_gettext(
        "Of the time in which anything was done, the engine itself takes much. Add nodes, or split the process: let a "
        "part of it become a process of its own that an event starts.")),
    Bound.QUEUE_SHARE: BoundWords(lazy_gettext("Calls that wait to be made"), "%", lazy_gettext(
        "Calls wait longer for a worker, or for another attempt, than they take. Add workers for the slowest service, "
        "or let the step publish an event that nobody waits for.")),
    Bound.QUEUE_LAG: BoundWords(lazy_gettext("Lag of the queue and the timers"), "s", lazy_gettext(
        "What is due is handled late. Add a node with the scheduler role, or give the nodes fewer partitions each.")),
    Bound.RATE: BoundWords(lazy_gettext("Instances ended in the busiest hour"), "/s", lazy_gettext(
        "One database comes near what it can write. Split the orchestrator: move the busiest process to an "
        "installation of its own, with events between them.")),
    Bound.CONCENTRATION: BoundWords(lazy_gettext("Visits of the busiest process"), "%", lazy_gettext(
        "One process has most of the visits. It is the one to split off first, if anything has to be.")),
    Bound.HOT_KEY: BoundWords(lazy_gettext("Instances that wait for one key"), "", lazy_gettext(
        "One message would move very many instances, one after the other. Broadcast a signal, or give each instance a "
        "key of its own.")),
    Bound.CHATTY: BoundWords(lazy_gettext("Steps in a row at one service"), "", lazy_gettext(
        "Each step is a call, a wait and a transaction. Let the service offer one call that does them together, or "
        "move the later ones behind an event.")),
    Bound.LOCKS: BoundWords(lazy_gettext("Transactions that wait for a lock"), "", lazy_gettext(
        "Writers stand in each other's way. Look for instances with very many parallel branches, and for other "
        "programs on the same database.")),
    Bound.LONG_TRANSACTIONS: BoundWords(lazy_gettext("Transactions open for over a minute"), "", lazy_gettext(
        "Whoever holds a transaction open holds up the others. The page of nodes says who it is.")),
}


@bp.app_template_filter("measured")
def measured(number: float, unit: str) -> str:
    """A measure with its unit."""
    if unit == "%":
        return f"{formatting.number(number * 100, '0')} %"
    exact = number == int(number) or number >= 100
    shown = formatting.number(number, "#,##0") if exact else formatting.number(float(f"{number:.2g}"), "0.############")
    return f"{shown} {unit}".strip() if unit != "/s" else f"{shown}/s"


@bp.get("/hotspot")
def hotspot() -> ResponseReturnValue:
    """Where the time goes, and what is at its bounds."""
    period = Period.read()
    found = hotspots.look(engine(), period.since, period.until)
    return render_template("reports/hotspot.html", section="reports", live=15, period=period, periods=PERIODS,
                           found=found, known_to=learning.up_to(engine()), bounds=BOUNDS)
