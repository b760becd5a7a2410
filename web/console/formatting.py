"""Template filters: times, durations and values, in words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from markupsafe import Markup, escape

from engine.queries.paging import COUNTED

_UNITS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_TOKEN = re.compile(r'("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b')


def iso(moment: datetime) -> str:
    """A time for the `datetime` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def absolute(moment: datetime) -> str:
    """A time in full, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def up_to(count: int) -> str:
    """A count that goes no further than the engine counts."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def ago(moment: datetime, now: datetime) -> str:
    """A time as its distance from `now`: "3 minutes ago", "in 2 hours"."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 3:
        return "now"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= size)
    count = int(abs(seconds) // size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def duration(span: timedelta | None) -> str:
    """A span of time in at most two units: "420 ms", "3 min 12 s", "2 d 4 h"."""
    if span is None:
        return "–"
    milliseconds = max(0, round(span.total_seconds() * 1000))
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{milliseconds / 1000:.1f} s" if milliseconds < 9950 else f"{round(milliseconds / 1000)} s"
    for size, unit, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def seconds(count: float) -> str:
    """A number of seconds as a span of time."""
    return duration(timedelta(seconds=count))


def to_json(value: Any, indent: int | None = 2) -> str:
    """A value as JSON text, for people; what JSON has no word for is shown as text."""
    return json.dumps(msgspec.to_builtins(value, enc_hook=str), indent=indent, ensure_ascii=False)


def json_markup(value: Any, longest: int | None = None) -> Markup:
    """A value as JSON text with its parts coloured; everything that comes from the value is escaped.

    Of a text that is longer than `longest` only the beginning is shown, and how much there is.
    """
    text = to_json(value)
    if longest is None or len(text) <= longest:
        return Markup("").join(_coloured(text))
    rest = Markup('\n<span class="soft">… {:,} characters in all</span>').format(len(text))
    return Markup("").join([*_coloured(text[:longest]), rest])


def _coloured(text: str) -> list[Markup]:
    parts: list[Markup] = []
    end = 0
    for match in _TOKEN.finditer(text):
        parts.append(escape(text[end:match.start()]))
        string, colon, number, word = match.groups()
        kind = "key" if colon else "string" if string else "number" if number else "word"
        parts.append(Markup('<span class="json-{}">{}</span>{}').format(kind, string or number or word, colon or ""))
        end = match.end()
    parts.append(escape(text[end:]))
    return parts


def short(value: Any, length: int = 80) -> str:
    """A value in one line of at most `length` characters."""
    text = value if isinstance(value, str) else to_json(value, indent=None)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
