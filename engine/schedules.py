"""When a timer is due: ISO 8601 dates, durations and repeating intervals, and cron.

Sources: BPMN 2.0 §10.5.5 (timer event definitions), ISO 8601 §5.5 (durations, repeating intervals), Camunda 7 and 8
docs "Timer events" (cron in a cycle). Calendar units are added as a calendar does: a month after 31 January is the
last day of February.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from bpmn.model import TimerKind
from engine.errors import InvalidTimer

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_DURATION = re.compile(
    rf"(?P<sign>[+-])?P(?=\d|T\d)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?\Z"
)
_ZONE = re.compile(r"\[([A-Za-z0-9_+\-/]+)\]\Z")
_REPEAT = re.compile(r"R(-1|\d*)\Z")
_CRON_NAMES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}
MAX_YEARS = 1000


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration: whole months, and a fixed span."""

    months: int
    span: timedelta

    def after(self, time: datetime) -> datetime:
        """The time that lies this duration after `time`."""
        if self.months:
            year, month = divmod(time.year * 12 + time.month - 1 + self.months, 12)
            day = min(time.day, calendar.monthrange(year, month + 1)[1])
            time = time.replace(year=year, month=month + 1, day=day)
        return time + self.span


@dataclass(frozen=True, slots=True)
class Due:
    """When a timer fires next. `schedule` is set if it may fire again, `repeats_left` how often after that (None:
    for ever)."""

    at: datetime
    schedule: str | None = None
    repeats_left: int | None = None


def duration(text: str) -> Duration:
    """Read an ISO 8601 duration; raises InvalidTimer."""
    found = _DURATION.match(text.strip())
    if found is None:
        raise InvalidTimer(f"Expected an ISO 8601 duration such as PT15M or P2D, but found {text!r}.")
    years, months, weeks, days, hours, minutes, seconds = (
        float(group.replace(",", ".")) if group else 0.0 for group in found.groups()[1:]
    )
    try:
        span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise InvalidTimer(f"Expected a duration of at most {MAX_YEARS} years, but found {text!r}.") from error
    whole = round(years * 12 + months)
    if whole > MAX_YEARS * 12 or span > timedelta(days=366 * MAX_YEARS):
        raise InvalidTimer(f"Expected a duration of at most {MAX_YEARS} years, but found {text!r}.")
    return Duration(-whole, -span) if found["sign"] == "-" else Duration(whole, span)


def date(text: str, zone: tzinfo) -> datetime:
    """Read an ISO 8601 date and time, in `zone` unless it names another one; raises InvalidTimer."""
    plain = text.strip()
    named = _ZONE.search(plain)
    try:
        if named:
            zone = ZoneInfo(named[1])
            plain = plain[: named.start()]
        time = datetime.fromisoformat(plain)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidTimer(
            f"Expected an ISO 8601 date and time such as 2030-01-31T09:00:00Z, but found {text!r}."
        ) from error
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)


def first(kind: str, text: str, now: datetime, zone: tzinfo) -> Due:
    """When a timer that is armed now fires for the first time; raises InvalidTimer."""
    try:
        if kind == TimerKind.DATE:
            return Due(date(text, zone))
        if kind == TimerKind.DURATION:
            return Due(duration(text).after(now))
        return _first_of_cycle(text.strip(), now, zone)
    except (OverflowError, ValueError) as error:
        raise InvalidTimer(f"Expected a timer that is due before the year 9999, but found {text!r}.") from error


def following(schedule: str, last: datetime, repeats_left: int | None, zone: tzinfo, now: datetime) -> Due | None:
    """When a repeating timer that was due at `last` fires again; None if that was the last time.

    Times that were missed (the engine was down, the instance suspended) are made up for by one, not by all.
    """
    if repeats_left is not None and repeats_left <= 0:
        return None
    left = None if repeats_left is None else repeats_left - 1
    if not schedule.startswith("R"):
        return Due(_next_of_cron(schedule, max(last, now), zone), schedule, left)
    step = duration(schedule.rpartition("/")[2])
    at = step.after(last)
    if left is None:
        while at <= now and step.after(at) <= now:
            at = step.after(at)
    return Due(at, schedule, left)


def _first_of_cycle(text: str, now: datetime, zone: tzinfo) -> Due:
    if not text.startswith("R"):
        return Due(_next_of_cron(text, now, zone), text, None)
    repeat, *parts = text.split("/")
    found = _REPEAT.match(repeat)
    if not found or not 1 <= len(parts) <= 2:
        raise InvalidTimer(f"Expected a cycle such as R3/PT10M or R/PT1H, but found {text!r}.")
    times = int(found[1]) if found[1] not in ("", "-1") else None
    if times == 0:
        raise InvalidTimer(f"Expected a cycle that fires at least once, but found {text!r}.")
    left = None if times is None else times - 1
    step = duration(next((part for part in reversed(parts) if part.startswith("P")), parts[-1]))
    if step.after(now) <= now:
        raise InvalidTimer(f"Expected a cycle with a duration longer than nothing, but found {text!r}.")
    schedule = f"R/{parts[-1] if parts[-1].startswith('P') else parts[0]}"
    if len(parts) == 1 or not parts[0]:
        return Due(step.after(now), schedule, left)
    if parts[0].startswith("P"):
        # Duration and end: it begins now, and how often it fires follows from the end.
        return _until(date(parts[1], zone), step, now, schedule, left)
    start = date(parts[0], zone)
    while times is None and start <= now:
        start = step.after(start)
    return Due(start, schedule, left)


def _until(end: datetime, step: Duration, now: datetime, schedule: str, left: int | None) -> Due:
    at = step.after(now)
    count, time = 0, step.after(at)
    while time <= end and (left is None or count < left):
        count, time = count + 1, step.after(time)
    return Due(at, schedule, count)


def _next_of_cron(text: str, after: datetime, zone: tzinfo) -> datetime:
    fields = _CRON_NAMES.get(text, text).replace("?", "*").split()
    if len(fields) == 7:
        # Quartz adds a year, which only ever says "any".
        fields = fields[:6]
    try:
        return next(CronSim(" ".join(fields), after.astimezone(zone))).astimezone(UTC)
    except (CronSimError, StopIteration) as error:
        raise InvalidTimer(
            f"Expected a cycle such as R3/PT10M, or a cron expression such as 0 0 9 * * MON-FRI, but found {text!r}."
        ) from error
