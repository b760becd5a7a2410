"""How things stand, as Prometheus asks for it: the same from every process, because it is read from the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import bindparam, func, select

from engine import schema, sight
from engine.cluster import nodes
from engine.errors import Unavailable
from engine.queries.overview import Overview, overview
from engine.queries.standing import standing
from engine.states import IncidentState, InstanceState
from engine.telemetry.metrics import MOST
from engine.work import holds
from engine.work.filters import TO_HAND_OUT

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


_j = schema.jobs.c
LIVE_OF_TENANT = (select(_i.tenant_id, func.count()).where(_i.state == InstanceState.ACTIVE.value)
                  .group_by(_i.tenant_id).order_by(func.count().desc()).limit(MOST))
OPEN_OF_TENANT = (select(_n.tenant_id, func.count()).where(_n.state == IncidentState.ACTIVE.value)
                  .group_by(_n.tenant_id).order_by(func.count().desc()).limit(MOST))
DUE_OF_TENANT = (select(_j.tenant_id, func.count()).where(TO_HAND_OUT, _j.due_at <= bindparam("now"))
                 .group_by(_j.tenant_id).order_by(func.count().desc()).limit(MOST))
TENANTS = (
    ("partitur_tenant_instances_live", "Process instances in flight, where there are several tenants.", LIVE_OF_TENANT),
    ("partitur_tenant_incidents_open", "Incidents that are open, where there are several tenants.", OPEN_OF_TENANT),
    ("partitur_tenant_jobs_due", "Jobs that wait for a worker, where there are several tenants.", DUE_OF_TENANT),
)
GAUGES: dict[str, tuple[str, ...]] = {
    "partitur_database_up": (), "partitur_instances": ("state",), "partitur_instances_live": ("process",),
    "partitur_incidents_open": ("process",), **{name: ("tenant",) for name, _, _ in TENANTS},
    "partitur_nodes": ("role",), "partitur_timer_lag_seconds": (), "partitur_queue_waiting": (),
    "partitur_queue_lag_seconds": (), "partitur_stuck_locks": (), "partitur_long_transactions": (),
    "partitur_services_held": (),
}
"""All that is told here, with its labels; a test compares."""


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
        if sight.current() is not None:
            # Kept for everybody is what everybody may see.
            yield from self._look()
            return
        with self._guard:
            if time.monotonic() >= self._until:
                self._last = self._look()
                self._until = time.monotonic() + KEPT
            yield from self._last

    def _look(self) -> list[Metric]:
        up = GaugeMetricFamily("partitur_database_up", "Whether the database answers.")
        try:
            found = [*self._instances(), *self._tenants(), *self._whole()]
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

    def _tenants(self) -> Iterator[Metric]:
        several, seen = self._engine.tenants.several, sight.current()
        for name, text, statement in TENANTS:
            family = GaugeMetricFamily(name, text, labels=["tenant"])
            if several:
                with self._engine.read() as connection:
                    counted: dict[str, int] = dict(connection.execute(statement, {"now": self._engine.clock()}).all())
                for tenant_id in [*counted, *(id for id in self._engine.tenants.ids[:MOST]
                                              if id not in counted and (seen is None or seen.has_tenant(id)))]:
                    family.add_metric([tenant_id], counted.get(tenant_id, 0))
            yield family

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
