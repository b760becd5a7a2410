"""What is said to a broker and by it, whichever it is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

CONNECT_WITHIN, CONFIRM_WITHIN = 5.0, 10.0
"""Seconds."""
CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"
NAME = "partitur"


class Unroutable(Exception):
    """The broker is there, but has no place for what it was sent: no queue, stream or topic of that name."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in. Without a `user`, `password` is all there is: a token."""

    user: str | None
    password: str

    @classmethod
    def of(cls, secret: str) -> Login:
        """Read `user:password`; a text without a colon is a password alone."""
        user, colon, password = secret.partition(":")
        return cls(user or None, password) if colon else cls(None, secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A CloudEvent, in the JSON format. `key`: what has the same one stays in order."""

    id: str
    type: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What came. `id` is the broker's own name of it, the same when it comes again; header names in lower case."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None


class Sender(Protocol):
    """An open connection to a broker."""

    async def send(self, message: Outgoing) -> None:
        """Return when the broker has confirmed it. Raises Unroutable, or what the client raises."""

    async def close(self) -> None:
        """Close the connection."""


Take = Callable[[Incoming], Awaitable[None]]
"""Returns when it was taken, for good: the broker may forget it."""


def text_of(value: Any) -> str:
    """A header's value as a text."""
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else str(value)


def lowered(headers: Mapping[Any, Any] | None) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {text_of(name).lower(): text_of(value) for name, value in (headers or {}).items()}


def fields_to_json(fields: Mapping[str, str]) -> bytes:
    """A message that is fields only, as JSON."""
    return json.dumps(dict(fields), ensure_ascii=False).encode()
