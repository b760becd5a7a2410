"""The temporal values of FEEL (DMN 1.5 §10.3.2.3): date, time, date and time, and the two kinds of duration.

Python's `datetime` ends at the year 9999 and at microseconds; FEEL wants years up to ±999,999,999, nanoseconds, and
zones that are either an offset or a name. Values are immutable by convention and hashable.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

NANOS = 1_000_000_000
DAY_NANOS = 86_400 * NANOS
MAX_YEAR = 999_999_999
MAX_OFFSET = 18 * 3600
_MAX_COUNT = 2**63 * NANOS

Zone = int | str | None
"""Offset in seconds, the id of a zone, or None for local time."""

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CYCLE_DAYS = 146_097  # the Gregorian calendar repeats every 400 years
_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()


def is_leap(year: int) -> bool:
    """Whether the year has a 29th of February (proleptic Gregorian)."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """How many days the month has."""
    return 29 if month == 2 and is_leap(year) else _MONTH_DAYS[month - 1]


def to_epoch_day(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, for any year."""
    cycle, within = divmod(year - 2000, 400)
    return datetime.date(2000 + within, month, day).toordinal() - _EPOCH_ORDINAL + cycle * _CYCLE_DAYS


def from_epoch_day(days: int) -> Date:
    """The date that many days after 1970-01-01. Raises ValueError outside FEEL's years."""
    base = datetime.date(2000, 1, 1).toordinal()
    cycle, within = divmod(days + _EPOCH_ORDINAL - base, _CYCLE_DAYS)
    found = datetime.date.fromordinal(base + within)
    return Date(found.year + 400 * cycle, found.month, found.day)


@lru_cache(maxsize=256)
def zone_info(name: str) -> ZoneInfo:
    """The zone of that id. Raises ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"Expected the id of a time zone, but {name!r} is none.") from error


def format_zone(zone: Zone) -> str:
    """The zone as FEEL writes it behind a time: "", "Z", "+01:00" or "@Europe/Paris"."""
    if zone is None:
        return ""
    if isinstance(zone, str):
        return "@" + zone
    if zone == 0:
        return "Z"
    hours, rest = divmod(abs(zone), 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{'-' if zone < 0 else '+'}{hours:02}:{minutes:02}"
    return f"{text}:{seconds:02}" if seconds else text


class Date:
    """A day of the proleptic Gregorian calendar. Raises ValueError if there is no such day."""

    __slots__ = ("day", "month", "year")

    def __init__(self, year: int, month: int, day: int) -> None:
        if not (1 <= month <= 12 and abs(year) <= MAX_YEAR and 1 <= day <= days_in_month(year, month)):
            raise ValueError(f"Expected a date, but there is no {year}-{month}-{day}.")
        self.year = year
        self.month = month
        self.day = day

    @property
    def epoch_day(self) -> int:
        """Days since 1970-01-01."""
        return to_epoch_day(self.year, self.month, self.day)

    @property
    def weekday(self) -> int:
        """1 for Monday to 7 for Sunday."""
        return (self.epoch_day + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        """1 for the first of January."""
        return self.epoch_day - to_epoch_day(self.year, 1, 1) + 1

    def order(self) -> tuple[bool, int]:
        """What dates are compared by."""
        return False, (self.year * 12 + self.month) * 31 + self.day

    def plus_months(self, months: int) -> Date:
        """The same day so many months later, or the last one of that month."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        if abs(year) > MAX_YEAR:
            raise ValueError(f"Expected a year up to {MAX_YEAR}, but it is {year}.")
        return Date(year, month + 1, min(self.day, days_in_month(year, month + 1)))

    def plus_days(self, days: int) -> Date:
        """The day so many days later."""
        return from_epoch_day(self.epoch_day + days)

    def __eq__(self, other: object) -> bool:
        return type(other) is Date and self.order() == other.order()

    def __hash__(self) -> int:
        return hash(self.order())

    def __str__(self) -> str:
        return f"{'-' if self.year < 0 else ''}{abs(self.year):04}-{self.month:02}-{self.day:02}"

    __repr__ = __str__


class Time:
    """A time of day with nanoseconds and perhaps a zone. Raises ValueError if there is no such time."""

    __slots__ = ("hour", "minute", "nanosecond", "second", "zone")

    def __init__(self, hour: int, minute: int, second: int, nanosecond: int = 0, zone: Zone = None) -> None:
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= nanosecond < NANOS):
            raise ValueError(f"Expected a time of day, but there is no {hour}:{minute}:{second}.")
        self.hour = hour
        self.minute = minute
        self.second = second
        self.nanosecond = nanosecond
        self.zone = zone

    @staticmethod
    def of_nanos(nanos: int, zone: Zone = None) -> Time:
        """The time so many nanoseconds after midnight, going round at midnight."""
        seconds, nanosecond = divmod(nanos % DAY_NANOS, NANOS)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return Time(hour, minute, second, nanosecond, zone)

    @property
    def nanos(self) -> int:
        """Nanoseconds since midnight of the wall clock."""
        return ((self.hour * 60 + self.minute) * 60 + self.second) * NANOS + self.nanosecond

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC, or None for local time. A named zone counts with its winter time."""
        if isinstance(self.zone, str):
            delta = zone_info(self.zone).utcoffset(datetime.datetime(2020, 1, 1))
            return int(delta.total_seconds()) if delta is not None else None
        return self.zone

    def order(self) -> tuple[bool, int]:
        """What times are compared by; the first part says whether there is a zone."""
        offset = self.offset
        return offset is not None, self.nanos - (offset or 0) * NANOS

    def clock(self) -> str:
        """The time without its zone."""
        text = f"{self.hour:02}:{self.minute:02}:{self.second:02}"
        return f"{text}.{self.nanosecond:09}".rstrip("0") if self.nanosecond else text

    def __eq__(self, other: object) -> bool:
        return type(other) is Time and self.order() == other.order()

    def __hash__(self) -> int:
        return hash(self.order())

    def __str__(self) -> str:
        return self.clock() + format_zone(self.zone)

    __repr__ = __str__


UTC_MIDNIGHT = Time(0, 0, 0, 0, 0)


class DateTime:
    """A date and a time of day, with or without zone."""

    __slots__ = ("date", "time")

    def __init__(self, date: Date, time: Time) -> None:
        self.date = date
        self.time = time

    @staticmethod
    def of_local(nanos: int, zone: Zone) -> DateTime:
        """The wall clock so many nanoseconds after 1970-01-01T00:00:00."""
        days, rest = divmod(nanos, DAY_NANOS)
        return DateTime(from_epoch_day(days), Time.of_nanos(rest, zone))

    @property
    def zone(self) -> Zone:
        """The zone of its time."""
        return self.time.zone

    @property
    def local(self) -> int:
        """Nanoseconds of the wall clock since 1970-01-01T00:00:00."""
        return self.date.epoch_day * DAY_NANOS + self.time.nanos

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC at that moment, or None for local time."""
        zone = self.time.zone
        if not isinstance(zone, str):
            return zone
        # Rules of zones are known for Python's years only; the 400-year cycle keeps day and weekday.
        year = self.date.year if 1900 <= self.date.year <= 2400 else 2000 + self.date.year % 400
        clock = datetime.datetime(year, self.date.month, self.date.day, self.time.hour, self.time.minute,
                                  self.time.second)
        delta = zone_info(zone).utcoffset(clock)
        return int(delta.total_seconds()) if delta is not None else None

    def order(self) -> tuple[bool, int]:
        """What date-times are compared by; the first part says whether there is a zone."""
        offset = self.offset
        return offset is not None, self.local - (offset or 0) * NANOS

    def __eq__(self, other: object) -> bool:
        return type(other) is DateTime and self.order() == other.order()

    def __hash__(self) -> int:
        return hash(self.order())

    def __str__(self) -> str:
        return f"{self.date}T{self.time}"

    __repr__ = __str__


def midnight(date: Date) -> DateTime:
    """A date as date and time: at 00:00 UTC (DMN 1.5 §10.3.2.7, implicit conversion)."""
    return DateTime(date, UTC_MIDNIGHT)


class _Duration:
    """What the two kinds of duration share: a signed count of their smallest unit. Raises ValueError if it is huge."""

    __slots__ = ("count",)
    unit: ClassVar[str]

    def __init__(self, count: int) -> None:
        if abs(count) >= _MAX_COUNT:
            raise ValueError("Expected a duration up to 2⁶³ seconds, but it is longer.")
        self.count = count

    def order(self) -> tuple[bool, int]:
        """What durations of one kind are compared by."""
        return False, self.count

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.count == other.count

    def __hash__(self) -> int:
        return hash((self.unit, self.count))

    def __repr__(self) -> str:
        return str(self)


class DaysDuration(_Duration):
    """A days and time duration, counted in nanoseconds."""

    __slots__ = ()
    unit = "nanoseconds"

    def parts(self) -> tuple[int, int, int, int, int, int]:
        """Sign, days, hours, minutes, seconds and nanoseconds."""
        seconds, nanos = divmod(abs(self.count), NANOS)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        return -1 if self.count < 0 else 1, days, hour, minute, second, nanos

    def __str__(self) -> str:
        _, days, hours, minutes, seconds, nanos = self.parts()
        fraction = f".{nanos:09}".rstrip("0") if nanos else ""
        clock = "".join((f"{hours}H" if hours else "", f"{minutes}M" if minutes else "",
                         f"{seconds}{fraction}S" if seconds or nanos else ""))
        if not days and not clock:
            return "PT0S"
        return ("-P" if self.count < 0 else "P") + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


class MonthsDuration(_Duration):
    """A years and months duration, counted in months."""

    __slots__ = ()
    unit = "months"

    def __str__(self) -> str:
        years, months = divmod(abs(self.count), 12)
        if not self.count:
            return "P0M"
        return ("-P" if self.count < 0 else "P") + (f"{years}Y" if years else "") + (f"{months}M" if months else "")
