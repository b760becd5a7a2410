"""Searches for variables in the order of their names: name by name, and those of a name in the order of their keys.

The index of names begins with the name, but what has the same name is in it by value. Of a name that few have, all are
read and sorted; of one that very many have, as most do, variables are read in the order of their keys until a part is
full. So nothing is sorted of which a million share a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, literal, select, true

from engine import schema
from engine.queries import variables
from engine.queries.criteria import VERY_MANY, Search, Searchable, beyond, lean
from engine.queries.paging import MAX_LIMIT, count

if TYPE_CHECKING:
    from engine.engine import Engine

_v = schema.variables.c

MOST_NAMES = 1_000
"""Each name is a look of its own; more of them are sorted as anything else."""


def keys(engine: Engine, connection: Connection, what: Searchable[Any], query: Search,
         few: Sequence[int] | None) -> list[int] | None:
    """The keys of the part that a search asks for; None if it asks for another order, one name, or few."""
    if few is not None or len(query.sort) != 1 or query.sort[0][0] != "name" or query.alternatives:
        return None
    if any(criterion.field == "name" for criterion in query.criteria):
        return None
    goes_on = query.after is not None or query.before is not None
    descending = query.sort[0][1] != (query.before is not None)
    wanted, edge, further = what.where(engine.database, query.criteria), None, true()
    if goes_on:
        edge, last = beyond(what, query)[1]
        further = what.key < last if descending else what.key > last
    names = variables.names_from(connection, edge, MOST_NAMES, descending=descending)
    if names is None:
        return None
    found: list[int] = []
    limit, offset = min(query.limit, MAX_LIMIT), 0 if goes_on else query.offset
    order = what.key.desc() if descending else what.key.asc()
    for name in names:
        matching = lean(what, [_named(connection, name), *wanted, *([further] if name == edge else [])])
        page = connection.scalars(matching.order_by(order).limit(limit - len(found)).offset(offset)).all()
        found += page
        if len(found) == limit:
            break
        # Fewer than the offset, or the page would have begun here.
        offset = 0 if page or not offset else offset - count(connection, matching, offset)
    return found


def _named(connection: Connection, name: str) -> ColumnElement[bool]:
    """That a variable has a name; said so that no index is followed if very many have it."""
    having: Select[Any] = select(literal(1)).where(_v.name == name)
    return (_v.name.concat("") if count(connection, having, VERY_MANY) > VERY_MANY else _v.name) == name
