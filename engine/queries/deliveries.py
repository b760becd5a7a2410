"""Events that wait to be delivered, or that are dead; and events that came in and were set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine import schema
from engine.queries.paging import Page, page

if TYPE_CHECKING:
    from engine.engine import Engine

_o, _t = schema.outbox.c, schema.event_targets.c
_a, _s = schema.inbound_set_aside.c, schema.inbound_sources.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event for a target. `event` is the CloudEvent. `due_at` is when it is tried next, unless it is `dead`."""

    key: int
    target: str
    event_id: str
    type: str
    instance_key: int
    created_at: datetime
    due_at: datetime
    attempts: int
    error: str | None
    dead: bool
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An event that came and could not be taken. `body` is as it came, in base64 if `headers` say so."""

    key: int
    source: str
    event_id: str | None
    received_at: datetime
    attempts: int
    error: str
    headers: Mapping[str, Any]
    body: str


def deliveries(engine: Engine, *, target: str | None = None, dead: bool | None = None, limit: int,
               offset: int) -> Page[Delivery]:
    """What is in the outbox, the newest first."""
    name = func.coalesce(_t.name, _o.target_name, "")
    rows = (
        select(_o.key, name.label("target"), _o.event_id, _o.type, _o.instance_key, _o.created_at, _o.due_at,
               _o.attempts, _o.error, _o.dead, _o.body.label("event"))
        .join(schema.event_targets, _t.key == _o.target_key, isouter=True)
    )
    if target is not None:
        rows = rows.where(name == target)
    if dead is not None:
        rows = rows.where(_o.dead == dead)
    with engine.read() as connection:
        return page(connection, rows.order_by(_o.key.desc()), Delivery, limit, offset)


def set_aside(engine: Engine, *, source: str | None = None, limit: int, offset: int) -> Page[SetAside]:
    """What came in and could not be taken, the newest first."""
    rows = (
        select(_a.key, _s.name.label("source"), _a.event_id, _a.received_at, _a.attempts, _a.error, _a.headers, _a.body)
        .join(schema.inbound_sources, _s.key == _a.source_key)
    )
    if source is not None:
        rows = rows.where(_s.name == source)
    with engine.read() as connection:
        return page(connection, rows.order_by(_a.key.desc()), SetAside, limit, offset)
