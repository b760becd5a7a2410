"""Which services the code may mean that a Camunda 7 diagram names: a class, a bean, or a method of one.

Nothing of it is ever loaded. The names are those under which a Java program and a Python program would know the same
service: `org.acme.ReserveStock`, `${reserveStock}` and `${reserveStockDelegate.execute(execution)}` all mean
`reserve-stock`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

SUFFIX = "Delegate"
"""What Java programs put behind the names of such classes and beans; it says nothing about the service."""


def candidates(written: str) -> tuple[str, ...]:
    """The names of services that a class, bean or method name may mean, the likeliest first.

    As it is written; then a class without its package, or a bean without its method; each also with hyphens, and
    without `Delegate` at its end.
    """
    return tuple(dict.fromkeys(name for name in _spellings(written) if name))


def resolve(written: str, services: Container[str]) -> str:
    """The first candidate that is a service; the name as it is written if none is."""
    return next((name for name in candidates(written) if name in services), written)


def _spellings(written: str) -> Iterator[str]:
    yield written
    *before, last = written.split(".")
    is_class = last[:1].isupper()
    if before and not is_class:
        yield _hyphenated(".".join((before[-1], last)))
    short = last if is_class or not before else before[-1]
    for name in (short, short.removesuffix(SUFFIX)):
        yield name
        yield _hyphenated(name)


def _hyphenated(name: str) -> str:
    """`reserveStock` and `ReserveStock` with hyphens: `reserve-stock`; `HTTPCall` is `http-call`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lower()
