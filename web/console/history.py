"""The element history of an instance as a tree: what was entered, inside what, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.queries.things import ElementRow

DEEPEST = 5
"""How far entries are indented; what lies deeper stays there, or a phone would have no room for its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the tree. `state` is a state of the console: active, incident, completed or terminated."""

    key: int
    depth: int
    state: str
    element_id: str
    name: str
    type: str
    duration: timedelta


def tree(rows: Sequence[ElementRow], names: Mapping[str, str], now: datetime) -> list[Entry]:
    """The entries in the order they were entered, each below what contains it.

    Arguments: the rows in order; element id → name; the time up to which open ones have lasted.
    """
    known = {row.key for row in rows}
    inside: dict[int | None, list[ElementRow]] = defaultdict(list)
    for row in rows:
        inside[row.scope_key if row.scope_key in known else None].append(row)
    entries: list[Entry] = []
    # A stack of our own: how deep sub-processes nest is the model's choice.
    waiting = [(row, 0) for row in reversed(inside[None])]
    while waiting:
        row, depth = waiting.pop()
        entries.append(Entry(
            key=row.key, depth=min(depth, DEEPEST), state="incident" if row.incident_key else row.state.lower(),
            element_id=row.element_id, name=names.get(row.element_id) or row.element_id, type=row.type,
            duration=(row.ended_at or now) - row.started_at,
        ))
        waiting += [(child, depth + 1) for child in reversed(inside[row.key])]
    return entries
