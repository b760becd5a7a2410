"""Where long polls wait without holding a thread.

A request that has to wait leaves its thread by raising `Parked`. The server keeps its connection and runs it again,
from the beginning, when something it listens for was committed, when it is time to look unasked, when its patience
ends, when its client has gone, or when the server leaves. Requests that wait for the same form a group: of a group
one is woken at a time, and the next one only if the one before went away, so that a thousand idle workers do not
look for one job. Views use it through `web.polling` and `web.camunda8.completion`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Any

from flask import request
from werkzeug.exceptions import ServiceUnavailable

from engine.cluster.wakeup import Listener, Wakeup

ENVIRON = "partitur.parking"
"""Under which name the server hands a request its place."""
TICK = 0.02
"""Seconds that a deadline may be late: the clock is not looked at more often."""
RETRY_AFTER = 5


class Parked(BaseException):
    """Leaves the thread; not an error, so no error handler may take it."""


class Full(ServiceUnavailable):
    """More requests want to wait than may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Expected at most {limit} requests to wait here at once, but so many wait already.",
                         retry_after=RETRY_AFTER)


class Place:
    """One request that may wait. `state` is what it wants to find again when it is run again."""

    def __init__(self, lot: Lot, run_again: Callable[[], None], is_connected: Callable[[], bool]) -> None:
        self.state: Any = None
        self.deadline: float | None = None
        self.run_again = run_again
        self.is_connected = is_connected
        self.counted = False
        self.woken = False
        self.look_at = 0.0
        self.heard = 0
        self.group: Group | None = None
        self._lot = lot

    @property
    def has_waited(self) -> bool:
        """Whether this is not the first run of the request."""
        return self.deadline is not None

    def join(self, wakeup: Wakeup, topics: Collection[str], likes: Hashable) -> None:
        """Hear the topics from now on. Requests that join with equal `likes` would be content with the same news."""
        self._lot.join(self, wakeup, topics, likes)

    def reserve(self) -> None:
        """Make sure that this request may wait, before it does what must not be done for nothing; raises Full."""
        self._lot.count(self)

    def wait(self, deadline: float, look_at: float) -> Parked:
        """What to raise in order to wait: until the deadline, looking at `look_at` at the latest (monotonic seconds).

        Raises Full.
        """
        self._lot.count(self)
        self.deadline, self.look_at = deadline, look_at
        return Parked()


class Group(Listener):
    """Requests that wait for the same."""

    def __init__(self, lot: Lot, wakeup: Wakeup, topics: Collection[str], likes: Hashable) -> None:
        super().__init__(wakeup, topics)
        self.likes = likes
        self.members = 0
        self.announcements = 0
        self.look_at: float | None = None
        self.waiting: deque[Place] = deque()
        self._lot = lot

    def wake(self) -> None:
        """Something was committed: let one of them look."""
        self._lot.announced(self)


class Lot:
    """All requests of a server that wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._changed = threading.Condition()
        self._groups: dict[Hashable, Group] = {}
        self._places: set[Place] = set()
        self._counted = 0
        self._leaving = False
        self._next = 0.0
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait at this moment."""
        return len(self._places)

    def join(self, place: Place, wakeup: Wakeup, topics: Collection[str], likes: Hashable) -> None:
        """Put a request into its group; announcements count from now on."""
        with self._changed:
            if place.group is None:
                group = self._groups.get(likes)
                if group is None:
                    group = self._groups[likes] = Group(self, wakeup, topics, likes)
                    group.__enter__()
                group.members += 1
                place.group = group
            place.heard = place.group.announcements

    def count(self, place: Place) -> None:
        """Let a request wait if there is room; raises Full."""
        with self._changed:
            if not place.counted and self._counted >= self.limit:
                raise Full(self.limit)
            self._counted += not place.counted
            place.counted = True

    def park(self, place: Place) -> None:
        """A request has left its thread."""
        group, deadline = place.group, place.deadline
        if group is None or deadline is None:
            raise RuntimeError("Expected a request to join a group before it waits, but it did not.")
        with self._changed:
            again = place.woken
            place.woken = False
            group.look_at = place.look_at
            missed = group.announcements != place.heard
            if not (missed or self._leaving or deadline <= time.monotonic() or not place.is_connected()):
                self._places.add(place)
                # Who has only looked keeps its turn.
                (group.waiting.appendleft if again else group.waiting.append)(place)
                self._plan(min(deadline, place.look_at))
                return
            place.woken = missed
        place.run_again()

    def forget(self, place: Place) -> None:
        """A request is over. If it was woken for its group, there may be more for the next one."""
        if not place.counted and not place.group:
            return
        following = None
        with self._changed:
            self._counted -= place.counted
            place.counted = False
            if group := place.group:
                place.group = None
                following = self._take(group) if place.woken else None
                group.members -= 1
                if not group.members:
                    del self._groups[group.likes]
                    group.__exit__()
            self._changed.notify_all()
        if following:
            following.run_again()

    def gone(self, place: Place) -> None:
        """The client of a request has gone."""
        with self._changed:
            if place not in self._places:
                return
            self._remove(place)
        place.run_again()

    def announced(self, group: Group) -> None:
        """Let the first of a group look."""
        with self._changed:
            group.announcements += 1
            first = self._take(group)
        if first:
            first.run_again()

    def leave(self, seconds: float) -> bool:
        """Run everything that waits a last time; whether all of it was over in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._leaving = True
            places = list(self._places)
            for place in places:
                self._remove(place)
        for place in places:
            place.run_again()
        with self._changed:
            return self._changed.wait_for(lambda: not self._counted, max(0.0, deadline - time.monotonic()))

    def _take(self, group: Group) -> Place | None:
        if not group.waiting:
            return None
        place = group.waiting[0]
        self._remove(place)
        place.woken = True
        return place

    def _remove(self, place: Place) -> None:
        self._places.discard(place)
        if place.group:
            place.group.waiting.remove(place)

    def _plan(self, at: float) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="parking", daemon=True)
            self._next = at
            self._thread.start()
        elif at < self._next:
            self._next = at
            self._changed.notify_all()

    def _watch(self) -> None:
        """Run again what is due."""
        while True:
            with self._changed:
                while (left := self._next - time.monotonic()) > 0:
                    self._changed.wait(min(left, threading.TIMEOUT_MAX))
                due = self._due(time.monotonic())
            for place in due:
                place.run_again()
            time.sleep(TICK)

    def _due(self, now: float) -> list[Place]:
        due = [place for place in self._places if place.deadline is not None and place.deadline <= now]
        for place in due:
            self._remove(place)
        self._next = min((place.deadline or now for place in self._places), default=float("inf"))
        for group in self._groups.values():
            if group.look_at is None or not group.waiting:
                continue
            if group.look_at <= now:
                group.look_at = None
                if first := self._take(group):
                    due.append(first)
            else:
                self._next = min(self._next, group.look_at)
        return due


def place() -> Place | None:
    """The place of this request, or None where the server can only let it wait in its thread."""
    found: Place | None = request.environ.get(ENVIRON)
    return found
