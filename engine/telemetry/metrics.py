"""What this process did, counted for Prometheus.

A transaction notes what happens in it (`Transaction.happened`), and only its commit counts: what is rolled back never
was. Each process tells of what it did itself; whoever reads all of them adds them up. How things stand, which is the
same seen from every process, is read from the database when asked (`engine.telemetry.standing`).

Names follow "Metric and label naming" of the Prometheus documentation. docs/METRICS.md has them all; a test compares.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter as Count
from collections.abc import Iterable
from math import inf

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

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
    "tenant_instances_started": ("Process instances that began, where there are several tenants.", ("tenant",)),
    "tenant_instances_ended": ("Process instances that ended, where there are several tenants.", ("tenant", "outcome")),
    "tenant_jobs_handed_out": ("Jobs that workers took, where there are several tenants.", ("tenant",)),
    "tenant_starts_refused": ("Starts beyond the limit of their tenant.", ("tenant",)),
    "files_scanned": ("Files that a virus scanner was shown, by what it said: clean, infected, or away.", ("outcome",)),
    "transactions": ("Writing transactions: committed or rolled_back.", ("outcome",)),
}
HISTOGRAMS: dict[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "instance_duration_seconds": ("From start to end of process instances.", ("process", "outcome"), LIVES),
    "job_latency_seconds": ("From when a job may be taken until a worker took it.", ("type",), WAITS),
    "job_duration_seconds": ("From when a job was made until it was completed.", ("type",), WAITS),
    "tenant_job_latency_seconds": (
        "From when a job may be taken until a worker took it, where there are several tenants.", ("tenant",), WAITS),
    "timer_lateness_seconds": ("How late timers fired.", (), WAITS),
    "transaction_duration_seconds": ("Writing transactions, from begin until after the commit.", (), SHORT),
    "commit_duration_seconds": ("Commits: what the database takes to make a transaction last.", (), SHORT),
}


class Tally:
    """What happened in one transaction."""

    __slots__ = ("counted", "observed")

    def __init__(self) -> None:
        self.counted: Count[tuple[str, ...]] = Count()
        self.observed: list[tuple[float, tuple[str, ...]]] = []
        """Values, each with the histogram's name and its labels."""


class _Distribution:
    """How often values fell into each of some buckets."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Take in a value; one that equals a bound belongs to that bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound with how many values are not above it, as Prometheus wants it."""
        made, so_far = [], 0
        for bound, count in zip((*self.bounds, inf), self.counts, strict=True):
            so_far += count
            made.append(("+Inf" if bound == inf else str(float(bound)), float(so_far)))
        return made


class _Histograms(Collector):
    """All histograms. The library's own take two locks for each value, here a transaction's are taken in together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], _Distribution] = {}
        self._sizes: Count[str] = Count()

    def add(self, values: Iterable[tuple[float, tuple[str, ...]]]) -> None:
        """Take in values, each with the histogram's name and its labels."""
        with self._lock:
            for value, key in values:
                known = self._known.get(key)
                if known is None:
                    known = self._begun(key)
                known.add(value)

    def _begun(self, key: tuple[str, ...]) -> _Distribution:
        name, *labels = key
        if self._sizes[name] >= MOST:
            key = (name, *(OTHER for _ in labels))
        else:
            self._sizes[name] += 1
        return self._known.setdefault(key, _Distribution(HISTOGRAMS[name][2]))

    def collect(self) -> Iterable[Metric]:
        """Every histogram as it is now."""
        families = {
            name: HistogramMetricFamily(f"partitur_{name}", text, labels=labels)
            for name, (text, labels, _) in HISTOGRAMS.items()
        }
        with self._lock:
            for name, (_, labels, bounds) in HISTOGRAMS.items():
                if not labels and (name,) not in self._known:
                    self._known[name,] = _Distribution(bounds)     # one without labels is there from the start
            for (name, *values), known in self._known.items():
                families[name].add_metric(values, known.buckets(), known.total)
        return families.values()

    def describe(self) -> Iterable[Metric]:
        """Which histograms there are."""
        return [HistogramMetricFamily(f"partitur_{name}", text) for name, (text, _, _) in HISTOGRAMS.items()]


class Metrics:
    """The metrics of one engine in one process. `registry` may be read by any Prometheus exporter."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._counters = {
            name: Counter(f"partitur_{name}", text, labels, registry=self.registry)
            for name, (text, labels) in COUNTERS.items()
        }
        self._histograms = _Histograms()
        self.registry.register(self._histograms)
        self._known: dict[tuple[str, ...], Counter] = {}
        self._sizes: Count[str] = Count()
        self._guard = threading.Lock()

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter at once."""
        self._child((name, *labels)).inc(by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add a value to a histogram at once."""
        self._histograms.add([(value, (name, *labels))])

    def add(self, tally: Tally) -> None:
        """Count what happened in a transaction that is committed."""
        for key, times in tally.counted.items():
            self._child(key).inc(times)
        if tally.observed:
            self._histograms.add(tally.observed)

    def _child(self, key: tuple[str, ...]) -> Counter:
        """The counter of a name and its labels; kept, because looking one up costs a lock."""
        child = self._known.get(key)
        if child is None:
            name, *labels = key
            family = self._counters[name]
            with self._guard:
                if self._sizes[name] >= MOST:
                    labels = [OTHER] * len(labels)
                else:
                    self._sizes[name] += 1
                    self._known[key] = family.labels(*labels) if labels else family
            child = self._known.get(key) or family.labels(*labels)
        return child
