"""Turns: among threads that want a lock, and among tenants that have work."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
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


class Lent:
    """What this process may begin of something of which all nodes together may begin so many in a second.

    A node takes a few at a time from what is left, so that it does not ask for each; what it does not use is worth
    nothing a second later.
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._guard = threading.Lock()
        self._left = 0
        self._until: datetime | None = None
        self._none_until: datetime | None = None

    def take(self, now: datetime) -> bool | None:
        """Whether one may begin; None: nobody here knows."""
        with self._guard:
            if self._left > 0 and self._until is not None and now < self._until:
                self._left -= 1
                return True
            return False if self._none_until is not None and now < self._none_until else None

    def share(self, left: float) -> int:
        """How many to take of what is left for all."""
        return min(int(left), max(1, self.per_second // SHARES))

    def got(self, count: int, now: datetime) -> None:
        """So many were taken, and are kept."""
        with self._guard:
            self._left = count + (self._left if self._until is not None and now < self._until else 0)
            self._until = now + timedelta(seconds=1)

    def none_left(self, left: float, now: datetime) -> None:
        """There was not even one: it takes a while until there is."""
        with self._guard:
            self._none_until = now + timedelta(seconds=(1 - left) / self.per_second)


SHARES = 20
"""Into how many a second's worth is divided that a node takes."""
