"""Template filters: times, durations and values, in words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal
from flask_babel import get_locale, gettext, ngettext
from markupsafe import Markup, escape

from engine.queries.paging import COUNTED

SOURCE = "en"
_SIZES = (86400 * 365, 86400 * 30, 86400, 3600, 60, 1)
_TOKEN = re.compile(r'("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b')


def iso(moment: datetime) -> str:
    """A time for the `datetime` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def absolute(moment: datetime) -> str:
    """A time in full, in UTC: in English as ISO 8601 has it, else as is usual in the language."""
    moment = moment.astimezone(UTC)
    if language() == SOURCE:
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{format_datetime(moment, 'medium', locale=language())} UTC"


def clock(moment: datetime) -> str:
    """A time of a day, in UTC, to the minute."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%H:%M") if language() == SOURCE else format_skeleton("Hm", moment, locale=language())


def day(moment: datetime) -> str:
    """A day of a year, in UTC, in few characters."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%m-%d") if language() == SOURCE else format_skeleton("MMdd", moment, locale=language())


def whole_day(moment: datetime) -> str:
    """A day in full, in UTC."""
    moment = moment.astimezone(UTC)
    return moment.date().isoformat() if language() == SOURCE else format_date(moment, "medium", locale=language())


def language() -> str:
    """The language of the present page; English where there is none."""
    return str(get_locale() or SOURCE)


def number(count: float, pattern: str | None = None) -> str:
    """A number as the language of the page writes it."""
    return format_decimal(count, pattern, locale=language())


def up_to(count: int) -> str:
    """A count that goes no further than the engine counts."""
    return f"{number(COUNTED)}+" if count > COUNTED else number(count)


def ago(moment: datetime, now: datetime) -> str:
    """A time as its distance from `now`: "3 minutes ago", "in 2 hours"."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 3:
        return gettext("now")
    size = next(size for size in _SIZES if abs(seconds) >= size)
    count = int(abs(seconds) // size)
    return _ahead(size, count) if seconds > 0 else _past(size, count)


def _past(size: int, count: int) -> str:
    # Written out, because a message has to be found by whoever translates it.
    return {
        _SIZES[0]: lambda: ngettext("%(num)s year ago", "%(num)s years ago", count),
        _SIZES[1]: lambda: ngettext("%(num)s month ago", "%(num)s months ago", count),
        _SIZES[2]: lambda: ngettext("%(num)s day ago", "%(num)s days ago", count),
        _SIZES[3]: lambda: ngettext("%(num)s hour ago", "%(num)s hours ago", count),
        _SIZES[4]: lambda: ngettext("%(num)s minute ago", "%(num)s minutes ago", count),
        _SIZES[5]: lambda: ngettext("%(num)s second ago", "%(num)s seconds ago", count),
    }[size]()


def _ahead(size: int, count: int) -> str:
    return {
        _SIZES[0]: lambda: ngettext("in %(num)s year", "in %(num)s years", count),
        _SIZES[1]: lambda: ngettext("in %(num)s month", "in %(num)s months", count),
        _SIZES[2]: lambda: ngettext("in %(num)s day", "in %(num)s days", count),
        _SIZES[3]: lambda: ngettext("in %(num)s hour", "in %(num)s hours", count),
        _SIZES[4]: lambda: ngettext("in %(num)s minute", "in %(num)s minutes", count),
        _SIZES[5]: lambda: ngettext("in %(num)s second", "in %(num)s seconds", count),
    }[size]()


def duration(span: timedelta | None) -> str:
    """A span of time in at most two units: "420 ms", "3 min 12 s", "2 d 4 h"."""
    if span is None:
        return "–"
    milliseconds = max(0, round(span.total_seconds() * 1000))
    if milliseconds < 1000:
        return gettext("%(count)s ms", count=milliseconds)
    seconds = milliseconds // 1000
    if seconds < 60:
        exact = number(milliseconds / 1000, "0.0") if milliseconds < 9950 else number(round(milliseconds / 1000))
        return gettext("%(count)s s", count=exact)
    if seconds >= 86400:
        large, small = gettext("%(count)s d", count=seconds // 86400), seconds % 86400 // 3600
        rest = gettext("%(count)s h", count=small)
    elif seconds >= 3600:
        large, small = gettext("%(count)s h", count=seconds // 3600), seconds % 3600 // 60
        rest = gettext("%(count)s min", count=small)
    else:
        large, small = gettext("%(count)s min", count=seconds // 60), seconds % 60
        rest = gettext("%(count)s s", count=small)
    return f"{large} {rest}" if small else large


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
    rest = Markup('\n<span class="soft">{}</span>').format(
        gettext("… %(count)s characters in all", count=number(len(text))))
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
