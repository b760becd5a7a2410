"""Slows down who guesses passwords, on all nodes together: after some wrong tries one has to wait, longer each time.

Tries count for a name at an address, for the address whatever the name, and for the name wherever they come from; the
last does not hold at an address where the name came in before, so that strangers shut nobody out. They are rows of the
database, wherever they were made; of names and addresses only a hash is kept, because people type passwords where a
name belongs. Source: OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B §3.2.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, or_, select, update

from engine import schema
from engine.database import Upsert

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.rows import AnyRow
    from engine.transaction import Transaction

FREE = 5
"""Wrong tries after which one has to wait."""
OF_ADDRESS, OF_NAME = 10, 20
"""How many tries count as one for an address, and for a name at all addresses."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
FORGOTTEN_AFTER = timedelta(hours=1)
"""Without another try."""
KNOWN_FOR = timedelta(days=30)
"""How long an address is known at which somebody came in."""
KNOWN = -1

_g = schema.guesses.c
FIND = select(_g.who, _g.tries, _g.last_at).where(_g.who.in_(bindparam("who", expanding=True)))
KEEP = Upsert(schema.guesses, ["who"], ["tries", "last_at"])
TAKE_BACK = update(schema.guesses).where(_g.who == bindparam("b_who"), _g.tries > 0).values(tries=_g.tries - 1)
DROP = delete(schema.guesses).where(_g.who == bindparam("b_who"))


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who tries: a name, from an address."""

    name: str
    address: str

    @property
    def here(self) -> str:
        """The name at this address."""
        return _digest("here", self.address, self.name)

    @property
    def known(self) -> str:
        """That the name came in at this address."""
        return _digest("known", self.address, self.name)

    @property
    def weights(self) -> dict[str, int]:
        """What a try counts for, and how many count as one."""
        return {self.here: 1, _digest("address", self.address): OF_ADDRESS, _digest("name", self.name): OF_NAME}


def pause(tries: int, since: float, weight: int = 1) -> float:
    """Seconds to wait after so many wrong tries, the last one `since` seconds ago."""
    beyond = tries // weight - FREE
    return 0.0 if beyond < 0 else max(0.0, min(FIRST_PAUSE * 2.0**min(beyond, 20), LONGEST_PAUSE) - since)


def seconds_to_wait(engine: Engine, somebody: Somebody) -> float:
    """How long somebody has to wait before the next try; 0: not at all."""
    with engine.read() as connection:
        rows = connection.execute(FIND, {"who": [somebody.known, *somebody.weights]}).fetchall()
    return _wait(_lately(rows, engine.clock()), somebody)


def begin(tx: Transaction, somebody: Somebody) -> float:
    """Count a try, before it is looked at; or how long to wait, then it is not counted.

    One after the other on all nodes: of a hundred that come at the same moment, few are looked at.
    """
    tx.engine.database.serialize(tx.connection, "guesses")
    found = _lately(tx.select(FIND, {"who": [somebody.known, *somebody.weights]}), tx.now)
    seconds = _wait(found, somebody)
    if seconds <= 0:
        for who in sorted(somebody.weights):
            tries = found[who][0] if who in found else 0
            tx.rows.write(KEEP, {"who": who, "tries": tries + 1, "last_at": tx.now})
    return seconds


def right(tx: Transaction, somebody: Somebody) -> None:
    """The try was right: it was no guess, and those of the name at this address were slips."""
    tx.rows.write(KEEP, {"who": somebody.known, "tries": KNOWN, "last_at": tx.now})
    tx.rows.write(DROP, {"b_who": somebody.here})
    for who in sorted(somebody.weights):
        tx.rows.write(TAKE_BACK, {"b_who": who})


def half_right(tx: Transaction, somebody: Somebody) -> None:
    """The try was right, but another one has to follow: it was no guess, and those before it still count."""
    for who in sorted(somebody.weights):
        tx.rows.write(TAKE_BACK, {"b_who": who})


def forget(tx: Transaction) -> int:
    """Delete what counts no more; returns how many."""
    return tx.connection.execute(delete(schema.guesses).where(
        _g.last_at <= tx.now - FORGOTTEN_AFTER,
        or_(_g.tries != KNOWN, _g.last_at <= tx.now - KNOWN_FOR))).rowcount


def _lately(rows: Iterable[AnyRow], now: datetime) -> dict[str, tuple[int, float]]:
    """What still counts: tries, and seconds since the last one."""
    return {row.who: (row.tries, (now - row.last_at).total_seconds()) for row in rows
            if now - row.last_at < (KNOWN_FOR if row.tries == KNOWN else FORGOTTEN_AFTER)}


def _wait(found: dict[str, tuple[int, float]], somebody: Somebody) -> float:
    return max((pause(*found[who], weight) for who, weight in somebody.weights.items()
                if who in found and not (weight == OF_NAME and somebody.known in found)), default=0.0)


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()
