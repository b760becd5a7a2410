"""Instances of some definitions in some states, in the order of indexes that begin with both.

A definition is of one process, version and tenant. So whatever a filter says of these and of states means some pairs of
a definition and a state, and within each pair an index has the order of the list. The pairs are merged: a page costs as
much as it has rows, whichever of these filters and orders come together and however many instances do not match.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, literal_column, select, union_all

from engine import schema
from engine.states import InstanceState
from engine.wording import merged_parts, one_of

_i, _d = schema.instances.c, schema.definitions.c

Pair = tuple[int, str]
"""The key of a definition, and a state."""

MOST_PAIRS = 300
"""No more are merged: each is a look into an index, and a part of the statement."""

ALL_STATES = tuple(state.value for state in InstanceState)


def in_state(state: str) -> ColumnElement[bool]:
    """The condition of a state, written out as in indexes of what is open."""
    return _i.state == literal_column(f"'{InstanceState(state).value}'")


def pairs(connection: Connection, definitions: Collection[int] | None,
          states: Sequence[str]) -> tuple[Pair, ...] | None:
    """The pairs of which there are instances; None if they are more than `MOST_PAIRS`. Without `definitions`: all."""
    words = union_all(*(select(literal_column(f"'{state}'").label("state")) for state in states)).subquery("words")
    # Not EXISTS: PostgreSQL would read all instances first, to look each pair up among them.
    # And in an order that an index has: where nearly all are in a state, it would look for one without any index.
    some = select(_i.key).where(_i.definition_key == _d.key, _i.state == words.c.state).order_by(_i.key).limit(1)
    every = schema.definitions.join(words, literal_column("1 = 1"))
    statement = select(_d.key, words.c.state).select_from(every).where(
        some.correlate(schema.definitions, words).scalar_subquery().is_not(None))
    if definitions is not None:
        statement = statement.where(one_of(_d.key, definitions, connection))
    found = connection.execute(statement.limit(MOST_PAIRS + 1)).all()
    return None if len(found) > MOST_PAIRS else tuple((row[0], row[1]) for row in found)


def merged(connection: Connection, of: Sequence[Pair], by: Sequence[ColumnElement[Any]], there: ColumnElement[bool], *,
           descending: bool, most: int) -> Subquery:
    """The keys of the first `most` instances of some pairs, by `by` and the key, out of those that an index has because
    they are `there`. A subquery with a column `key`, whose rows come in that order."""
    def part(definition: Any, state: Any) -> Select[Any]:
        columns = [column.label(f"by_{place}") for place, column in enumerate(by)]
        return select(_i.key.label("key"), *columns).where(_i.definition_key == definition, _i.state == state, there)

    return merged_parts(connection, of, part, [*(f"by_{place}" for place in range(len(by))), "key"],
                        descending=descending, most=most)
