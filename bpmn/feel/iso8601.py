"""Reads the texts of dates, times and durations as FEEL's constructors do (DMN 1.5 §10.3.4.1, XML Schema 1.1).

Every `parse_…` raises ValueError if the text is not of its kind.
"""

from __future__ import annotations

import re

from bpmn.feel.temporal import (
    DAY_NANOS,
    MAX_OFFSET,
    NANOS,
    Date,
    DateTime,
    DaysDuration,
    MonthsDuration,
    Time,
    Zone,
    zone_info,
)

_DATE_TEXT = r"(-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-([0-9]{2})-([0-9]{2})"
_TIME_TEXT = (r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
              r"(Z|z|[+-][0-9]{2}:[0-9]{2}(?::[0-9]{2})?|@[A-Za-z0-9_+\-/]+)?")
_DATE = re.compile(_DATE_TEXT)
_TIME = re.compile("T?" + _TIME_TEXT)
# Camunda (java.time) writes both an offset and the zone in brackets: 2020-01-01T10:00:00+01:00[Europe/Paris].
_DATE_TIME = re.compile(_DATE_TEXT + "(?:T" + _TIME_TEXT + r"(?:\[([A-Za-z0-9_+\-/]+)\])?)?")
_DAYS = re.compile(r"(-)?P(?:([0-9]+)D)?(?:T(?=[0-9.])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]*)(?:\.([0-9]*))?S)?)?")
_MONTHS = re.compile(r"(-)?P(?:([0-9]+)Y)?(?:([0-9]+)M)?")
_MAX_DIGITS = 25


def parse_zone(text: str | None) -> Zone:
    """The zone that the end of a time text names."""
    if not text:
        return None
    if text in "Zz":
        return 0
    if text[0] == "@":
        zone_info(text[1:])
        return text[1:]
    hours, minutes, seconds = ([int(part) for part in text[1:].split(":")] + [0])[:3]
    offset = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or offset > MAX_OFFSET:
        raise ValueError(f"Expected an offset up to 18 hours, but it is {text}.")
    return -offset if text[0] == "-" else offset


def _time(hour: str, minute: str, second: str, fraction: str | None, zone: str | None) -> Time:
    nanos = int((fraction or "0")[:9].ljust(9, "0"))
    return Time(int(hour), int(minute), int(second), nanos, parse_zone(zone))


def parse_date(text: str) -> Date:
    """"2020-01-31" as a date."""
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError(f"Expected a date such as 2020-01-31, but it is {text[:60]!r}.")
    return Date(int(match[1]), int(match[2]), int(match[3]))


def parse_time(text: str) -> Time:
    """"10:30:00@Europe/Paris" as a time."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"Expected a time such as 10:30:00, but it is {text[:60]!r}.")
    return _time(match[1], match[2], match[3], match[4], match[5])


def parse_date_time(text: str) -> DateTime:
    """"2020-01-31T10:30:00Z" as date and time; a date alone is midnight, 24:00:00 the next day's."""
    match = _DATE_TIME.fullmatch(text)
    if not match:
        raise ValueError(f"Expected a date and time such as 2020-01-31T10:30:00, but it is {text[:60]!r}.")
    date = Date(int(match[1]), int(match[2]), int(match[3]))
    hour, minute, second, fraction, zone, named = match.groups()[3:]
    if hour is None:
        return DateTime(date, Time(0, 0, 0))
    if named is not None:
        zone = "@" + named
    if hour == "24" and minute == second == "00" and not (fraction or "").strip("0"):
        start = DateTime(date, _time("00", minute, second, None, zone))
        return DateTime.of_local(start.local + DAY_NANOS, start.zone)
    return DateTime(date, _time(hour, minute, second, fraction, zone))


def parse_duration(text: str) -> DaysDuration | MonthsDuration:
    """"P1Y6M" as years and months, "P2DT3H" as days and time."""
    match = _MONTHS.fullmatch(text)
    if match and (match[2] or match[3]):
        months = _number(match[2]) * 12 + _number(match[3])
        return MonthsDuration(-months if match[1] else months)
    match = _DAYS.fullmatch(text)
    if not match or not any(match.groups()[1:]):
        raise ValueError(f"Expected a duration such as P1Y6M or P2DT3H, but it is {text[:60]!r}.")
    days, hours, minutes, seconds, fraction = match.groups()[1:]
    total = ((_number(days) * 24 + _number(hours)) * 60 + _number(minutes)) * 60 + _number(seconds)
    nanos = total * NANOS + int((fraction or "0")[:9].ljust(9, "0"))
    return DaysDuration(-nanos if match[1] else nanos)


def _number(digits: str | None) -> int:
    if digits and len(digits) > _MAX_DIGITS:
        raise ValueError(f"Expected a number of at most {_MAX_DIGITS} digits, but it has {len(digits)}.")
    return int(digits or 0)


def parse_at(text: str) -> Date | Time | DateTime | DaysDuration | MonthsDuration:
    """The text of an at literal `@"…"` (DMN 1.5 §10.3.2.3.1)."""
    for parse in (parse_date, parse_duration, parse_time, parse_date_time):
        try:
            return parse(text)
        except ValueError:
            continue
    raise ValueError(f"Expected a date, time or duration in ISO 8601, but it is {text[:60]!r}.")
