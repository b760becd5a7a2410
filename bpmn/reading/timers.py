"""Checks timer texts that are written out (ISO 8601 dates, durations and cycles, cron) at deploy."""

from __future__ import annotations

import re
from datetime import datetime

from bpmn.model import TimerKind
from bpmn.reading.nodes import whole_number

DURATION = re.compile(
    r"P(?=[0-9]|T[0-9])([0-9]+([.,][0-9]+)?Y)?([0-9]+([.,][0-9]+)?M)?([0-9]+([.,][0-9]+)?W)?([0-9]+([.,][0-9]+)?D)?"
    r"(T(?=[0-9])([0-9]+([.,][0-9]+)?H)?([0-9]+([.,][0-9]+)?M)?([0-9]+([.,][0-9]+)?S)?)?\Z"
)
ZONE = re.compile(r"\[[A-Za-z0-9_+\-/]+\]\Z")
REPEAT = re.compile(r"R(-1|[0-9]*)\Z")
CRON_FIELD = re.compile(
    r"(\?|L(-[0-9]+)?W?|LW|(\*|[0-9A-Z]+([-~][0-9A-Z]+)?)(/[0-9]+)?(#[0-9]|L|W)?)"
    r"(,(\*|[0-9A-Z]+([-~][0-9A-Z]+)?)(/[0-9]+)?(#[0-9]|L|W)?)*\Z"
)
CRON_NAMES = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
CRON_MACRO = re.compile(r"@every\s+\S+\Z")
CRON_WORDS = frozenset({
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN",
})
CRON_LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (1970, 9999))
"""Smallest and largest number in seconds, minutes, hours, days, months, weekdays and years."""


def expected(kind: TimerKind, text: str) -> str | None:
    """What was expected instead of `text`; None if the text is a timer of this kind."""
    if kind is TimerKind.DURATION:
        return None if is_duration(text) else "an ISO 8601 duration such as PT15M or P2D"
    if kind is TimerKind.DATE:
        return None if is_date(text) else "an ISO 8601 date and time such as 2030-01-31T09:00:00Z"
    return None if is_cycle(text) else "a cycle such as R3/PT10M, or a cron expression such as 0 0 9 * * MON-FRI"


def is_duration(text: str) -> bool:
    """Whether `text` is an ISO 8601 duration."""
    return DURATION.match(text) is not None


def is_date(text: str) -> bool:
    """Whether `text` is an ISO 8601 date with or without time, offset and zone name."""
    try:
        datetime.fromisoformat(ZONE.sub("", text))
    except ValueError:
        return False
    return True


def is_cycle(text: str) -> bool:
    """Whether `text` is a repeating interval (`R3/PT10M`, `R/2030-01-01T00:00:00Z/P1D`) or a cron expression."""
    if not text.startswith("R"):
        return is_cron(text)
    repeat, *parts = text.split("/")
    if not REPEAT.match(repeat) or not 1 <= len(parts) <= 2:
        return False
    if len(parts) == 1:
        return is_duration(parts[0])
    first, second = parts
    begins = first == "" or is_date(first)
    return is_duration(second) if begins else is_duration(first) and is_date(second)


def is_cron(text: str) -> bool:
    """Whether `text` is a cron expression of five, six (with seconds) or seven (with years) fields, or a macro."""
    if text in CRON_NAMES or CRON_MACRO.match(text):
        return True
    fields = text.upper().split()
    if not 5 <= len(fields) <= 7:
        return False
    limits = CRON_LIMITS[1:6] if len(fields) == 5 else CRON_LIMITS
    return all(_is_cron_field(field, *limit) for field, limit in zip(fields, limits, strict=False))


def _is_cron_field(field: str, low: int, high: int) -> bool:
    if not CRON_FIELD.match(field):
        return False
    # Only the numbers that name a moment: a step (/5) and an ordinal (#2, L-3) have other bounds.
    moments = re.sub(r"/[0-9]+|#[0-9]|L-[0-9]+", "", field)
    words = re.findall(r"[A-Z]{3,}", moments)
    numbers = [whole_number(number) for number in re.findall(r"[0-9]+", moments)]
    is_within = all(number is not None and low <= number <= high for number in numbers)
    return is_within and all(word in CRON_WORDS for word in words)
