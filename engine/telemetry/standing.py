"""How things stand, as Prometheus asks for it: the same from every process, because it is read from the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from engine import schema
from engine.cluster import nodes
from engine.errors import Unavailable
from engine.queries.overview import Overview, overview
from engine.queries.standing import standing
from engine.states import IncidentState, InstanceState
from engine.telemetry.metrics import MOST
from engine.work import holds

if TYPE_CHECKING:
    from engine.engine import Engine

KEPT = 5.0
"""Seconds for which one look answers everybody: several Prometheus servers must not ask the database more often."""

ENDED = ("completed", "terminated")
"""Of these the counters tell; counting all that ever ended would take long."""

_i = schema.instances.c
_n = schema.incidents.c
BY_PROCESS = (select(_i.process_id, func.count()).where(_i.state == InstanceState.ACTIVE.value)
              .group_by(_i.process_id).order_by(func.count().desc()).limit(MOST))
INCIDENTS = (select(_n.process_id, func.count()).where(_n.state == IncidentState.ACTIVE.value)
             .group_by(_n.process_id).order_by(func.count().desc()).limit(MOST))


class StandingCollector(Collector):
    """Reads the gauges. While the database is away only `partitur_database_up 0` is told, and no error raised."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._guard = threading.Lock()
        self._last: list[Metric] = []
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not look into the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges, at most `KEPT` seconds old."""
        with self._guard:
            if time.monotonic() >= self._until:
                self._last = self._look()
                self._until = time.monotonic() + KEPT
            yield from self._last

    def _look(self) -> list[Metric]:
        up = GaugeMetricFamily("partitur_database_up", "Whether the database answers.")
        try:
            found = [*self._instances(), *self._whole()]
        except Unavailable:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]

    def _instances(self) -> Iterator[Metric]:
        counts = overview(self._engine)
        states = GaugeMetricFamily(
            "partitur_instances", "Process instances by what they are, as on the home page; one may be several things. "
            "Counted up to 10,001.", labels=["state"],
        )
        for field in fields(Overview):
            if field.name not in ENDED:
                states.add_metric([field.name], getattr(counts, field.name))
        yield states
        with self._engine.read() as connection:
            running, open_incidents = connection.execute(BY_PROCESS).all(), connection.execute(INCIDENTS).all()
        live = GaugeMetricFamily("partitur_instances_live", "Process instances in flight.", labels=["process"])
        for process_id, count in running:
            live.add_metric([process_id], count)
        yield live
        incidents = GaugeMetricFamily("partitur_incidents_open", "Incidents that are open.", labels=["process"])
        for process_id, count in open_incidents:
            incidents.add_metric([process_id], count)
        yield incidents

    def _whole(self) -> Iterator[Metric]:
        now = standing(self._engine)
        living = GaugeMetricFamily("partitur_nodes", "Nodes that live, by what they do.", labels=["role"])
        for role in (nodes.WEB, nodes.WORKER, nodes.SCHEDULER):
            living.add_metric([role], sum(role in node.roles for node in now.alive))
        yield living
        yield _gauge("partitur_timer_lag_seconds", "How long the oldest timer is overdue.",
                     now.timer_lag.total_seconds())
        yield _gauge("partitur_queue_waiting", "Entries of the queue that are due; 0 without a queue (SQLite).",
                     now.queue_waiting or 0)
        yield _gauge("partitur_queue_lag_seconds", "How long the oldest entry of the queue is due.",
                     now.queue_lag.total_seconds() if now.queue_lag else 0)
        yield _gauge("partitur_stuck_locks", "Locks of jobs that ended long ago and were not released.",
                     now.stuck_locks)
        yield _gauge("partitur_long_transactions", "Transactions that are open for more than a minute.",
                     len(now.long_transactions))
        yield _gauge("partitur_services_held", "Services that are held, by hand or by their circuit breaker.",
                     len(holds.all_of_them(self._engine)))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
