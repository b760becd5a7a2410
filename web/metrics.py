"""`/metrics`: what Prometheus reads of this process and of the whole."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, current_app, request
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from engine import sight
from engine.engine import Engine
from engine.telemetry.standing import StandingCollector
from web.answers import engine as this_engine

bp = Blueprint("metrics", __name__)


class Everything(Collector):
    """What one process did and how the whole stands."""

    def __init__(self, engine: Engine) -> None:
        self._own = engine.metrics.registry
        self._standing = StandingCollector(engine)

    def describe(self) -> list[Metric]:
        """Nothing: registering must not look into the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, in the order of docs/METRICS.md."""
        if sight.current() is None:
            # What this process counted is of everybody.
            yield from self._own.collect()
        yield from self._standing.collect()


def registry_of(engine: Engine) -> CollectorRegistry:
    """The registry that exporters read for a process with this engine."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Everything(engine))
    return registry


@bp.get("/metrics")
def metrics() -> Response:
    """The metrics, in the format that is asked for: text or OpenMetrics."""
    registry = current_app.extensions.setdefault("metrics", registry_of(this_engine()))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)
