"""Where the time of an instance goes: into services, the queue before them, waiting for the world, or the engine.

Each moment belongs to one part only, the one that says most: while a service works, other branches may wait as they
like. So the parts of an instance add up to its time from the beginning to the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum


class Part(IntEnum):
    """What an instance is at, the one that says most first."""

    SERVICE = 0  # a worker has one of its jobs
    QUEUE = 1  # a job waits for a worker, for the pause before another attempt, or for somebody to retry it
    WAITING = 2  # for a person, a message or a time
    CALLED = 3  # for an instance that it called, whose own time counts
    ENGINE = 4  # none of these: its tokens are moved, or about to be


Interval = tuple[datetime, datetime, Part]


def shares(begin: datetime, end: datetime, intervals: Iterable[Interval]) -> dict[Part, timedelta]:
    """How long an instance was at what. Intervals may overlap, and reach beyond its beginning and end."""
    edges: list[tuple[datetime, int, Part]] = []
    for since, until, part in intervals:
        since, until = max(since, begin), min(until, end)
        if since < until:
            edges += [(since, 1, part), (until, -1, part)]
    edges.sort()
    found = dict.fromkeys(Part, timedelta())
    open_ = [0] * len(Part)
    now = begin
    for at, change, part in edges:
        found[_of(open_)] += at - now
        open_[part] += change
        now = at
    found[_of(open_)] += end - now
    return found


def _of(open_: list[int]) -> Part:
    return next((part for part in Part if open_[part]), Part.ENGINE)
