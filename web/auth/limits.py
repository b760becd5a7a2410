"""How many requests anybody may make: guesses at the doors by address, everything else by who asks.

Counted in this process, or in a Redis that all nodes share. An open server counts nothing: it has no log-in, and only
this machine reaches it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

import structlog
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from web.auth.throttle import holder

logger = structlog.get_logger(__name__)

LOGIN, TOKEN, REQUESTS = "login", "token", "requests"
DEFAULTS: Mapping[str, str] = {LOGIN: "120/minute", TOKEN: "120/minute", REQUESTS: "60000/minute"}
"""Log-ins and fetched access tokens by address, which an office may share; all that an identity asks for, far above
what one worker can do. What slows down guesses at one name is `web.auth.throttle`."""
OFF = "off"


class TooMany(Exception):
    """More requests than are allowed; the next one may be made after `seconds`."""

    def __init__(self, limit: RateLimitItem, seconds: int) -> None:
        super().__init__(f"Expected at most {limit}, but there were more. Try again in {seconds} seconds.")
        self.seconds = seconds


class LimitError(Exception):
    """A limit, or where it is counted, cannot be understood."""


@dataclass(slots=True)
class Limits:
    """The limits of one server, by kind; without one of a kind, it is not limited."""

    items: Mapping[str, RateLimitItem]
    storage: Storage = field(default_factory=MemoryStorage)
    _counter: SlidingWindowCounterRateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._counter = SlidingWindowCounterRateLimiter(self.storage)

    @classmethod
    def of(cls, said: Mapping[str, str] | None = None, storage: str = "") -> Limits:
        """Limits as people write them, such as `30/minute`; `off` for none. `storage`: `redis://…`, else memory.

        Raises LimitError.
        """
        items = {}
        for kind, default in DEFAULTS.items():
            text = ((said or {}).get(kind) or default).strip()
            if text.lower() != OFF:
                items[kind] = _parsed(kind, text)
        try:
            where = storage_from_string(storage) if storage else MemoryStorage()
        except (ConfigurationError, ValueError) as error:
            raise LimitError(f"Expected a place to count requests in, such as redis://host:6379, but: {error}.") \
                from error
        if not isinstance(where, Storage):
            raise LimitError("Expected a place to count requests in, such as redis://host:6379, but this one needs "
                             "another kind of program.")
        try:
            return cls(items, where)
        except NotImplementedError as error:
            raise LimitError("Expected a place that can count in sliding windows, such as redis://host:6379, but this "
                             "one cannot.") from error

    def count(self, kind: str, who: str) -> None:
        """One more request of somebody. Raises TooMany."""
        who = holder(who) if kind in (LOGIN, TOKEN) else who
        item = self.items.get(kind)
        if item is None:
            return
        try:
            if self._counter.hit(item, kind, who):
                return
            seconds = max(1, ceil(self._counter.get_window_stats(item, kind, who).reset_time - time.time()))
        except (StorageError, ConfigurationError, OSError) as error:
            # A Redis that is away must not close the doors: what guards passwords is counted in memory anyway.
            logger.warning("requests are not counted", reason=str(error).splitlines()[0])
            return
        raise TooMany(item, seconds)


def _parsed(kind: str, text: str) -> RateLimitItem:
    try:
        item = parse(text)
    except ValueError:
        item = None
    if item is None or item.amount < 1:
        raise LimitError(f"Expected the limit of {kind} as a number of requests in a time, such as 30/minute, or off, "
                         f"but found {text!r}.")
    return item
