"""Who a request comes from."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has shown who they are. The audit trail carries `name`; `groups` decide about tasks."""

    name: str
    groups: tuple[str, ...] = ()


def current() -> Identity | None:
    """Who asks; None where nobody is asked who they are."""
    found: Identity | None = g.get("identity")
    return found


def name_or(nobody: str) -> str:
    """The name for the audit trail; `nobody` where nobody is asked."""
    identity = current()
    return identity.name if identity else nobody
