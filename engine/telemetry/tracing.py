"""The trace that a request belongs to (W3C Trace Context): instances that it starts carry it on to every service."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""A `traceparent` of version 00 that names a trace and a span (W3C Trace Context §3.2)."""

_LATER = re.compile(r"(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?")
"""What a later version must begin with, so that those who do not know it can go on (§3.2.1, §4.3)."""

_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)


def given(text: str | None) -> str | None:
    """The `traceparent` that a caller gave, as version 00 writes it; None for a text that is none (§3.2.2)."""
    later = _LATER.fullmatch(text or "")
    written = f"00{later[1]}" if later else text or ""
    return written if TRACE_PARENT.fullmatch(written) else None


@contextmanager
def under(trace_parent: str | None) -> Iterator[None]:
    """What is started in here belongs to this trace; a text that is no `traceparent` counts as none (§3.2.2)."""
    token = _parent.set(given(trace_parent))
    try:
        yield
    finally:
        _parent.reset(token)


def parent() -> str | None:
    """The `traceparent` of what asks now."""
    return _parent.get()


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, and the span outside of the engine that an instance goes back to, if there is one."""

    id: str
    outside: str | None
    flags: str

    @property
    def is_sampled(self) -> bool:
        """Whether whoever began the trace wants to see it (W3C Trace Context §3.2.2.5)."""
        return bool(int(self.flags, 16) & 1)

    def parent(self, span: str) -> str:
        """The `traceparent` of what is done under a span of this trace."""
        return f"00-{self.id}-{span}-{self.flags}"


@lru_cache(4096)      # each call and each log line of an instance asks for it
def trace_of(trace_parent: str | None, correlation_id: str) -> Trace:
    """The trace of an instance. Where nobody began one, its id comes from the correlation id, so that all that belongs
    together is in one trace anyway."""
    match = TRACE_PARENT.fullmatch(trace_parent or "")
    if match:
        return Trace(match[1], match[2], match[3])
    return Trace(hashlib.sha256(correlation_id.encode()).hexdigest()[:32], None, "01")


def span_id(kind: str, *numbers: int) -> str:
    """The id of the span of a thing, such as an element instance: the same on each node and after each restart."""
    return hashlib.sha256(f"{kind}:{':'.join(map(str, numbers))}".encode()).hexdigest()[:16]


def attempt_span(job_key: int, attempt: int) -> str:
    """The id of the span of one attempt of a job."""
    return span_id("job", job_key, attempt)
