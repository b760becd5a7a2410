"""What expressions may ask of where they run: what time it is, and of which instance they are.

Whoever evaluates says so around it, for the thread that does the work; without that, the system's clock counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Facts = Callable[[], Mapping[str, Any]]

_moment: ContextVar[datetime.datetime | None] = ContextVar("moment", default=None)
_facts: ContextVar[Facts | None] = ContextVar("facts", default=None)


@contextmanager
def at(moment: datetime.datetime) -> Iterator[None]:
    """Inside, it is that moment, told in its own time zone."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


@contextmanager
def of_instance(facts: Facts) -> Iterator[None]:
    """Inside, expressions are of an instance of which `facts` tells; it is asked only when one wants to know."""
    token = _facts.set(facts)
    try:
        yield
    finally:
        _facts.reset(token)


def now() -> datetime.datetime:
    """This moment, with an offset."""
    return _moment.get() or datetime.datetime.now().astimezone()


def instance_facts() -> Mapping[str, Any] | None:
    """What is known of the instance, as Camunda 7 calls it; None outside of any."""
    facts = _facts.get()
    return None if facts is None else facts()
