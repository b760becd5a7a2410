"""Temporal functions (DMN 1.5 §10.3.4.11 and .12) and Camunda 8's additions."""

from __future__ import annotations

import datetime

from bpmn import surroundings
from bpmn.feel.library.registry import builtin
from bpmn.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, days_in_month, from_epoch_day

_EPOCH = datetime.datetime(1970, 1, 1)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")


def _day(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


@builtin("now", "")
def now() -> DateTime:
    """This moment by the clock of whoever evaluates, in its offset."""
    moment = surroundings.now()
    offset = moment.utcoffset() or datetime.timedelta()
    seconds = offset // datetime.timedelta(seconds=1)
    local = (moment.replace(tzinfo=None) - _EPOCH) // datetime.timedelta(microseconds=1)
    return DateTime.of_local(local * 1000, seconds)


@builtin("today", "")
def today() -> Date:
    """This day."""
    return now().date


@builtin("day of year", "date: day")
def day_of_year(value: Date | DateTime) -> int:
    """1 for the first of January."""
    return _day(value).day_of_year


@builtin("day of week", "date: day")
def day_of_week(value: Date | DateTime) -> str:
    """Its English name."""
    return _DAYS[_day(value).weekday - 1]


@builtin("month of year", "date: day")
def month_of_year(value: Date | DateTime) -> str:
    """Its English name."""
    return _MONTHS[_day(value).month - 1]


@builtin("week of year", "date: day")
def week_of_year(value: Date | DateTime) -> int:
    """The week of ISO 8601: the one of its Thursday."""
    day = _day(value)
    return (from_epoch_day(day.epoch_day - day.weekday + 4).day_of_year - 1) // 7 + 1


@builtin("last day of month", "date: day")
def last_day_of_month(value: Date | DateTime) -> Date:
    """Camunda 8: the last day of its month."""
    day = _day(value)
    return Date(day.year, day.month, days_in_month(day.year, day.month))


@builtin("cycle", "repetitions?: integer, interval: duration", "interval: duration")
def cycle(first: int | DaysDuration | MonthsDuration | None,
          interval: DaysDuration | MonthsDuration | None = None) -> str:
    """Camunda 8: the text of a timer that repeats so often, or without end (ISO 8601 repeating interval)."""
    if interval is None:
        return f"R/{first}"
    return f"R{'' if first is None else first}/{interval}"
