"""The timeline of an instance: one lane per element instance, drawn by the server in a grid of a thousand units.

`zoom` in the address is the part that is shown, in milliseconds since the instance began: `1500-9000`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.queries.past import HistoryRow

WIDTH = 1000
SMALLEST = 6
"""Units of the shortest bar, so that what took a millisecond is still seen."""
TICKS = 4
_ZOOM = re.compile(r"(\d{1,15})-(\d{1,15})")
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a lane's bar begins, and how wide it is; `width` is 0 if it lies outside of what is shown."""

    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is shown: bars by the keys of element instances, times since the instance began at equal distances, the
    place of the chosen moment, and the ranges that the buttons lead to."""

    bars: dict[int, Bar]
    ticks: list[timedelta]
    moment: int | None
    is_zoomed: bool
    closer: str
    wider: str
    earlier: str
    later: str


def draw(rows: Sequence[HistoryRow], began: datetime, now: datetime, zoom: str = "",
         moment: datetime | None = None) -> Timeline:
    """Draw some rows of the history; open ones last until `now`."""
    first = min((row.started_at for row in rows), default=began)
    last = max((row.ended_at or now for row in rows), default=now)
    # The last bar, however short, begins inside.
    start, end = _milliseconds(first - began), _milliseconds(last - began) + 1
    found = _ZOOM.fullmatch(zoom)
    if found:
        start, end = int(found[1]), int(found[2])
    end = max(end, start + 1)
    span = end - start

    def place(at: datetime) -> float:
        return ((at - began) / _MILLISECOND - start) * WIDTH / span

    bars = {row.key: _bar(place(row.started_at), place(row.ended_at or now)) for row in rows}
    marked = place(moment) if moment is not None else -1
    half, quarter = max(span // 2, 1), span // 4
    back = min(half, start)
    return Timeline(
        bars=bars, ticks=[(start + span * tick // TICKS) * _MILLISECOND for tick in range(TICKS)],
        moment=round(marked) if 0 <= marked <= WIDTH else None, is_zoomed=bool(found),
        closer=f"{start + quarter}-{start + quarter + half}",
        wider=f"{max(start - half, 0)}-{end + half}",
        earlier=f"{start - back}-{end - back}", later=f"{start + half}-{end + half}",
    )


def _milliseconds(span: timedelta) -> int:
    return max(int(span / _MILLISECOND), 0)


def _bar(begin: float, end: float) -> Bar:
    if end < 0 or begin > WIDTH:
        return Bar(0, 0)
    left = max(begin, 0.0)
    width = max(min(end, WIDTH) - left, SMALLEST)
    return Bar(round(min(left, WIDTH - SMALLEST)), round(width))
