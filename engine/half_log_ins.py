"""Log-ins whose password was right, and whose second factor is still to come: for some minutes, in one browser.

They are no sessions: nothing is reachable with one but the page that asks for the code. As with sessions, the browser
shows something random, of which a hash is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, update

from engine import schema
from engine.database import Upsert

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

LASTS = timedelta(minutes=5)
"""How long the code may take."""
TRIES = 5
"""Wrong codes after which the password has to be shown again."""

_h = schema.half_log_ins.c
FIND = select(_h.digest, _h.name, _h.stamp, _h.tries, _h.expires_at).where(_h.digest == bindparam("digest"))
PUT = Upsert(schema.half_log_ins, ["digest"], ["name", "stamp", "tries", "expires_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLogIn:
    """Somebody who has shown a password."""

    digest: str
    name: str
    stamp: str
    tries: int
    expires_at: datetime


def begin(tx: Transaction, digest: str, name: str, stamp: str, lasts: timedelta = LASTS) -> None:
    """The password of somebody was right in this browser."""
    tx.rows.write(PUT, {"digest": digest, "name": name, "stamp": stamp, "tries": 0, "expires_at": tx.now + lasts})


def find(engine: Engine, digest: str) -> HalfLogIn | None:
    """What this browser has begun, unless it took too long or went wrong too often."""
    with engine.read() as connection:
        row = connection.execute(FIND, {"digest": digest}).first()
    if row is None or engine.clock() >= row.expires_at or row.tries >= TRIES:
        return None
    return HalfLogIn(**row._mapping)


def wrong(tx: Transaction, digest: str) -> None:
    """A code was wrong."""
    tx.connection.execute(update(schema.half_log_ins).where(_h.digest == digest).values(tries=_h.tries + 1))


def end(tx: Transaction, digest: str) -> bool:
    """It is over, one way or the other; whether it was there: of two that end it at once, one goes on."""
    return tx.connection.execute(delete(schema.half_log_ins).where(_h.digest == digest)).rowcount == 1


def forget(tx: Transaction) -> int:
    """Delete those that are too old; returns how many."""
    return tx.connection.execute(delete(schema.half_log_ins).where(_h.expires_at <= tx.now)).rowcount
