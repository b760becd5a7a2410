"""What alerts can watch: each measure has a value now, and a page that shows what it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import func, select

from engine import schema
from engine.cluster import nodes
from engine.events import outbox
from engine.inbound import sources
from engine.queries import drills
from engine.queries.overview import overview
from engine.queries.standing import standing
from engine.work import holds

if TYPE_CHECKING:
    from engine.engine import Engine

Value = Callable[["Engine", str | None], float]

METRIC, LIST = "metric", "list"
"""Measures that a rule says more of, in its `query`: a metric (`engine.alerts.selectors`), the address of a list."""

DRILL_AFTER = timedelta(days=30)
"""A process that compensates and was not drilled for so long is overdue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure. `words` say what it counts; `page` is where it is seen, `runbook` what to do, a heading in
    docs/HANDBOOK.md. `of_process`: it may be limited to one. Without a `value` a rule has to say what it counts."""

    name: str
    words: str
    unit: str
    page: str
    runbook: str
    value: Value | None = None
    of_process: bool = False

    def link(self, process_id: str | None) -> str:
        """The page, filtered to what counts."""
        if not self.of_process or process_id is None:
            return self.page
        return f"{self.page}{'&' if '?' in self.page else '?'}{urlencode({'process': process_id})}"


def _state(name: str) -> Value:
    return lambda engine, process_id: float(getattr(overview(engine, process_id=process_id), name))


def _instances(name: str, words: str, runbook: str) -> Measure:
    return Measure(name=name, words=words, unit="instances", page=f"/instances?state={name}", value=_state(name),
                   of_process=True, runbook=runbook)


def _timer_lag(engine: Engine, _: str | None) -> float:
    return standing(engine).timer_lag.total_seconds()


def _queue_lag(engine: Engine, _: str | None) -> float:
    lag = standing(engine).queue_lag
    return lag.total_seconds() if lag else 0.0


def _without_workers(engine: Engine, _: str | None) -> float:
    return float(not standing(engine).has(nodes.WORKER))


def _stuck_locks(engine: Engine, _: str | None) -> float:
    return float(standing(engine).stuck_locks)


def _held(engine: Engine, _: str | None) -> float:
    return float(len(holds.all_of_them(engine)))


def _dead_letters(engine: Engine, _: str | None) -> float:
    return float(sum(count.dead for count in outbox.counts(engine).values()))


def _set_aside(engine: Engine, _: str | None) -> float:
    return float(sum(sources.set_aside_counts(engine).values()))


def _unheard(engine: Engine, _: str | None) -> float:
    return float(sum(bool(source.trouble) and not source.paused for source in sources.all_of_them(engine)))


def _overdue_drills(engine: Engine, _: str | None) -> float:
    newest = select(func.max(schema.definitions.c.key)).group_by(schema.definitions.c.process_id)
    with engine.read() as connection:
        keys = list(connection.scalars(newest))
        programs = [engine.programs.get(connection, key) for key in keys]
    undoing = [program.key for program in programs
               if any(element.for_compensation for element in program.process.elements.values())]
    latest = drills.latest(engine, undoing)
    overdue = engine.clock() - DRILL_AFTER
    return float(sum(key not in latest or latest[key].drilled_at < overdue for key in undoing))


MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in (
    _instances("incident", "instances with an incident", "instances-with-an-incident"),
    _instances("stalled", "stalled instances", "stalled-instances"),
    _instances("in_doubt", "instances with an effect in doubt", "calls-in-doubt"),
    _instances("retrying", "instances that are retrying", "many-retries"),
    _instances("held", "instances at a held service", "held-services"),
    _instances("active", "instances in flight", "more-in-flight-than-usual"),
    Measure(name="held_services", words="held services", unit="services", page="/services", value=_held,
            runbook="held-services"),
    Measure(name="timer_lag", words="the oldest timer is late by", unit="seconds", page="/nodes", value=_timer_lag,
            runbook="timers-are-late"),
    Measure(name="queue_lag", words="the oldest entry of the queue waits for", unit="seconds", page="/nodes",
            value=_queue_lag, runbook="the-queue-lags"),
    Measure(name="no_worker", words="no worker is alive", unit="", page="/nodes", value=_without_workers,
            runbook="no-worker-is-alive"),
    Measure(name="stuck_locks", words="locks that ended and were not released", unit="locks", page="/nodes",
            value=_stuck_locks, runbook="locks-that-were-not-released"),
    Measure(name="dead_letters", words="events that could not be delivered", unit="events", page="/events",
            value=_dead_letters, runbook="events-that-could-not-be-delivered"),
    Measure(name="set_aside", words="events that came in and were set aside", unit="events", page="/inbound",
            value=_set_aside, runbook="events-that-could-not-be-taken"),
    Measure(name="unheard_sources", words="sources of events that cannot be listened to", unit="sources",
            page="/inbound", value=_unheard, runbook="events-that-could-not-be-taken"),
    Measure(name="drill_overdue", words="processes whose compensation was not drilled for 30 days", unit="processes",
            page="/processes", value=_overdue_drills, runbook="a-drill-is-overdue"),
    Measure(name=METRIC, words="a metric", unit="", page="/nodes", runbook="a-rule-of-your-own"),
    Measure(name=LIST, words="rows of a list", unit="", page="/instances", runbook="a-rule-of-your-own"),
)}
