"""Slows down who guesses: tries are counted in the database, for all nodes (`engine.guesses`), or here without one."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from engine import guesses
from engine.engine import Engine
from engine.errors import Unavailable
from engine.guesses import Somebody

MOST_KNOWN = 10_000
ONE_HOLDER = 64
"""Bits of an IPv6 address that somebody is given as a whole, with all addresses that begin so (RFC 6177)."""


class Throttle:
    """Counts tries. `engine`: whose database the nodes share; without one, or while it is away, this process counts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine: Engine | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def begin(self, address: str, name: str) -> float:
        """Count a try; or how many seconds somebody has to wait before it, then it is not counted."""
        somebody = Somebody(name, holder(address))
        if self.engine is not None:
            try:
                # Who has to wait, and tries again and again, writes nothing.
                return guesses.seconds_to_wait(self.engine, somebody) or self.engine.execute(guesses.begin, somebody)
            except Unavailable:
                pass    # nobody is let in for that reason
        return self._begin(somebody)

    def succeeded(self, address: str, name: str) -> None:
        """The try was right."""
        somebody = Somebody(name, holder(address))
        if self.engine is not None:
            try:
                return self.engine.execute(guesses.right, somebody)
            except Unavailable:
                pass
        with self._lock:
            self._tries.pop(somebody.here, None)

    def half_succeeded(self, address: str, name: str) -> None:
        """The try was right, but another one has to follow: those before it still count."""
        somebody = Somebody(name, holder(address))
        if self.engine is not None:
            try:
                return self.engine.execute(guesses.half_right, somebody)
            except Unavailable:
                pass
        with self._lock:
            for who in somebody.weights:
                count, last = self._tries.get(who, (0, 0.0))
                if count:
                    self._tries[who] = (count - 1, last)

    def _begin(self, somebody: Somebody) -> float:
        now = self._clock()
        with self._lock:
            known = {who: self._tries.get(who, (0, now)) for who in somebody.weights}
            seconds = max(guesses.pause(known[who][0], now - known[who][1], weight)
                          for who, weight in somebody.weights.items())
            if seconds > 0:
                return seconds
            for who, (count, last) in known.items():
                self._tries.pop(who, None)
                over = now - last > guesses.FORGOTTEN_AFTER.total_seconds()
                self._tries[who] = (1 if over else count + 1, now)
            while len(self._tries) > MOST_KNOWN:
                self._tries.popitem(last=False)
        return 0.0


def holder(address: str) -> str:
    """Who an address belongs to, as far as it tells: of IPv6, its network, in which one has as many as one likes."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> ONE_HOLDER << ONE_HOLDER)) + f"/{ONE_HOLDER}"
