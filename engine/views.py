"""Views of the list of instances that people keep, for themselves or for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, or_, select, update

from engine import audit, schema, values
from engine.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_s = schema.saved_views.c

MOST = 50
"""Views of one person."""
LONGEST = 4000
"""Characters of an address: some servers in between take no longer one."""

_ROWS = select(_s.key, _s.owner, _s.name, _s.shared, _s.query)
_OF_OWNER = _ROWS.where(_s.owner == bindparam("owner"))
_OWN = _OF_OWNER.where(_s.key == bindparam("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One kept view. `query` is that of the address: filter, order and columns."""

    key: int
    owner: str
    name: str
    shared: bool
    query: str


def save(tx: Transaction, name: str, query: str, *, shared: bool = False, key: int | None = None) -> int:
    """Keep a view of whoever acts, or change one (`key`); audited. Returns its key.

    Raises InvalidInput, NotFound (the view is not his), Conflict (he has one of that name, or too many).
    """
    label = values.name(" ".join(name.split()), "the name of a view", longest=80)
    if label is None:
        raise InvalidInput("Expected a name for the view, but it is empty.")
    if len(query) > LONGEST:
        raise InvalidInput(f"Expected a view with an address of at most {LONGEST} characters, but found {len(query)}.")
    others = [row for row in tx.select(_OF_OWNER, {"owner": tx.actor}) if row.key != key]
    if any(row.name == label for row in others):
        raise Conflict(f"Expected a name that none of your views has, but one is called {label!r}.")
    content = {"name": label, "query": query, "shared": shared, "changed_at": tx.now}
    if key is None:
        if len(others) >= MOST:
            raise Conflict(f"Expected at most {MOST} views of one person, but there are as many already.")
        before, key = None, tx.key()
        tx.rows.insert(schema.saved_views, {"key": key, "owner": tx.actor, "created_at": tx.now, **content})
    else:
        before = _told(_own(tx, key))
        tx.connection.execute(update(schema.saved_views).where(_s.key == key).values(**content))
    audit.record(tx, "SAVE", "VIEW", key, details={"name": label, "shared": shared}, before=before,
                 after={"name": label, "query": query, "shared": shared})
    return key


def _told(view: SavedView) -> dict[str, Any]:
    """What the audit trail says of a view."""
    return {"name": view.name, "query": view.query, "shared": view.shared}


def remove(tx: Transaction, key: int) -> None:
    """Forget a view of whoever acts; audited. Raises NotFound."""
    before = _own(tx, key)
    tx.connection.execute(delete(schema.saved_views).where(_s.key == key))
    audit.record(tx, "DELETE", "VIEW", key, details={"name": before.name}, before=_told(before))


def _own(tx: Transaction, key: int) -> SavedView:
    row = tx.first(_OWN, {"key": key, "owner": tx.actor})
    if row is None:
        raise NotFound(f"Expected to find a view of {tx.actor} with key {key}, but there is none.")
    return SavedView(**row._mapping)


def visible_to(engine: Engine, person: str) -> list[SavedView]:
    """The views that somebody kept, and those that others share, his own first."""
    statement = _ROWS.where(or_(_s.owner == person, _s.shared)).order_by(
        _s.owner != person, func.lower(_s.name), _s.key)
    with engine.read() as connection:
        return [SavedView(**row._mapping) for row in connection.execute(statement)]
