"""Charts drawn on the server: where their lines, bars and words go. The templates only write them down as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.queries.reports import Point
from web.console import formatting

WIDTH, HEIGHT = 960, 200
LEFT, BOTTOM, TOP, RIGHT = 44, 22, 8, 8
LABELS = 8
"""Words under a chart, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, `kind` is its class in the style sheet; `title` is read when somebody points at it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A word at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars and one line over time."""

    bars: tuple[Bar, ...]
    line: str
    across: tuple[Label, ...]
    up: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def over_time(points: Sequence[Point]) -> Chart:
    """What ended in each hour or day as bars, what started as a line."""
    most = nice(max((max(each.started, each.completed + each.terminated) for each in points), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points))
    floor, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / most
    bars: list[Bar] = []
    for index, each in enumerate(points):
        x, y = LEFT + index * step + step * 0.12, float(floor)
        for kind, count in (("completed", each.completed), ("terminated", each.terminated)):
            if count:
                y -= count * scale
                bars.append(Bar(x=_round(x), y=_round(y), width=_round(step * 0.76), height=_round(count * scale),
                                kind=kind, title=f"{_when(points, each)}: {formatting.number(count)}"))
    line = " ".join(f"{_round(LEFT + (index + 0.5) * step)},{_round(floor - each.started * scale)}"
                    for index, each in enumerate(points))
    every = max(1, -(-len(points) // LABELS))
    across = tuple(Label(x=_round(LEFT + (index + 0.5) * step), y=HEIGHT - 6, text=_when(points, each))
                   for index, each in enumerate(points) if index % every == 0)
    up = tuple(Label(x=LEFT - 6, y=_round(floor - part * most * scale), text=formatting.number(round(part * most)))
               for part in (0, 0.5, 1))
    return Chart(bars=tuple(bars), line=line, across=across, up=up)


def nice(most: float) -> int:
    """A round number, and an even one, that is not less than the most there is."""
    if most <= 2:
        return 2
    size = 10 ** (len(str(int(most))) - 1)
    return int(next(each * size for each in (1, 2, 4, 6, 8, 10, 20) if each * size >= most))


def _when(points: Sequence[Point], point: Point) -> str:
    hourly = len(points) > 1 and points[1].at - points[0].at < timedelta(days=1)
    return formatting.clock(point.at) if hourly else formatting.day(point.at)


def _round(number: float) -> float:
    return round(number, 1)
