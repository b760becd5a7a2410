"""Turns: among threads that want a lock, and among tenants that have work."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

Thing = TypeVar("Thing")


class FairLock:
    """A lock that is given to threads in the order in which they asked, so that none starves."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._queue: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._held = False


class Turns:
    """Whose turn it is: all who have something to do are served in a circle, by their names."""

    def __init__(self) -> None:
        self._last = ""

    def order(self, names: Collection[str], count: int) -> list[str]:
        """The names, beginning with the one whose turn it is, when `count` things are going to be given out.

        Who gets one more than others, because the things cannot be divided, is another one each time.
        """
        known = sorted(names)
        place = bisect_right(known, self._last)
        turned = known[place:] + known[:place]
        if turned and count % len(turned):
            self._last = turned[count % len(turned) - 1]
        return turned


def served(turns: Turns, names: Collection[str], count: int,
           take: Callable[[str, int], Sequence[Thing]]) -> list[Thing]:
    """At most `count` things in equal shares, one of each name after the other.

    `take` gives up to so many things of a name, each only once. What one does not need is shared among the others, so
    that none is idle as long as there is anything.
    """
    order = turns.order(names, count)
    found: dict[str, list[Thing]] = {name: [] for name in order}
    asked, left = order, count
    while asked and left > 0:
        more, unasked = [], []
        for name, share in zip(asked, shares(left, len(asked)), strict=True):
            if not share:
                unasked.append(name)
                continue
            taken = take(name, share)
            found[name] += taken
            left -= len(taken)
            if len(taken) == share:
                more.append(name)
        asked = unasked + more
    missing = object()
    return [each for row in zip_longest(*found.values(), fillvalue=missing)   # type: ignore[misc]
            for each in row if each is not missing]


def shares(count: int, parts: int) -> list[int]:
    """A number in so many parts, which differ by one at most."""
    base, rest = divmod(count, parts)
    return [base + 1] * rest + [base] * (parts - rest)


class Rate:
    """So many in a second, and as many at once after a quiet second."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._guard = threading.Lock()
        self._left = float(per_second)
        self._at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Whether one more is within the rate; counts it."""
        with self._guard:
            passed = (now - self._at).total_seconds() if self._at is not None else 0.0
            self._left = min(float(self.per_second), self._left + max(passed, 0.0) * self.per_second)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
