"""Property access `value.name` (DMN 1.5 §10.3.2.6 and table 65)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bpmn.feel.limits import spend
from bpmn.feel.temporal import NANOS, Date, DateTime, DaysDuration, MonthsDuration, Time
from bpmn.feel.values import Range, Value

_Reader = Callable[[Value], Value]


def _offset(value: Time | DateTime) -> Value:
    offset = value.offset
    return None if offset is None else DaysDuration(offset * NANOS)


def _zone_name(value: Time | DateTime) -> Value:
    return value.zone if isinstance(value.zone, str) else None


def _signed(index: int) -> _Reader:
    return lambda value: value.parts()[0] * value.parts()[index]


def _of_part(part: str, read: _Reader) -> _Reader:
    if part == "date":
        return lambda value: read(value.date)
    return lambda value: read(value.time)


def _months(value: MonthsDuration) -> tuple[int, int]:
    years, months = divmod(abs(value.count), 12)
    return (-years, -months) if value.count < 0 else (years, months)


_DATE: Mapping[str, _Reader] = {
    "year": lambda value: value.year,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "weekday": lambda value: value.weekday,
}
_TIME: Mapping[str, _Reader] = {
    "hour": lambda value: value.hour,
    "minute": lambda value: value.minute,
    "second": lambda value: value.second,
    "time offset": _offset,
    "timezone": _zone_name,
}
_READERS: Mapping[type, Mapping[str, _Reader]] = {
    Date: _DATE,
    Time: _TIME,
    DateTime: {
        **{name: _of_part("date", read) for name, read in _DATE.items()},
        **{name: _of_part("time", read) for name, read in _TIME.items()},
        "time offset": _offset,
    },
    DaysDuration: {"days": _signed(1), "hours": _signed(2), "minutes": _signed(3), "seconds": _signed(4)},
    MonthsDuration: {"years": lambda value: _months(value)[0], "months": lambda value: _months(value)[1]},
    Range: {
        "start": lambda value: value.start,
        "end": lambda value: value.end,
        "start included": lambda value: value.start_included,
        "end included": lambda value: value.end_included,
    },
}
SPACED = ("time offset", "start included", "end included")
"""Properties whose names the parser must know because they have a space."""


def read(value: Value, name: str) -> tuple[bool, Value]:
    """The property of a value, and whether there is one. On a list, the property of each element."""
    kind = type(value)
    if kind is list:
        spend(len(value))
        return True, [read(item, name)[1] for item in value]
    if isinstance(value, dict):
        return name in value, value.get(name)
    reader = _READERS.get(kind, {}).get(name)
    return (False, None) if reader is None else (True, reader(value))
