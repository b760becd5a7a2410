"""Keys: 64-bit integers, unique over all processes that share a database.

Hi/lo: a process takes a block of keys from the table `key_sequence` in a small transaction of its own, then gives
them out from memory. Keys of a block that is not used up are lost, which 63 bits can bear.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from operator import length_hint

from sqlalchemy import Connection, bindparam, update

from engine import schema
from engine.database import Database

BLOCK = 50_000
RESERVE = 10_000
NAME = "key"

_TAKE = (
    update(schema.sequence).where(schema.sequence.c.name == NAME)
    .values(next=schema.sequence.c.next + bindparam("size")).returning(schema.sequence.c.next)
)


class Keys:
    """An endless iterator of new keys; safe for threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._left: Iterator[int] = iter(range(0))
        """What is left of the block. Taking from it is one step of the interpreter, so that it needs no lock."""
        self._blocks = ((0, 0), (0, 0))
        self._writing: Connection | None = None
        self._borrowed = False

    def __iter__(self) -> Keys:
        return self

    def __next__(self) -> int:
        key = next(self._left, None)
        while key is None:
            with self._lock:
                if not self.left:
                    self._refill()
            key = next(self._left, None)
        return key

    @property
    def blocks(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The blocks of this process that are in use, each from its first key up to the first behind it: what has such
        a key was made here."""
        return self._blocks

    @property
    def left(self) -> int:
        """How many are left of the block that is in use."""
        return length_hint(self._left)

    def prepare(self) -> None:
        """Take a new block if few keys are left. Called before a transaction, when none is open in this thread."""
        if self.left < RESERVE:
            with self._lock:
                if self.left < RESERVE:
                    self._use(self._own_block())

    def begin(self, connection: Connection) -> None:
        """A transaction begins. SQLite has one writer: a block that is needed meanwhile must come through it."""
        if self._database.is_sqlite:
            self._writing = connection
            self._borrowed = False

    def taken_back(self, connection: Connection) -> None:
        """A part of the transaction was rolled back, and with it perhaps the block that it took."""
        if self._borrowed:
            self.end(committed=False)
            self.begin(connection)

    def end(self, *, committed: bool) -> None:
        """The transaction is over. A block taken inside a transaction that was rolled back was never ours."""
        if not self._database.is_sqlite:
            return
        with self._lock:
            self._writing = None
            if self._borrowed and not committed:
                self._left = iter(range(0))
            self._borrowed = False

    def _refill(self) -> None:
        if self._writing is None:
            self._use(self._own_block())
        else:
            self._use(_take(self._writing))
            self._borrowed = True

    def _use(self, block: tuple[int, int]) -> None:
        self._left = iter(range(*block))
        self._blocks = (self._blocks[1], block)

    def _own_block(self) -> tuple[int, int]:
        with self._database.write() as connection:
            return _take(connection)


def _take(connection: Connection) -> tuple[int, int]:
    end = connection.scalar(_TAKE, {"size": BLOCK})
    assert end is not None, "Expected the row of the key sequence, but the table is empty."
    return end - BLOCK, end
