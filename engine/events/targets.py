"""Where events go, and which of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from engine import audit, guard, schema
from engine.errors import Conflict, InvalidInput, NotFound
from engine.events import addresses
from engine.events.types import OURS, TYPES

if TYPE_CHECKING:
    from engine.database import Database
    from engine.engine import Engine
    from engine.transaction import Transaction

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,98}[A-Za-z0-9])?")
SETTLES = timedelta(seconds=10)
"""A new target begins to get events so long after it was made: by then every node has heard of it (`REFRESH`), so that
from its beginning on none is missing."""
REFRESH = 3.0
"""Seconds after which a node looks again which targets there are."""

CHANGED = "event_targets"
"""What is announced when there is a target more or less."""

_t = schema.event_targets.c
ALL = select(schema.event_targets).order_by(_t.name)
BY_NAME = select(schema.event_targets).where(_t.name == bindparam("name")).with_for_update()
DELETE = delete(schema.event_targets).where(_t.key == bindparam("b_key"))
DROP = delete(schema.outbox).where(schema.outbox.c.target_key == bindparam("b_key"))
PAUSE = (update(schema.event_targets).where(_t.key == bindparam("b_key"))
         .values(paused=bindparam("b_paused"), failures=0, rests_until=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTarget:
    """One target. `types` are patterns of event types (`partitur.incident.*`), `processes` BPMN process ids; empty:
    all. `secret` is the name of the secret that signs what is sent. `rests_until`: after failures it is left alone
    until then."""

    key: int
    name: str
    address: str
    types: tuple[str, ...]
    processes: tuple[str, ...]
    secret: str | None
    paused: bool
    starts_at: datetime
    created_at: datetime
    created_by: str
    failures: int
    rests_until: datetime | None
    last_error: str | None
    delivered: int
    delivered_at: datetime | None

    def wants(self, type: str, process_id: str | None, now: datetime) -> bool:
        """Whether it gets an event of a type and a process, now."""
        if now < self.starts_at or (self.processes and process_id not in self.processes):
            return False
        return self.likes(type)

    def likes(self, type: str) -> bool:
        """Whether a type is among those that it gets."""
        return not self.types or any(fnmatchcase(type, pattern) for pattern in self.types)


def of_row(row: RowMapping) -> EventTarget:
    """The target of a row."""
    return EventTarget(**{**row, "types": tuple(row["types"]), "processes": tuple(row["processes"])})


class Targets:
    """The targets as this process knows them; `now` is asked at every step, so it is no more than a tuple."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.now: tuple[EventTarget, ...] = ()
        self.wanted: frozenset[str] = frozenset()
        """Types of ours that somebody wants, so that nobody makes the others."""
        self.refresh()

    def refresh(self) -> None:
        """Look again which there are. Raises what the database raises."""
        with self._database.read() as connection:
            found = read(connection)
        self.wanted = frozenset(type for type in TYPES if any(target.likes(type) for target in found))
        self.now = found


def read(connection: Connection) -> tuple[EventTarget, ...]:
    """Every target, by name."""
    return tuple(of_row(row._mapping) for row in connection.execute(ALL))


def all_of_them(engine: Engine) -> tuple[EventTarget, ...]:
    """Every target, by name."""
    with engine.read() as connection:
        return read(connection)


def add(tx: Transaction, name: str, address: str, *, types: Sequence[str] = (), processes: Sequence[str] = (),
        secret: str | None = None) -> EventTarget:
    """Send events to a webhook or a broker (`engine.events.addresses`) from `SETTLES` from now on; audited.

    `secret` is the name of the one that signs what a webhook gets, or that logs in at a broker. `types` and `processes`
    limit which events (see `EventTarget`). Raises InvalidInput; Conflict if there is one of that name.
    """
    named = name.strip()
    if not NAME.fullmatch(named):
        raise InvalidInput(f"Expected a name of letters, digits, spaces, '_', '.' and '-', but it is {name[:100]!r}.")
    wanted = _patterns(types)
    if tx.first(BY_NAME, {"name": named}) is not None:
        raise Conflict(f"Expected a new name, but there is a target {named!r} already.")
    row: dict[str, Any] = {
        "key": tx.key(), "name": named, "address": addresses.checked(address), "types": wanted,
        "processes": [process.strip() for process in processes if process.strip()], "secret": secret or None,
        "paused": False, "starts_at": tx.now + SETTLES, "created_at": tx.now, "created_by": tx.actor, "failures": 0,
        "rests_until": None, "last_error": None, "delivered": 0, "delivered_at": None,
    }
    tx.connection.execute(insert(schema.event_targets), row)
    made = EventTarget(**{**row, "types": tuple(wanted), "processes": tuple(row["processes"])})
    audit.record(tx, "CREATE", "EVENT_TARGET", made.key, details={"name": named}, after=_told(made))
    tx.announce(CHANGED)
    return made


def _told(target: EventTarget) -> dict[str, Any]:
    """What the audit trail says of a target. Of its secret only the name is known here, and hidden all the same."""
    return {"address": target.address, "types": [*target.types], "processes": [*target.processes],
            "secret": target.secret, "paused": target.paused}


def pause(tx: Transaction, name: str, *, paused: bool, reason: str) -> None:
    """Send it nothing for now, or go on; what comes meanwhile waits. Audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "pause a target of events" if paused else "let a target of events go on")
    found = _found(tx, name)
    tx.rows.write(PAUSE, {"b_key": found.key, "b_paused": paused})
    audit.record(tx, "PAUSE" if paused else "RESUME", "EVENT_TARGET", found.key, reason=why, details={"name": name},
                 before={"paused": found.paused}, after={"paused": paused})
    tx.announce("events")


def change(tx: Transaction, name: str, reason: str, *, address: str | None = None, types: Sequence[str] | None = None,
           processes: Sequence[str] | None = None, secret: str | None = None) -> None:
    """Give a target another address, other types or processes, or another secret ("": none); what is None stays.

    What waits for it, and what is dead, goes to the new address. Audited. Raises InvalidInput, NotFound.
    """
    why = guard.reason_given(reason, "change a target of events")
    found = _found(tx, name)
    new: dict[str, Any] = {}
    if address is not None and address.strip():
        new["address"] = addresses.checked(address)
    if types is not None:
        new["types"] = _patterns(types)
    if processes is not None:
        new["processes"] = [process.strip() for process in processes if process.strip()]
    if secret is not None:
        new["secret"] = secret.strip() or None
    before = {each: getattr(found, each) for each in new}
    before = {each: list(value) if isinstance(value, tuple) else value for each, value in before.items()}
    new = {each: value for each, value in new.items() if value != before[each]}
    if not new:
        raise InvalidInput("Expected another address, other types or processes, or another secret, but nothing is "
                           "different.")
    tx.connection.execute(update(schema.event_targets).where(_t.key == found.key).values(
        **new, failures=0, rests_until=None))
    audit.record(tx, "CHANGE", "EVENT_TARGET", found.key, reason=why, details={"name": name},
                 before={each: before[each] for each in new}, after=new)
    tx.announce(CHANGED)
    tx.announce("events")


def _patterns(types: Sequence[str]) -> list[str]:
    wanted = [pattern.strip() for pattern in types if pattern.strip()]
    for pattern in wanted:
        if pattern.startswith(OURS) and not any(fnmatchcase(type, pattern) for type in TYPES):
            raise InvalidInput(f"Expected types of events such as 'partitur.incident.*', but there is none like "
                               f"{pattern[:100]!r}. They are {', '.join(TYPES)}.")
    return wanted


def remove(tx: Transaction, name: str, reason: str) -> None:
    """Take a target away, with what waits for it. Audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "remove a target of events")
    found = _found(tx, name)
    tx.rows.write(DROP, {"b_key": found.key})
    tx.rows.write(DELETE, {"b_key": found.key})
    tx.announce(CHANGED)
    audit.record(tx, "DELETE", "EVENT_TARGET", found.key, reason=why, details={"name": name}, before=_told(found))


def _found(tx: Transaction, name: str) -> EventTarget:
    row = tx.first(BY_NAME, {"name": name})
    if row is None:
        raise NotFound(f"Expected a target of events named {name!r}, but there is none.")
    return of_row(row._mapping)
