"""The heat of a diagram: one figure of each element, as a number and a colour that grows with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext

from bpmn.model import Element
from engine.durations import Learned
from web.console import formatting
from web.console.marks import Marks

LEVELS = 5
"""Colours. Of two neighbours the hotter one is about as many times more, wherever they are."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What the heat can be of. `read` gives a number of at least 0, `show` says it."""

    word: Any
    read: Callable[[Learned], float]
    show: Callable[[float], str]


def _count(number: float) -> str:
    return formatting.number(int(number))


def _milliseconds(number: float) -> str:
    return formatting.duration(timedelta(milliseconds=number))


def _of(span: timedelta) -> float:
    return span / timedelta(milliseconds=1)


MEASURES: Mapping[str, Measure] = {
    "visits": Measure(lazy_gettext("Visits"), lambda known: known.samples, _count),
    "median": Measure(lazy_gettext("Median"), lambda known: _of(known.median), _milliseconds),
    "p95": Measure(lazy_gettext("95 of 100"), lambda known: _of(known.p95), _milliseconds),
    "failures": Measure(lazy_gettext("Failures"), lambda known: known.failures, _count),
    "retries": Measure(lazy_gettext("Retries"), lambda known: known.retries, _count),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A measure of the elements of a diagram: the marks for it, and what its coldest and hottest colour stand for."""

    name: str
    word: str
    marks: Marks
    least: str
    most: str


def of(name: str, known: Mapping[str, Learned], elements: Mapping[str, Element]) -> Heat | None:
    """The heat of one of `MEASURES`; None for another name."""
    measure = MEASURES.get(name)
    if measure is None:
        return None
    values = {key: measure.read(each) for key, each in known.items() if key in elements}
    some = [value for value in values.values() if value > 0]
    marks = {key: {"figure": measure.show(value), "title": f"{measure.word}: {measure.show(value)}",
                   "classes": [f"heat-{level(value, min(some), max(some))}"]}
             for key, value in values.items() if value > 0}
    return Heat(name=name, word=str(measure.word), marks={"elements": marks, "flows": []},
                least=measure.show(min(some, default=0)), most=measure.show(max(some, default=0)))


def level(value: float, least: float, most: float) -> int:
    """The colour of a value between the least and the most there are."""
    if most <= least:
        return LEVELS // 2 + 1
    return 1 + min(LEVELS - 1, int(LEVELS * math.log(value / least) / math.log(most / least)))
