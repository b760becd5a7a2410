"""Where service functions run: threads for the plain ones, one event loop for the async ones.

All threads are daemons: a call that hangs must not keep the process from ending. Its job is called again after the
lock ran out, with the same idempotency key.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

QUICK = 0.0005
"""Functions that take fewer seconds do not wait for anything: one thread does them all."""
STUCK = 0.005
"""Seconds after which one of them is not so quick this time, and the others behind it go elsewhere."""


class Threads:
    """A fixed number of threads that take work in order."""

    def __init__(self, size: int, name: str) -> None:
        self._name = name
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.begun = 0
        """How much work was begun; by one thread, exactly."""
        for _ in range(size):
            self.grow()

    @property
    def is_behind(self) -> bool:
        """Whether work waits for a thread."""
        return not self._queue.empty()

    def submit(self, work: Work) -> None:
        """Do it as soon as a thread is free. `work` must not raise."""
        self._queue.put(work)

    def move(self, others: Threads) -> None:
        """Let others do what waits here."""
        leaving = 0
        with suppress(queue.Empty):
            while True:
                work = self._queue.get_nowait()
                if work is None:
                    leaving += 1
                else:
                    others.submit(work)
        for _ in range(leaving):
            self.shrink()

    def grow(self) -> None:
        """One thread more, for instance in place of one that hangs."""
        thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def shrink(self) -> None:
        """One thread fewer, once it is free."""
        self._queue.put(None)

    def stop(self) -> None:
        """End every thread when it is free; nobody waits for it."""
        for _ in self._threads:
            self.shrink()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            self.begun += 1
            work(self)


Work = Callable[[Threads], None]
"""What is done; it is told whose thread does it."""


class Crew:
    """Threads for functions that wait for something, and one for those that never do.

    The interpreter runs one thread at a time. Many that have something to do at once hand it to each other again and
    again, which costs more than what quick functions do.
    """

    def __init__(self, size: int, name: str) -> None:
        self._many = Threads(size, name)
        self._one = Threads(1, f"{name}-quick")
        self._begun, self._since = 0, 0.0

    @property
    def is_behind(self) -> bool:
        """Whether quick work waits, which has to be looked after."""
        return self._one.is_behind

    def submit(self, work: Work, took: float | None) -> None:
        """Do it as soon as a thread is free. `work` must not raise; `took` says how many seconds its like took."""
        if took is None or took >= QUICK:
            self._many.submit(work)
            return
        if not self._one.is_behind:
            self._since = time.monotonic()
        self._one.submit(work)

    def look_after(self) -> None:
        """Let others do what waits behind a function that is not as quick as it was. Called now and then."""
        now, begun = time.monotonic(), self._one.begun
        if begun != self._begun or not self._one.is_behind:
            self._begun, self._since = begun, now
        elif now - self._since > STUCK:
            self._one.move(self._many)

    def stop(self) -> None:
        """End every thread when it is free; nobody waits for it."""
        self._many.stop()
        self._one.stop()


class EventLoop:
    """One event loop in a thread of its own, started with the first async call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it on the loop. It must not raise."""
        asyncio.run_coroutine_threadsafe(coroutine, self._started())

    def stop(self) -> None:
        """End the loop; calls under way are cancelled."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_loop, args=(self._loop,), name=self._name, daemon=True).start()
            return self._loop


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
