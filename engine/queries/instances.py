"""Lists of instances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, select

from engine import schema
from engine.queries import conditions, orders
from engine.queries.matching import ANY as ANY
from engine.queries.matching import InstanceFilter as InstanceFilter
from engine.queries.matching import where as where
from engine.queries.narrowing import LOOKED_THROUGH, narrowed
from engine.queries.orders import SORTS as SORTS
from engine.queries.paging import COUNTED, MAX_LIMIT, Page
from engine.queries.walking import Asked
from engine.states import InstanceState
from engine.wording import one_of

if TYPE_CHECKING:
    from engine.engine import Engine

_i = schema.instances.c
_d = schema.definitions.c

@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One instance in a list."""

    key: int
    definition_key: int
    process_id: str
    process_name: str | None
    version: int
    tenant_id: str
    business_id: str | None
    state: str
    suspended_at: datetime | None
    incident_count: int
    waiting: bool
    retrying: bool
    stalled: bool
    in_doubt: bool
    held: bool
    snoozed: bool
    parent_key: int | None
    parent_element_instance_key: int | None
    root_key: int
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    correlation_id: str
    trace_parent: str | None
    tags: list[str] | None

    @property
    def status(self) -> str:
        """The one word of `STATES` that matters most."""
        if self.state != InstanceState.ACTIVE:
            return self.state.lower()
        for word, applies in (
            ("suspended", self.suspended_at is not None), ("in_doubt", self.in_doubt),
            ("incident", self.incident_count > 0),
            ("stalled", self.stalled), ("held", self.held), ("retrying", self.retrying), ("waiting", self.waiting),
        ):
            if applies:
                return word
        return "active"


def search(engine: Engine, filter: InstanceFilter, *, sort: str = "-started_at", limit: int = 50,
           offset: int = 0, thorough: bool = True) -> Page[InstanceRow]:
    """The instances that a filter lets through. `sort` is an order of `engine.queries.orders`, with `-` in front for
    descending. Unless `thorough`, some that would be found only by asking very many are left out, and the page says so.

    Raises InvalidInput for an unknown state or sort.
    """
    now = engine.clock()
    with engine.read() as connection:
        asked, keys = _keys(connection, filter, now, sort, min(limit, MAX_LIMIT), offset, thorough)
        cut = asked.meant.cut or asked.cut
        return Page(_listed(connection, keys, now), min(asked.meant.total, COUNTED),
                    cut or asked.meant.total > COUNTED, LOOKED_THROUGH if cut else None)


def in_parts(engine: Engine, filter: InstanceFilter, *, sort: str, most: int) -> Iterator[tuple[InstanceRow, ...]]:
    """The first `most` of them, in parts of at most `MAX_LIMIT`: searched for once. Raises as `search` does."""
    now = engine.clock()
    with engine.read() as connection:
        _asked, keys = _keys(connection, filter, now, sort, most, 0, thorough=True)
    for start in range(0, len(keys), MAX_LIMIT):
        with engine.read() as connection:
            part = _listed(connection, keys[start:start + MAX_LIMIT], now)
        yield part


def _keys(connection: Connection, filter: InstanceFilter, now: datetime, sort: str, limit: int, offset: int,
          thorough: bool) -> tuple[Asked, list[int]]:
    """What was asked for, and the keys of a part of that."""
    asked = Asked(connection, narrowed(filter, now, connection, thorough=thorough), sort.startswith("-"), now, thorough)
    # What is looked up for each row is not looked up for all that are sorted.
    return asked, orders.keys(asked, sort.removeprefix("-"), limit, offset)


def _listed(connection: Connection, keys: Sequence[int], now: datetime) -> tuple[InstanceRow, ...]:
    found = connection.execute(rows(now).where(one_of(_i.key, keys, connection))) if keys else ()
    by_key = {row.key: InstanceRow(**row._mapping) for row in found}
    return tuple(by_key[key] for key in keys if key in by_key)


def counts(engine: Engine, filters: Sequence[InstanceFilter]) -> list[int]:
    """How many instances each filter lets through; one more than `COUNTED` if there are more than that, or if it would
    take long to know."""
    now = engine.clock()
    with engine.read() as connection:
        found = [narrowed(each, now, connection, thorough=False) for each in filters]
        return [COUNTED + 1 if each.cut else each.total for each in found]


def rows(now: datetime) -> Select[Any]:
    """The statement whose rows are `InstanceRow`s."""
    words = [condition.label(word) for word, condition in conditions.of_one(now).items()]
    return select(
        _i.key, _i.definition_key, _i.process_id, _d.name.label("process_name"), _i.version, _i.tenant_id,
        _i.business_id, _i.state, _i.suspended_at, _i.incident_count, *words, _i.parent_key,
        _i.parent_element_instance_key, _i.root_key, _i.started_at, _i.ended_at, _i.end_reason, _i.correlation_id,
        _i.trace_parent, _i.tags,
    ).join(schema.definitions, _d.key == _i.definition_key)
