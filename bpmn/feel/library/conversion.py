"""Conversion functions (DMN 1.5 §10.3.4.1) and Camunda 8's JSON functions."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite
from typing import Any, NoReturn

from bpmn.feel.iso8601 import parse_at, parse_date, parse_date_time, parse_duration, parse_time, parse_zone
from bpmn.feel.library.registry import Unfit, builtin
from bpmn.feel.temporal import (
    MAX_OFFSET,
    NANOS,
    UTC_MIDNIGHT,
    Date,
    DateTime,
    DaysDuration,
    MonthsDuration,
    Time,
    Zone,
)
from bpmn.feel.values import CONTEXT, Value, show, to_json, whole

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@builtin("string", "from: any")
def string(value: Value) -> str | None:
    """The value as text; null stays null."""
    return None if value is None else show(value)


@builtin("number", "from: number", "from: text",
         "from: text, grouping separator?: text, decimal separator?: text")
def number(source: Value, grouping: str | None = None, point: str | None = None) -> Decimal:
    """The number that a text writes."""
    if isinstance(source, Decimal):
        return source
    if grouping not in (None, " ", ",", ".") or point not in (None, ".", ",") or (grouping and grouping == point):
        raise Unfit("Expected a space, comma or point as separators, but there is something else.")
    text = source.replace(grouping, "") if grouping else source
    if point and point != ".":
        if "." in text:
            raise Unfit(f"Expected a number, but {source[:60]!r} is none.")
        text = text.replace(point, ".")
    if not _NUMBER.fullmatch(text):
        raise Unfit(f"Expected a number, but {source[:60]!r} is none.")
    return CONTEXT.create_decimal(text)


@builtin("boolean", "from: boolean", "from: text")
def boolean(source: Value) -> bool | None:
    """The truth value that a text writes."""
    if isinstance(source, bool):
        return source
    return {"true": True, "false": False}.get(source.strip().lower())


@builtin("date", "from: text", "from: day", "year: number, month: number, day: number")
def date(source: Value, month: Decimal | None = None, day: Decimal | None = None) -> Date:
    """A date from a text, a date and time, or its parts."""
    if isinstance(source, str):
        return parse_date(source)
    if isinstance(source, (Date, DateTime)):
        return source if isinstance(source, Date) else source.date
    return _date(source, month, day)


def _date(*parts: Value) -> Date:
    numbers = [whole(part) for part in parts]
    year, month, day = numbers
    if year is None or month is None or day is None:
        raise Unfit("Expected whole numbers for year, month and day, but there is a fraction.")
    return Date(year, month, day)


def _time(hour: Decimal, minute: Decimal, second: Decimal, zone: Zone) -> Time:
    if hour < 0 or minute < 0 or second < 0:
        raise Unfit("Expected a time of day, but a part of it is negative.")
    return Time(int(hour), int(minute), int(second), int((second - int(second)) * NANOS), zone)


def _offset(value: DaysDuration | None) -> Zone:
    if value is None:
        return None
    if abs(value.count) > MAX_OFFSET * NANOS:
        raise Unfit(f"Expected an offset up to 18 hours, but it is {value}.")
    return value.count // NANOS


@builtin("time", "from: text", "from: temporal", "hour: number, minute: number, second: number, offset?: days")
def time(source: Value, minute: Value = None, second: Value = None, offset: Value = None) -> Time:
    """A time from a text, a date and time, or its parts."""
    if isinstance(source, str):
        return parse_time(source)
    if isinstance(source, Time):
        return source
    if isinstance(source, (Date, DateTime)):
        return source.time if isinstance(source, DateTime) else UTC_MIDNIGHT
    return _time(source, minute, second, _offset(offset))


@builtin("date and time", "from: text", "from: datetime", "date: day, time: time", "date: datetime, timezone: text",
         "year: number, month: number, day: number, hour: number, minute: number, second: number, offset?: days",
         "year: number, month: number, day: number, hour: number, minute: number, second: number, timezone: text")
def date_and_time(source: Value, second: Value = None, *parts: Value) -> DateTime:
    """A date and time from a text, from a date and a time, or from its parts; Camunda 8: moved into a zone."""
    if isinstance(source, str):
        return parse_date_time(source)
    if isinstance(source, (Date, DateTime)):
        if isinstance(second, str) and isinstance(source, DateTime):
            return in_zone(source, parse_zone("@" + second))
        if second is None and isinstance(source, DateTime):
            return source
        return DateTime(source.date if isinstance(source, DateTime) else source, second)
    day, hour, minute, seconds, zone = parts
    offset = parse_zone("@" + zone) if isinstance(zone, str) else _offset(zone)
    return DateTime(_date(source, second, day), _time(hour, minute, seconds, offset))


def in_zone(value: DateTime, zone: Zone) -> DateTime:
    """The same moment on the clocks of another zone; a local time is taken as that zone's."""
    offset = value.offset
    if offset is None:
        return DateTime(value.date, Time.of_nanos(value.time.nanos, zone))
    utc = value.local - offset * NANOS
    there = DateTime.of_local(utc, zone)
    if isinstance(zone, str):
        # The offset of a named zone depends on its own wall clock: one step towards it settles all but the gaps.
        for _ in range(2):
            there = DateTime.of_local(utc + (there.offset or 0) * NANOS, zone)
        return there
    return DateTime.of_local(utc + (zone or 0) * NANOS, zone)


@builtin("duration", "from: text", "from: duration")
def duration(source: Value) -> DaysDuration | MonthsDuration:
    """The duration that a text writes."""
    return parse_duration(source) if isinstance(source, str) else source


@builtin("years and months duration", "from: day, to: day")
def years_and_months_duration(start: Value, end: Value) -> MonthsDuration:
    """The whole months between two days."""
    one, two = (value.date if isinstance(value, DateTime) else value for value in (start, end))
    months = (two.year - one.year) * 12 + two.month - one.month
    if months > 0 and two.day < one.day:
        months -= 1
    elif months < 0 and two.day > one.day:
        months += 1
    return MonthsDuration(months)


@builtin("@", "from: text")
def at(source: str) -> Value:
    """What the at literal of the text is."""
    return parse_at(source)


@builtin("to json", "value: any")
def json_text(value: Value) -> str:
    """Camunda 8: the value as JSON."""
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"))


@builtin("from json", "value: text")
def from_json(text: str) -> Any:
    """Camunda 8: the value that JSON writes."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise Unfit("Expected JSON that nests less deeply.") from error


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text)


def _refuse(name: str) -> NoReturn:
    raise Unfit(f"Expected JSON, but {name} is none.")
