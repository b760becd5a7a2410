"""What expressions may ask of where they run: what time it is, and of which instance they are.

Whoever evaluates says so around it, for the thread that does the work; without that, the system's clock counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from bpmn.inside import Inside

Facts = Callable[[], Mapping[str, Any]]

_moment: ContextVar[datetime.datetime | None] = ContextVar("moment", default=None)
_facts: ContextVar[Facts | None] = ContextVar("facts", default=None)


def at(moment: datetime.datetime) -> Inside[datetime.datetime | None]:
    """Inside, it is that moment, told in its own time zone."""
    return Inside(_moment, moment)


def of_instance(facts: Facts) -> Inside[Facts | None]:
    """Inside, expressions are of an instance of which `facts` tells; it is asked only when one wants to know."""
    return Inside(_facts, facts)


def now() -> datetime.datetime:
    """This moment, with an offset."""
    return _moment.get() or datetime.datetime.now().astimezone()


def instance_facts() -> Mapping[str, Any] | None:
    """What is known of the instance, as Camunda 7 calls it; None outside of any."""
    facts = _facts.get()
    return None if facts is None else facts()
