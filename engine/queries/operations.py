"""Operations: what was planned and done to instances, by whom and why, and what became of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, select

from engine import schema
from engine.errors import NotFound
from engine.operations.deeds import deed_of
from engine.operations.plans import ItemState
from engine.queries.paging import MAX_LIMIT, Page, page

if TYPE_CHECKING:
    from engine.engine import Engine

_o, _m = schema.operations.c, schema.operation_items.c
OPERATIONS = select(
    _o.key, _o.kind, _o.parameters, _o.filter, _o.author, _o.state, _o.total, _o.repeats_key, _o.reason,
    _o.applied_by, _o.planned_at, _o.applied_at, _o.ended_at,
)
ITEMS = select(
    _m.key, _m.operation_key, _m.position, _m.instance_key, _m.label, _m.state, _m.expected, _m.changes, _m.effects,
    _m.risky, _m.sentence, _m.result, _m.started_at, _m.ended_at,
)
COUNTS = (
    select(_m.operation_key, _m.state, func.count().label("found"))
    .where(_m.operation_key.in_(bindparam("keys", expanding=True))).group_by(_m.operation_key, _m.state)
)
IS_THERE = select(_o.key).where(_o.key == bindparam("key"))
RISKY = select(func.count()).where(_m.operation_key == bindparam("key"), _m.risky)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """One operation. `total` is how many items it has, `ended` how many have their outcome; the others count the items
    in each state (`engine.operations.plans.ItemState`)."""

    key: int
    kind: str
    parameters: dict[str, Any]
    filter: str
    author: str
    state: str
    total: int
    repeats_key: int | None
    reason: str | None
    applied_by: str | None
    planned_at: datetime
    applied_at: datetime | None
    ended_at: datetime | None
    frozen: int
    planned: int
    blocked: int
    watching: int
    fixed: int
    failed_again: int
    skipped: int
    not_started: int

    @property
    def ended(self) -> int:
        """How many items have their outcome."""
        return self.fixed + self.failed_again + self.skipped + self.not_started

    @property
    def is_open(self) -> bool:
        """Whether it is still under way, or its items are still watched."""
        return self.ended_at is None or self.watching > 0

    @property
    def final(self) -> bool:
        """Whether nothing takes it back."""
        return deed_of(self.kind, self.parameters).final


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One instance of an operation (or a service, then `label` names it)."""

    key: int
    operation_key: int
    position: int
    instance_key: int | None
    label: str | None
    state: str
    expected: dict[str, Any]
    changes: list[str]
    effects: list[dict[str, Any]]
    risky: bool
    sentence: str | None
    result: dict[str, Any]
    started_at: datetime | None
    ended_at: datetime | None


def operations(engine: Engine, *, kind: str | None = None, states: Collection[str] = (), author: str | None = None,
               limit: int = 50, offset: int = 0) -> Page[OperationRow]:
    """Operations, the newest first."""
    statement = OPERATIONS.order_by(_o.key.desc())
    for column, value in ((_o.kind, kind), (_o.author, author)):
        if value is not None:
            statement = statement.where(column == value)
    if states:
        statement = statement.where(_o.state.in_(list(states)))
    with engine.read() as connection:
        found = page(connection, statement, dict, limit, offset)
        counts = _counts(connection, [row["key"] for row in found.items])
    return Page(tuple(OperationRow(**row, **counts[row["key"]]) for row in found.items), found.total, found.more)


def operation(engine: Engine, key: int) -> OperationRow:
    """One operation; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(OPERATIONS.where(_o.key == key)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"Expected to find an operation with key {key}, but there is none.")
        return OperationRow(**{str(name): row[name] for name in row}, **_counts(connection, [key])[key])


def is_there(engine: Engine, key: int) -> bool:
    """Whether there is an operation with this key; one that was kept long enough is gone."""
    with engine.read() as connection:
        return connection.scalar(IS_THERE, {"key": key}) is not None


def _counts(connection: Connection, keys: Collection[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {
        key: dict.fromkeys((state.value.lower() for state in ItemState), 0) for key in keys}
    if keys:
        for row in connection.execute(COUNTS, {"keys": list(keys)}):
            found[row.operation_key][row.state.lower()] = row.found
    return found


def items(engine: Engine, key: int, *, states: Collection[str] = (), risky: bool = False, limit: int = 50,
          offset: int = 0) -> Page[ItemRow]:
    """The items of an operation, in their order. `risky`: only those with a service that may act twice."""
    statement = ITEMS.where(_m.operation_key == key).order_by(_m.position)
    if states:
        statement = statement.where(_m.state.in_(list(states)))
    if risky:
        statement = statement.where(_m.risky)
    with engine.read() as connection:
        return page(connection, statement, ItemRow, limit, offset)


def all_items(engine: Engine, key: int) -> Iterator[ItemRow]:
    """Every item of an operation, read in parts."""
    after = -1
    while True:
        with engine.read() as connection:
            rows = connection.execute(
                ITEMS.where(_m.operation_key == key, _m.position > after).order_by(_m.position).limit(MAX_LIMIT)
            ).mappings().all()
        yield from (ItemRow(**{str(name): row[name] for name in row}) for row in rows)
        if len(rows) < MAX_LIMIT:
            return
        after = rows[-1]["position"]


def of_instance(engine: Engine, instance_key: int, *, limit: int = 50, offset: int = 0) -> Page[ItemRow]:
    """What operations did to an instance, the newest first."""
    statement = ITEMS.where(_m.instance_key == instance_key).order_by(_m.operation_key.desc())
    with engine.read() as connection:
        return page(connection, statement, ItemRow, limit, offset)


def risks(engine: Engine, key: int) -> int:
    """How many items have a service that may act twice."""
    with engine.read() as connection:
        return connection.scalar(RISKY, {"key": key}) or 0

