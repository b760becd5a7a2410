"""Temporal values from JSON: process variables have no dates, so a declared type reads them from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bpmn.feel.iso8601 import parse_date, parse_date_time, parse_duration, parse_time
from bpmn.feel.types import SIMPLE, Type
from bpmn.feel.values import Value

_READERS: Mapping[Type, Callable[[str], Value]] = {
    SIMPLE["date"]: parse_date,
    SIMPLE["time"]: parse_time,
    SIMPLE["date and time"]: parse_date_time,
    SIMPLE["days and time duration"]: parse_duration,
    SIMPLE["years and months duration"]: parse_duration,
}


def from_text(value: Value, kind: Type | None) -> Value:
    """A text read as the temporal type that is declared for it; any other value as it is."""
    if type(value) is not str or kind is None:
        return value
    while kind is not None and kind not in _READERS:
        kind = getattr(kind, "base", None)
    if kind is None:
        return value
    try:
        return _READERS[kind](value)
    except ValueError:
        return value
