"""Slows down who guesses: after some wrong tries in a row one has to wait, longer each time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE_TRIES = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
MOST_KNOWN = 10_000
FORGOTTEN_AFTER = 3_600.0


class Throttle:
    """Counts wrong tries by who made them; kept in memory, by each process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def seconds_to_wait(self, address: str, name: str) -> float:
        """How long somebody at an address has to wait before trying again; 0: not at all."""
        now = self._clock()
        with self._lock:
            return max(self._pause((address, name), now), self._pause((address, ""), now, factor=10))

    def failed(self, address: str, name: str) -> None:
        """A wrong try; it counts for the name at this address, and a tenth for the address whatever the name."""
        now = self._clock()
        with self._lock:
            for who in {(address, name), (address, "")}:
                count, last = self._tries.pop(who, (0, now))
                self._tries[who] = (1 if now - last > FORGOTTEN_AFTER else count + 1, now)
            while len(self._tries) > MOST_KNOWN:
                self._tries.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """A right try: what came before it were slips."""
        with self._lock:
            self._tries.pop((address, name), None)

    def _pause(self, who: tuple[str, str], now: float, factor: int = 1) -> float:
        count, last = self._tries.get(who, (0, now))
        beyond = count // factor - FREE_TRIES
        if beyond < 0:
            return 0.0
        return max(0.0, last + min(FIRST_PAUSE * 2.0**min(beyond, 20), LONGEST_PAUSE) - now)
