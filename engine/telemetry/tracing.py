"""The trace that a request belongs to (W3C Trace Context): instances that it starts carry it on to every service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""A `traceparent` of version 00 that names a trace and a span (W3C Trace Context §3.2)."""

_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)


@contextmanager
def under(trace_parent: str | None) -> Iterator[None]:
    """What is started in here belongs to this trace; a text that is no `traceparent` counts as none (§3.2.2)."""
    token = _parent.set(trace_parent if trace_parent and TRACE_PARENT.fullmatch(trace_parent) else None)
    try:
        yield
    finally:
        _parent.reset(token)


def parent() -> str | None:
    """The `traceparent` of what asks now."""
    return _parent.get()
