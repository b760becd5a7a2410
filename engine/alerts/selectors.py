"""A metric as a rule names it, in the words of Prometheus: `partitur_jobs_answered_total{outcome="retried"}`; a
percentile of a histogram, `p95 of partitur_job_latency_seconds`; or the ratio of two metrics, with `/` between them.

Sources: Prometheus documentation, "Querying basics", instant vector selectors; "Histograms and summaries", errors of
quantile estimation; `histogram_quantile`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import inf
from urllib.parse import urlencode

from prometheus_client.core import Metric

from engine.errors import InvalidInput
from engine.telemetry.metrics import COUNTERS, HISTOGRAMS
from engine.telemetry.standing import GAUGES

PREFIX = "partitur_"
LONGEST = 1_000
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)\s+(?:of\s+)?(.+)", re.S)
_SLASH = re.compile(r'/(?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*\Z)', re.S)
"""A slash outside of quotation marks."""
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
PARTS = ("_count", "_sum", "_bucket")
"""What a histogram is made of, each of which only grows."""


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
    """A metric and which sets of its labels count. `own_name` is without prefix and ending; `part` is that of a
    histogram."""

    name: str
    kind: Kind
    own_name: str
    matchers: tuple[Matcher, ...]
    part: str = ""

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a set of labels counts."""
        return all(matcher.fits(labels) for matcher in self.matchers)

    def of_gauge(self, families: Iterable[Metric]) -> list[float]:
        """The values that count."""
        return [sample.value for family in families if family.name == self.name for sample in family.samples
                if self.fits(sample.labels)]

    def sum(self, families: Iterable[Metric], ending: str) -> float:
        """What this process counted since it started, in the samples of this ending."""
        return sum((value for _, value in self._samples(families, ending)), 0.0)

    def buckets(self, families: Iterable[Metric]) -> dict[str, float]:
        """How many values of a histogram were not above each bound."""
        found: dict[str, float] = {}
        for bound, value in self._samples(families, "_bucket"):
            found[bound] = found.get(bound, 0.0) + value
        return found

    def _samples(self, families: Iterable[Metric], ending: str) -> Iterable[tuple[str, float]]:
        name = f"{PREFIX}{self.own_name}"
        for family in families:
            if family.name == name:
                yield from ((sample.labels.get("le", ""), sample.value) for sample in family.samples
                            if sample.name == f"{name}{ending}" and self.fits(sample.labels))

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


@dataclass(frozen=True, slots=True)
class Count:
    """What a process counted of something: a total, how many times (of a ratio: what is below the line), and of a
    percentile the buckets."""

    total: float = 0.0
    times: float = 0.0
    buckets: Mapping[str, float] | None = None

    def since(self, before: Count) -> Count:
        """How much it grew."""
        earlier, now = before.buckets or {}, self.buckets or {}
        return Count(self.total - before.total, self.times - before.times,
                     {bound: value - earlier.get(bound, 0.0) for bound, value in now.items()})

    def __add__(self, other: Count) -> Count:
        """What two processes counted."""
        both = {**(self.buckets or {})}
        for bound, value in (other.buckets or {}).items():
            both[bound] = both.get(bound, 0.0) + value
        return Count(self.total + other.total, self.times + other.times, both)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a rule watches: a metric, a percentile of it (`quantile`, from 0 to 1), or its ratio to another one."""

    of: Selector
    below: Selector | None = None
    quantile: float | None = None

    @property
    def grows(self) -> bool:
        """Whether it counts by how much it grew, and does not stand for itself."""
        return self.of.kind is not Kind.GAUGE

    @property
    def page(self) -> str:
        """The page that shows most of it."""
        return self.of.page

    def of_gauges(self, families: Collection[Metric]) -> float:
        """The largest value that counts, 0 if there is none; of a ratio that of the sums."""
        if self.below is not None:
            return _ratio(sum(self.of.of_gauge(families)), sum(self.below.of_gauge(families)))
        return max(self.of.of_gauge(families), default=0.0)

    def of_process(self, families: Collection[Metric]) -> Count:
        """What this process counted since it started."""
        if self.quantile is not None:
            return Count(buckets=self.of.buckets(families))
        if self.below is not None:
            return Count(_grown(self.of, families), _grown(self.below, families))
        if self.of.kind is Kind.HISTOGRAM:
            return Count(self.of.sum(families, "_sum"), self.of.sum(families, "_count"))
        return Count(_grown(self.of, families))

    def of_growth(self, grown: Count) -> float:
        """The value, by how much was counted."""
        if self.quantile is not None:
            return _percentile(self.quantile, grown.buckets or {})
        if self.below is not None or self.of.kind is Kind.HISTOGRAM:
            return _ratio(grown.total, grown.times)
        return grown.total


def _grown(selector: Selector, families: Iterable[Metric]) -> float:
    return selector.sum(families, selector.part or "_total")


def _ratio(above: float, below: float) -> float:
    return above / below if below else 0.0


def _percentile(quantile: float, buckets: Mapping[str, float]) -> float:
    """The value below which so many are; within a bucket all are taken to be spread evenly, and of the last one, which
    has no end, its beginning counts."""
    bounds = sorted((float(bound), count) for bound, count in buckets.items())
    rank = quantile * bounds[-1][1] if bounds else 0.0
    if rank <= 0:
        return 0.0
    before, so_far = 0.0, 0.0
    for bound, count in bounds:
        if count >= rank:
            return before if bound == inf else before + (bound - before) * (rank - so_far) / (count - so_far)
        before, so_far = bound, count
    return before


@lru_cache(maxsize=1_000)
def read(text: str) -> Watched:
    """Understand what a rule watches. Raises InvalidInput: there is no such metric or label, it cannot be read, or two
    metrics cannot be divided by each other."""
    if len(text) > LONGEST:
        raise InvalidInput(f"Expected at most {LONGEST:,} characters that name a metric, but there are {len(text):,}.")
    asked = text.strip()
    if (found := _PERCENTILE.fullmatch(asked)) is not None:
        of = _selector(found[2])
        if of.kind is not Kind.HISTOGRAM:
            raise InvalidInput(f"Expected a percentile of a histogram such as partitur_job_latency_seconds, but "
                               f"{of.name} is none.")
        return Watched(of, quantile=float(found[1]) / 100)
    sides = [_selector(side) for side in _SLASH.split(asked, maxsplit=1)]
    if len(sides) == 1:
        return Watched(sides[0])
    for side in sides:
        if side.kind is Kind.HISTOGRAM:
            raise InvalidInput(f"Expected {side.name}_count or {side.name}_sum in a ratio, but found the whole "
                               "histogram.")
    if sides[0].kind is not sides[1].kind:
        raise InvalidInput(f"Expected two metrics that grow, or two that do not, but {sides[0].name} is a "
                           f"{sides[0].kind} and {sides[1].name} a {sides[1].kind}.")
    return Watched(sides[0], below=sides[1])


def _selector(text: str) -> Selector:
    found = _SELECTOR.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"Expected a metric such as partitur_incidents_open, perhaps with labels in braces behind "
                           f"it, but it is {text[:100]!r}.")
    name, part = found[1], ""
    for ending in PARTS:
        whole = name.removesuffix(ending)
        if whole != name and whole in METRICS and METRICS[whole][0] is Kind.HISTOGRAM:
            name, part = whole, ending
    known = METRICS.get(name)
    if known is None:
        raise InvalidInput(f"Expected one of the metrics of /metrics, but there is no {found[1][:100]!r}.")
    kind, own_name, labels = known
    if part:
        kind = Kind.COUNTER
        labels = (*labels, "le") if part == "_bucket" else labels
    matchers = tuple(_matchers(found[1], found[2] or "", labels))
    if part == "_bucket":
        _check_bound(own_name, matchers)
    return Selector(found[1], kind, own_name, matchers, part)


def _check_bound(own_name: str, matchers: Iterable[Matcher]) -> None:
    bounds = (*map(str, HISTOGRAMS[own_name][2]), "+Inf")
    wanted = next((each.value for each in matchers if each.label == "le" and each.operator == "="), None)
    if wanted not in bounds:
        raise InvalidInput(f"Expected le to be one of {', '.join(bounds)} with {PREFIX}{own_name}_bucket, but it is "
                           f"{wanted!r}.")


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
