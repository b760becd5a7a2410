"""What this process did, counted for Prometheus.

A transaction notes what happens in it (`Transaction.happened`), and only its commit counts: what is rolled back never
was. Each process tells of what it did itself; whoever reads all of them adds them up. How things stand, which is the
same seen from every process, is read from the database when asked (`engine.telemetry.standing`).

Names follow "Metric and label naming" of the Prometheus documentation. docs/METRICS.md has them all; a test compares.
"""

from __future__ import annotations

import threading
from collections import Counter as Count
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

OTHER = "(other)"
"""Stands for the labels beyond `MOST`."""
MOST = 1_000
"""How many sets of labels one metric has at most: job types may be made by expressions, one for each order."""

SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds of what the engine does itself."""
WAITS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds of what services, workers and timers take."""
LIVES = (0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0, 7_776_000.0)
"""Seconds that instances live: up to three months."""

COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "instances_started": ("Process instances that began.", ("process",)),
    "instances_ended": ("Process instances that ended, by how: completed or terminated.", ("process", "outcome")),
    "elements": (
        "Steps that ended, by how: completed, failed (an incident), or terminated. completed beside failed is the "
        "success rate of steps.", ("process", "outcome"),
    ),
    "jobs_handed_out": ("Jobs that workers took, each attempt once.", ("type",)),
    "jobs_answered": (
        "Answers of workers, by what they were: completed, retried, failed (no retries are left), error (BPMN).",
        ("type", "outcome"),
    ),
    "compensations": ("Effects that were undone by a compensation.", ("process",)),
    "incidents": ("Incidents that opened.", ("process", "type")),
    "messages": ("Messages that came, by what became of them: correlated, buffered or unmatched.", ("outcome",)),
    "transactions": ("Writing transactions: committed or rolled_back.", ("outcome",)),
}
HISTOGRAMS: dict[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "instance_duration_seconds": ("From start to end of process instances.", ("process", "outcome"), LIVES),
    "job_latency_seconds": ("From when a job may be taken until a worker took it.", ("type",), WAITS),
    "job_duration_seconds": ("From when a job was made until it was completed.", ("type",), WAITS),
    "timer_lateness_seconds": ("How late timers fired.", (), WAITS),
    "transaction_duration_seconds": ("Writing transactions, from begin until after the commit.", (), SHORT),
    "commit_duration_seconds": ("Commits: what the database takes to make a transaction last.", (), SHORT),
}


class Tally:
    """What happened in one transaction."""

    __slots__ = ("counted", "observed")

    def __init__(self) -> None:
        self.counted: Count[tuple[str, ...]] = Count()
        self.observed: list[tuple[str, float, tuple[str, ...]]] = []


class Metrics:
    """The metrics of one engine in one process. `registry` may be read by any Prometheus exporter."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._counters = {
            name: Counter(f"partitur_{name}", text, labels, registry=self.registry)
            for name, (text, labels) in COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(f"partitur_{name}", text, labels, registry=self.registry, buckets=buckets)
            for name, (text, labels, buckets) in HISTOGRAMS.items()
        }
        self._known: dict[tuple[str, ...], Any] = {}
        self._sizes: Count[str] = Count()
        self._guard = threading.Lock()

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter at once."""
        self._child((name, *labels), self._counters).inc(by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add a value to a histogram at once."""
        self._child((name, *labels), self._histograms).observe(value)

    def add(self, tally: Tally) -> None:
        """Count what happened in a transaction that is committed."""
        for key, times in tally.counted.items():
            self._child(key, self._counters).inc(times)
        for name, value, labels in tally.observed:
            self._child((name, *labels), self._histograms).observe(value)

    def _child(self, key: tuple[str, ...], family: dict[str, Any]) -> Any:
        """The counter or histogram of a name and its labels; kept, because looking one up costs a lock."""
        child = self._known.get(key)
        if child is None:
            name, *labels = key
            with self._guard:
                if self._sizes[name] >= MOST:
                    labels = [OTHER] * len(labels)
                else:
                    self._sizes[name] += 1
                    self._known[key] = family[name].labels(*labels) if labels else family[name]
            child = self._known.get(key) or family[name].labels(*labels)
        return child
