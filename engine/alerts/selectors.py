"""A metric as a rule names it, in the words of Prometheus: `partitur_jobs_answered_total{outcome="retried"}`.

Source: Prometheus documentation, "Querying basics", instant vector selectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlencode

from prometheus_client.core import Metric

from engine.errors import InvalidInput
from engine.telemetry.metrics import COUNTERS, HISTOGRAMS
from engine.telemetry.standing import GAUGES

PREFIX = "partitur_"
LONGEST = 1_000
_SELECTOR = re.compile(r"([a-zA-Z_]\w*)\s*(?:\{(.*)\})?", re.S)
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")


class Kind(StrEnum):
    """What a metric is: a gauge stands for itself; of a counter counts how much it grew, of a histogram the mean of
    what came in."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


def _known() -> Mapping[str, tuple[Kind, str, tuple[str, ...]]]:
    found = {name: (Kind.GAUGE, name, labels) for name, labels in GAUGES.items()}
    found |= {f"{PREFIX}{name}_total": (Kind.COUNTER, name, labels) for name, (_, labels) in COUNTERS.items()}
    return found | {f"{PREFIX}{name}": (Kind.HISTOGRAM, name, labels) for name, (_, labels, _) in HISTOGRAMS.items()}


METRICS = _known()
"""Every metric: what it is, its own name, its labels."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be, or must not be (`!=`)."""

    label: str
    operator: str
    value: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a set of labels fits."""
        return (labels.get(self.label, "") == self.value) is (self.operator == "=")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and which sets of its labels count. `own_name` is without prefix and ending."""

    name: str
    kind: Kind
    own_name: str
    matchers: tuple[Matcher, ...]

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a set of labels counts."""
        return all(matcher.fits(labels) for matcher in self.matchers)

    def of_gauge(self, families: Iterable[Metric]) -> float:
        """The largest value that counts; 0 if there is none."""
        values = [sample.value for family in families if family.name == self.name for sample in family.samples
                  if self.fits(sample.labels)]
        return max(values, default=0.0)

    def of_process(self, families: Iterable[Metric]) -> tuple[float, float]:
        """What this process counted since it started: the sum, and of a histogram how many values came in."""
        sums = {f"{PREFIX}{self.own_name}_total", f"{PREFIX}{self.own_name}_sum"}
        total = times = 0.0
        for family in families:
            if family.name == f"{PREFIX}{self.own_name}":
                for sample in family.samples:
                    if self.fits(sample.labels):
                        total += sample.value * (sample.name in sums)
                        times += sample.value * sample.name.endswith("_count")
        return total, times

    @property
    def page(self) -> str:
        """The page that shows most of what it counts."""
        wanted = {matcher.label: matcher.value for matcher in self.matchers if matcher.operator == "="}
        if "state" in wanted or "process" in wanted:
            filter: dict[str, str] = {name: wanted[name] for name in ("state", "process") if name in wanted}
            if "incidents" in self.name:
                filter["state"] = "incident"
            return f"/instances?{urlencode(filter)}"
        return "/services" if "job" in self.name or "services" in self.name else "/nodes"


@lru_cache(maxsize=1_000)
def read(text: str) -> Selector:
    """Understand a selector. Raises InvalidInput: there is no such metric or label, or it cannot be read."""
    found = _SELECTOR.fullmatch(text.strip())
    if found is None or len(text) > LONGEST:
        raise InvalidInput(f"Expected a metric such as partitur_incidents_open, perhaps with labels in braces behind "
                           f"it, but it is {text[:100]!r}.")
    known = METRICS.get(found[1])
    if known is None:
        raise InvalidInput(f"Expected one of the metrics of /metrics, but there is no {found[1][:100]!r}.")
    kind, own_name, labels = known
    return Selector(found[1], kind, own_name, tuple(_matchers(found[1], found[2] or "", labels)))


def _matchers(name: str, text: str, labels: tuple[str, ...]) -> Iterable[Matcher]:
    at = 0
    while text[at:].strip():
        found = _MATCHER.match(text, at)
        if found is None:
            raise InvalidInput(f"Expected labels with their values in quotation marks, but found {text[at:][:100]!r}.")
        if found[1] not in labels:
            raise InvalidInput(f"Expected {', '.join(labels) or 'no label'} with {name}, but found {found[1][:50]!r}.")
        if found[2] not in ("=", "!="):
            raise InvalidInput(f"Expected = or != behind the label {found[1]}, but found {found[2]}.")
        yield Matcher(found[1], found[2], _ESCAPE.sub(r"\1", found[3]))
        at = found.end()
