"""Where service functions run: threads for the plain ones, one event loop for the async ones.

All threads are daemons: a call that hangs must not keep the process from ending. Its job is called again after the
lock ran out, with the same idempotency key.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], None]


class Threads:
    """A fixed number of threads that take work in order."""

    def __init__(self, size: int, name: str) -> None:
        self._name = name
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        for _ in range(size):
            self.grow()

    def submit(self, work: Work) -> None:
        """Do it as soon as a thread is free. `work` must not raise."""
        self._queue.put(work)

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
            work()


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
