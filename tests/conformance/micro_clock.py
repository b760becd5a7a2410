"""Times of the micro diagrams' timers on their virtual clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from cronsim import CronSim

MANY = 50
DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$")


def add(start: datetime, text: str) -> datetime:
    """`start` plus an ISO 8601 duration."""
    found = DURATION.match(text)
    if found is None:
        raise ValueError(f"not a duration: {text}")
    years, months, weeks, days, hours, minutes, seconds = (float(x or 0) for x in found.groups())
    month = start.month - 1 + int(months) + 12 * int(years)
    moved = start.replace(year=start.year + month // 12, month=month % 12 + 1)
    return moved + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def next_times(kind: str, text: str, now: datetime) -> list[datetime]:
    """When a timer fires, the first few times."""
    if kind == "DATE":
        return [datetime.fromisoformat(text)]
    if kind == "DURATION":
        return [add(now, text)]
    if not text.startswith("R"):
        fields = text.replace("?", "*").split()
        times = CronSim(" ".join(fields), now)
        return [next(times) for _ in range(MANY)]
    repeat, *parts = text.split("/")
    count = int(repeat[1:]) if repeat[1:] else MANY
    first = datetime.fromisoformat(parts[0]) if len(parts) == 2 else add(now, parts[0])
    times_: list[datetime] = []
    for _ in range(count):
        times_.append(first if not times_ else add(times_[-1], parts[-1]))
    return times_
