"""Where events come from: webhooks of ours, and queues, streams and topics of brokers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, update

from engine import audit, guard, schema
from engine.errors import Conflict, InvalidInput, NotFound
from engine.events import addresses
from engine.inbound import mappings
from engine.inbound.mappings import Said
from engine.inbound.proofs import HEADERS, Proof
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?")
"""It is part of the address of a webhook."""
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
CHANGED = "inbound_sources"
"""What is announced when there is a source more or less."""

_s = schema.inbound_sources.c
_a = schema.inbound_set_aside.c
ALL = select(schema.inbound_sources).order_by(_s.name)
BY_NAME = select(schema.inbound_sources).where(_s.name == bindparam("name"))
LOCKED = BY_NAME.with_for_update()
DELETE = delete(schema.inbound_sources).where(_s.key == bindparam("b_key"))
DROP = delete(schema.inbound_set_aside).where(_a.source_key == bindparam("b_key"))
FORGET = delete(schema.inbound_received).where(schema.inbound_received.c.source_key == bindparam("b_key"))
PAUSE = (update(schema.inbound_sources).where(_s.key == bindparam("b_key"))
         .values(paused=bindparam("b_paused"), trouble=None, trouble_at=None))
COUNT = (update(schema.inbound_sources).where(_s.key == bindparam("b_key"))
         .values(received=_s.received + bindparam("b_more"), received_at=bindparam("b_at")))
TROUBLE = (update(schema.inbound_sources).where(_s.key == bindparam("b_key"))
           .values(trouble=bindparam("b_trouble"), trouble_at=bindparam("b_at")))
SET_ASIDE = select(_a.source_key, func.count()).group_by(_a.source_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source. `address` is that of a broker; a webhook has none, it is called at `/hooks/NAME`. `trouble` is why a
    broker cannot be listened to."""

    key: int
    name: str
    address: str | None
    proof: Proof
    proof_header: str | None
    secret: str | None
    tenant_id: str
    mapping: Said
    paused: bool
    created_at: datetime
    created_by: str
    received: int
    received_at: datetime | None
    trouble: str | None
    trouble_at: datetime | None

    @property
    def place(self) -> str:
        """Where its events come in: the path of a webhook, or the address of a broker."""
        return self.address or f"/hooks/{self.name}"


def of_row(row: RowMapping) -> Source:
    """The source of a row."""
    return Source(**{**row, "proof": Proof(row["proof"]), "mapping": Said(**row["mapping"])})


def all_of_them(engine: Engine) -> tuple[Source, ...]:
    """Every source, by name."""
    with engine.read() as connection:
        return tuple(of_row(row._mapping) for row in connection.execute(ALL))


def named(engine: Engine, name: str) -> Source | None:
    """The source of a name."""
    with engine.read() as connection:
        row = connection.execute(BY_NAME, {"name": name}).first()
    return None if row is None else of_row(row._mapping)


def set_aside_counts(engine: Engine) -> dict[int, int]:
    """How many events could not be taken, by the key of their source."""
    with engine.read() as connection:
        return {row[0]: row[1] for row in connection.execute(SET_ASIDE)}


def add(tx: Transaction, name: str, address: str | None = None, *, secret: str | None = None,
        proof: str | None = None, header: str | None = None, mapping: Mapping[str, str | None] | None = None,
        tenant_id: str = DEFAULT_TENANT) -> Source:
    """Take events from a broker (`engine.events.addresses`), or without an address from a webhook of ours; audited.

    `secret` is the name of the one that the sender of a webhook must know, or that logs in at the broker. `mapping`:
    `engine.inbound.mappings`. Raises InvalidInput; Conflict if there is one of that name.
    """
    called = name.strip()
    if not NAME.fullmatch(called):
        raise InvalidInput(f"Expected a name of letters, digits, '_', '.' and '-', but it is {name[:100]!r}.")
    where = (address or "").strip() or None
    how = _proof(where, proof, header, secret)
    if where is not None:
        addresses.read(where, addresses.IN)
    said = mappings.checked(mapping or {})
    if tx.first(LOCKED, {"name": called}) is not None:
        raise Conflict(f"Expected a new name, but there is a source {called!r} already.")
    row: dict[str, Any] = {
        "key": tx.key(), "name": called, "address": where, "proof": how.value,
        "proof_header": (header or "").strip().lower() or None, "secret": (secret or "").strip() or None,
        "tenant_id": tenant_id, "mapping": said.written(), "paused": False, "created_at": tx.now,
        "created_by": tx.actor, "received": 0, "received_at": None, "trouble": None, "trouble_at": None,
    }
    tx.connection.execute(insert(schema.inbound_sources), row)
    made = Source(**{**row, "proof": how, "mapping": said})
    audit.record(tx, "CREATE", "INBOUND_SOURCE", made.key, details={"name": called}, after=_told(made))
    tx.announce(CHANGED)
    return made


def _told(source: Source) -> dict[str, Any]:
    """What the audit trail says of a source. Of its secret only the name is known here, and hidden all the same."""
    return {"address": source.address, "proof": source.proof, "secret": source.secret, "tenant": source.tenant_id,
            "mapping": source.mapping.written(), "paused": source.paused}


def _proof(address: str | None, proof: str | None, header: str | None, secret: str | None) -> Proof:
    if address is not None:
        if proof not in (None, "", Proof.NONE) or header:
            raise InvalidInput("Expected a broker to decide who may write to it, but a proof is asked for, too.")
        return Proof.NONE
    try:
        found = Proof(proof or Proof.SIGNATURE)
    except ValueError:
        found = Proof.NONE
    if found is Proof.NONE:
        raise InvalidInput(f"Expected a webhook to ask for one of {', '.join(list(Proof)[:3])}, but it is "
                           f"{str(proof)[:50]!r}.")
    if not (secret or "").strip():
        raise InvalidInput("Expected the name of the secret that senders must know, but there is none.")
    if header and (found not in HEADERS or not _HEADER.fullmatch(header.strip().lower())):
        raise InvalidInput(f"Expected the name of a header, for hmac and token only, but it is {header[:50]!r}.")
    return found


def pause(tx: Transaction, name: str, *, paused: bool, reason: str) -> None:
    """Take nothing from it for now, or go on. Audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "pause a source of events" if paused else "let a source of events go on")
    found = _found(tx, name)
    tx.rows.write(PAUSE, {"b_key": found.key, "b_paused": paused})
    tx.announce(CHANGED)
    audit.record(tx, "PAUSE" if paused else "RESUME", "INBOUND_SOURCE", found.key, reason=why, details={"name": name},
                 before={"paused": found.paused}, after={"paused": paused})


def remove(tx: Transaction, name: str, reason: str) -> None:
    """Take a source away, with what was set aside of it. Audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "remove a source of events")
    found = _found(tx, name)
    for statement in (DROP, FORGET, DELETE):
        tx.rows.write(statement, {"b_key": found.key})
    tx.announce(CHANGED)
    audit.record(tx, "DELETE", "INBOUND_SOURCE", found.key, reason=why, details={"name": name}, before=_told(found))


def count(tx: Transaction, received: Mapping[int, tuple[int, datetime]]) -> None:
    """Add to how many events came: by the key of the source, how many more, and when the last one did."""
    for key in sorted(received):
        more, at = received[key]
        tx.rows.write(COUNT, {"b_key": key, "b_more": more, "b_at": at})


def note_trouble(tx: Transaction, key: int, trouble: str | None) -> None:
    """A broker cannot be listened to; or it can again (None)."""
    tx.rows.write(TROUBLE, {"b_key": key, "b_trouble": trouble[:2_000] if trouble else None, "b_at": tx.now})


def _found(tx: Transaction, name: str) -> Source:
    row = tx.first(LOCKED, {"name": name})
    if row is None:
        raise NotFound(f"Expected a source of events named {name!r}, but there is none.")
    return of_row(row._mapping)
