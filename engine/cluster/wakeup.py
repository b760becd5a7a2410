"""Wakes whoever waits in this process for something that a transaction committed: workers, long polls, the scheduler.

A topic is a text: `jobs:<type>`, `ended:<instance key>`, `due:<time>` (a timer, lock or retry that falls due then).
Other processes are told `here:<topic>` of what somebody acts upon in the process that tells: they need not hurry.
It only shortens the wait: whoever is woken looks into the database, and must also look there from time to time,
because other processes commit too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from math import inf

DUE = "due:"
ENDED = "ended:"
HERE = "here:"
SWEEP = "sweep"
"""The topic of something that became due without being planned: schedulers look for it."""


def jobs_topic(type: str) -> str:
    """The topic of new jobs of a type."""
    return f"jobs:{type}"


def due_topic(at: datetime) -> str:
    """The topic of something that falls due at a time."""
    return f"{DUE}{at.timestamp()}"


def ended_topic(instance_key: int) -> str:
    """The topic of the end of an instance."""
    return f"{ENDED}{instance_key}"


class Listener:
    """Waits for some topics. Made before looking into the database, so that nothing is missed in between."""

    def __init__(self, wakeup: Wakeup, topics: Collection[str]) -> None:
        self._wakeup = wakeup
        self._topics = frozenset(topics)
        self._event = threading.Event()
        self._needed = False
        self.acts = False
        """Whether whoever listens acts upon all that is announced here, so that others may leave it to him."""

    def __enter__(self) -> Listener:
        self._wakeup._add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._wakeup._remove(self)

    def wait(self, seconds: float | None) -> bool:
        """Wait until a topic is announced; False if the time ran out. Announcements before the call count."""
        woken = self._event.wait(seconds)
        self._event.clear()
        return woken

    def wake(self) -> None:
        """End the wait."""
        # Whoever waits looks after he has taken the sign down, so that one that is still up need not be put up again.
        if not self._event.is_set():
            self._event.set()

    def need(self) -> None:
        """Another process told of something that nobody acts upon there."""
        self._needed = True

    def needed(self) -> bool:
        """Whether another process told of something that nobody acts upon there, since this was asked before."""
        needed, self._needed = self._needed, False
        return needed

    def acts_upon(self, topic: str) -> bool:
        """Whether others may leave it to this one."""
        return self.acts and topic in self._topics

    def hears(self, topics: Collection[str]) -> bool:
        """Whether one of the topics is listened to; a listener without topics hears everything."""
        return not self._topics or not self._topics.isdisjoint(topics)


class DueListener(Listener):
    """Waits for something that falls due before `planned`, when it is going to look anyway; None: for anything."""

    planned: datetime | None = None
    _sweep = False

    def asked_to_sweep(self) -> bool:
        """Whether something became due without being planned, since this was asked before."""
        asked, self._sweep = self._sweep, False
        return asked

    def hears(self, topics: Collection[str]) -> bool:
        """Whether one of the topics is sooner than planned."""
        planned = self.planned
        latest = inf if planned is None else planned.timestamp()
        self._sweep = self._sweep or SWEEP in topics
        return any(
            topic == SWEEP or (topic.startswith(DUE) and float(topic.removeprefix(DUE)) < latest) for topic in topics
        )


class Wakeup:
    """The listeners of one engine. `relay` tells other processes of what this one announces, if there is a way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self.relay: Callable[[Collection[str]], None] | None = None

    def listen(self, topics: Collection[str]) -> Listener:
        """A listener for these topics; use it in a `with` block."""
        return Listener(self, topics)

    def listen_for_due(self) -> DueListener:
        """A listener for what falls due; use it in a `with` block."""
        return DueListener(self, ())

    def announce(self, topics: Collection[str]) -> None:
        """Wake all who wait for one of the topics, in other processes too."""
        self.hear(topics)
        if self.relay:
            acting = [listener for listener in self._all() if listener.acts]
            self.relay([HERE + topic if any(each.acts_upon(topic) for each in acting) else topic for topic in topics]
                       if acting else topics)

    def hear(self, topics: Collection[str]) -> None:
        """Wake those who wait for one of the topics in this process."""
        for listener in self._all():
            if listener.hears(topics):
                listener.wake()

    def hear_from_others(self, topics: Collection[str]) -> None:
        """Wake those in this process who wait for one of the topics of which another process tells."""
        without = [topic for topic in topics if not topic.startswith(HERE)]
        for listener in self._all():
            if without and listener.hears(without):
                listener.need()
                listener.wake()
            elif listener.hears([topic.removeprefix(HERE) for topic in topics]):
                listener.wake()

    def hear_all(self) -> None:
        """Wake everybody in this process: something may have been missed."""
        for listener in self._all():
            listener.need()
            listener.wake()

    def _all(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)

    def _add(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.append(listener)

    def _remove(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.remove(listener)
