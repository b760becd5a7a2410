"""The audit trail: found by who, what, when and any text, and told entry by entry for a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Text, cast, or_, select

from engine import chain, schema
from engine.queries import things
from engine.queries.paging import Page, count_in_order, page_of
from engine.queries.things import AuditRow
from engine.wording import like

if TYPE_CHECKING:
    from engine.engine import Engine

SLICE = 1_000
LOOKED_THROUGH = 50_000
"""In no more entries than these a text is looked for while somebody waits for a page: no index has texts."""

_a = schema.audit.c
_WRITTEN = select(*chain.ENTRY, _a.position, _a.hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """What the trail is narrowed by. `operation` and `entity` are what was done to what (RESOLVE, INCIDENT); `text` is
    in the reason, in what is told beside it, or in what was changed; `since` up to before `until`."""

    actor: str | None = None
    operation: str | None = None
    entity: str | None = None
    instance_key: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == TrailFilter()


def search(engine: Engine, filter: TrailFilter, *, limit: int = 50, offset: int = 0,
           thorough: bool = True) -> Page[AuditRow]:
    """The entries that the filter lets through, the newest first. Unless `thorough`, a text is looked for in the newest
    `LOOKED_THROUGH` that fit the rest of the filter, and the page says so if there are more."""
    wanted, order = _columns(filter), (_a.at.desc(), _a.key.desc())
    with engine.read() as connection:
        if not filter.text:
            return page_of(connection, things.AUDIT, _a.key, AuditRow, where=wanted, order=order, limit=limit,
                           offset=offset)
        some = select(_a.key).where(*wanted).order_by(*order)
        cut = not thorough and count_in_order(connection, some, LOOKED_THROUGH) > LOOKED_THROUGH
        if cut:
            asked = some.add_columns(_has(filter.text).label("fits")).limit(LOOKED_THROUGH).subquery()
            wanted = [_a.key.in_(select(asked.c.key).where(asked.c.fits))]
        else:
            wanted.append(_has(filter.text))
        found = page_of(connection, things.AUDIT, _a.key, AuditRow, where=wanted, order=order, limit=limit,
                        offset=offset)
    return replace(found, more=True, looked_through=LOOKED_THROUGH) if cut else found


def entries(engine: Engine, filter: TrailFilter) -> Iterator[dict[str, Any]]:
    """All entries that the filter lets through with their places in the chain, slice by slice: the sealed ones in the
    order of the chain, then those that are too new for it."""
    conditions = _conditions(filter)
    for place, sealed in ((_a.position, True), (_a.key, False)):
        last = 0
        while True:
            statement = _WRITTEN.where(*conditions, place > last).order_by(place).limit(SLICE)
            if not sealed:
                statement = statement.where(_a.position.is_(None))
            with engine.read() as connection:
                rows = connection.execute(statement).all()
            for row in rows:
                yield row._asdict()
            if len(rows) < SLICE:
                break
            last = rows[-1].position if sealed else rows[-1].key


def _conditions(filter: TrailFilter) -> list[ColumnElement[bool]]:
    return [*_columns(filter), *([_has(filter.text)] if filter.text else [])]


def _columns(filter: TrailFilter) -> list[ColumnElement[bool]]:
    """All that a filter says but for the text."""
    found: list[ColumnElement[bool]] = []
    for column, value in ((_a.actor, filter.actor), (_a.operation, filter.operation), (_a.entity, filter.entity),
                          (_a.instance_key, filter.instance_key)):
        if value is not None:
            found.append(column == value)
    if filter.since is not None:
        found.append(_a.at >= filter.since)
    if filter.until is not None:
        found.append(_a.at < filter.until)
    return found


def _has(text: str) -> ColumnElement[bool]:
    pattern = re.sub(r"([%_\\])", r"\\\1", text)
    return or_(*(like(cast(column, Text), f"%{pattern}%") for column in (_a.reason, _a.details, _a.before, _a.after)))
