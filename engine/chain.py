"""The audit trail as a chain: each entry has the hash of the one before it, so that it tells of what was tampered with.

Entries are written unsealed, in the transactions of their acts, so that no act waits for another. A few seconds later
any node seals them, a block at a time, in the order of their keys: each gets its position, and a hash over itself and
the hash before it. Whoever changes, removes, adds or moves a sealed entry breaks the chain there. Whoever can rewrite
the whole chain is found out only by somebody who kept an older hash: that is what `expected` of `verify` is for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, func, insert, literal, select, update
from sqlalchemy.exc import SQLAlchemyError

from engine import schema
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

BLOCK = 500
"""How many entries are sealed in one transaction."""
SLICE = 2_000
BEGINNING = "0" * 64
"""What the first entry follows."""
FIELDS = ("key", "at", "actor", "operation", "entity", "entity_key", "instance_key", "reason", "details", "before",
          "after")
"""What the hash of an entry is over, in this order, after the hash before it and its position."""
NAME = "HEAD"

_a, _c = schema.audit.c, schema.audit_chain.c
ENTRY = tuple(_a[name] for name in FIELDS)
HEAD = select(_c.position, _c.hash, _c.sealed_at).where(_c.name == NAME)
UNSEALED = select(*ENTRY).where(_a.position.is_(None)).order_by(_a.key).limit(BLOCK)
SEAL = (
    update(schema.audit).where(_a.key == bindparam("b_key"))
    .values(position=bindparam("b_position"), hash=bindparam("b_hash"))
)
MOVE = update(schema.audit_chain).where(_c.name == NAME)
LINKS = (
    select(*ENTRY, _a.position, _a.hash).where(_a.position > bindparam("after"))
    .order_by(_a.position).limit(SLICE)
)
OPEN = select(func.count()).select_from(
    select(literal(1)).where(_a.position.is_(None)).limit(100_000).subquery()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the chain: how many entries are sealed, the hash of the last one, and since when."""

    position: int
    hash: str
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the chain is broken: the position, the key of the entry that stands there (None: none does), and what is
    wrong, in words."""

    position: int
    entry_key: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification found. `checked` entries were right, up to `head`; `unsealed` ones are too new to tell."""

    checked: int
    head: Head
    unsealed: int
    broken: Break | None


def link(previous: str, position: int, entry: Mapping[str, Any]) -> str:
    """The hash of an entry: SHA-256 over the JSON list of the hash before it, its position and its fields.

    Names in objects are sorted, there are no spaces, and times are in ISO 8601, so that any program can compute it.
    """
    content = [previous, position, *(_plain(entry[name]) for name in FIELDS)]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def seal(tx: Transaction) -> int:
    """Add a block of new entries to the chain; returns how many. Another node that is at it is left alone."""
    return len(seal_block(tx))


def seal_block(tx: Transaction) -> Sequence[Mapping[str, Any]]:
    """The same; returns the entries, with their positions and hashes."""
    if not tx.engine.database.try_serialize(tx.connection, "audit chain"):
        return ()
    tx.rows.flush()
    found = tx.connection.execute(UNSEALED).all()
    if not found:
        return ()
    head = _head(tx.connection)
    position, previous = head.position, head.hash
    sealed = []
    for row in found:
        position += 1
        previous = link(previous, position, row._asdict())
        sealed.append({"b_key": row.key, "b_position": position, "b_hash": previous})
    tx.connection.execute(SEAL, sealed)
    values = {"position": position, "hash": previous, "sealed_at": tx.now}
    if head.sealed_at is None:
        tx.connection.execute(insert(schema.audit_chain).values(name=NAME, **values))
    else:
        tx.connection.execute(MOVE.values(**values))
    return [{**row._asdict(), "position": each["b_position"], "hash": each["b_hash"]}
            for row, each in zip(found, sealed, strict=True)]


def seal_all(engine: Engine) -> int:
    """Seal what there is, block by block, and tell `Engine.sealed` of it; returns how much that was."""
    total = 0
    while entries := engine.execute(seal_block):
        if engine.sealed is not None:
            engine.sealed(entries)
        total += len(entries)
        if len(entries) < BLOCK:
            break
    return total


def head(engine: Engine) -> Head:
    """The end of the chain."""
    with engine.read() as connection:
        return _head(connection)


def _head(connection: Connection) -> Head:
    row = connection.execute(HEAD).first()
    return Head(position=0, hash=BEGINNING, sealed_at=None) if row is None else Head(**row._mapping)


def verify(engine: Engine, expected: tuple[int, str] | None = None, *, newest: int | None = None) -> Verdict:
    """Follow the chain from its beginning to its end, and name the first entry that is not as it was sealed.

    `expected` is a position and the hash that was noted for it earlier: it must still be there. With `newest` only so
    many entries at the end are looked at, and the one before them is trusted.
    Raises InvalidInput if nothing can be there: a position below 1, or no hash.
    """
    if expected is not None and (expected[0] < 1 or len(expected[1]) != 64):
        raise InvalidInput("Expected a position from 1 on and a hash of 64 characters, such as 1200:9f8e….")
    follower = Follower(expected)
    if newest is not None:
        _begin_late(engine, follower, newest)
    began = follower.position
    while True:
        with engine.read() as connection:
            # The end first: what is sealed meanwhile must not look as if it were added behind it, or missing.
            end = _head(connection)
            rows, unreadable = _slice(connection, follower.position)
            unsealed = connection.scalar(OPEN) or 0
        broken = follower.follow(row._asdict() for row in rows)
        if broken is None and unreadable:
            broken = Break(position=follower.position + 1, entry_key=None,
                           sentence=f"Entry {follower.position + 1} of the chain cannot be read: something stands in "
                                    f"it that was never sealed.")
        if broken is None and not rows:
            broken = follower.end(end)
        if broken is not None or not rows:
            right = follower.position if broken is None else broken.position - 1
            return Verdict(checked=right - began, head=end, unsealed=unsealed, broken=broken)


def _slice(connection: Connection, after: int) -> tuple[Sequence[Any], bool]:
    """The next entries, up to one that cannot be read: whoever tampers may write what is no time and no JSON."""
    try:
        return connection.execute(LINKS, {"after": after}).all(), False
    except SQLAlchemyError:
        raise
    except Exception:  # whatever the types of the columns raise
        rows: list[Any] = []
    while True:
        try:
            row = connection.execute(LINKS.limit(1), {"after": after}).one()
        except SQLAlchemyError:
            raise
        except Exception:
            return rows, True
        rows.append(row)
        after = row.position


def _begin_late(engine: Engine, follower: Follower, newest: int) -> None:
    with engine.read() as connection:
        row = connection.execute(
            select(_a.position, _a.hash).where(_a.position == _head(connection).position - newest)).first()
    if row is not None:
        follower.position, follower.hash = row.position, row.hash


class Follower:
    """Follows a chain of entries, from the database or from a file."""

    def __init__(self, expected: tuple[int, str] | None = None) -> None:
        self.position = 0
        self.hash = BEGINNING
        self._expected = expected

    def follow(self, entries: Iterable[Mapping[str, Any]]) -> Break | None:
        """Check the next entries; the first that is wrong, or None."""
        for entry in entries:
            position = self.position + 1
            if entry["position"] != position:
                return Break(position=position, entry_key=None,
                             sentence=f"Entry {position} of the chain is missing: the next one that is there is "
                                      f"{entry['position']}. It was removed, or moved to another place.")
            if link(self.hash, position, entry) != entry["hash"]:
                return Break(position=position, entry_key=entry["key"],
                             sentence=f"Entry {position} of the chain (key {entry['key']}) is not as it was sealed: it "
                                      f"was changed, or another stands in its place.")
            if self._expected is not None and self._expected[0] == position and self._expected[1] != entry["hash"]:
                return Break(position=position, entry_key=entry["key"],
                             sentence=f"Entry {position} of the chain (key {entry['key']}) has another hash than the "
                                      f"one that was noted: the chain was made anew since then.")
            self.position, self.hash = position, entry["hash"]
        return None

    def end(self, head: Head) -> Break | None:
        """Check that the chain ends where it was said to end."""
        if head.position > self.position:
            return Break(position=self.position + 1, entry_key=None,
                         sentence=f"Entry {self.position + 1} of the chain and all after it, up to {head.position}, "
                                  f"are missing: they were removed from its end.")
        if head.position < self.position or head.hash != self.hash:
            return Break(position=min(head.position, self.position) + 1, entry_key=None,
                         sentence=f"The chain was sealed up to entry {head.position}, but it goes on to "
                                  f"{self.position}: entries were added at its end, or its end was changed.")
        if self._expected is not None and self._expected[0] > self.position:
            return Break(position=self.position + 1, entry_key=None,
                         sentence=f"Expected the chain to have {self._expected[0]} entries or more, as was noted, but "
                                  f"it has {self.position}: its end was removed.")
        return None
