"""Takes events, each once, and sets aside those that cannot be taken.

What an event does, and the note that it was taken, are one transaction: whoever sends it may send it again until it
hears that it was taken. Source: "Idempotent Consumer" (microservices.io).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from engine import audit, guard, instances, messages, schema, values
from engine.errors import NotFound, Rejection, TooMany, WrongState
from engine.inbound import arrivals, mappings, sources
from engine.inbound.arrivals import Arrival
from engine.inbound.sources import Source
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

REMEMBERED = timedelta(days=30)
"""How long ids of events are remembered."""
SLICE = 2_000
MOST_SET_ASIDE = 10_000
"""How many of a source are set aside at most: the newest."""

_r = schema.inbound_received.c
_a = schema.inbound_set_aside.c
_s = schema.inbound_sources.c
TAKEN = select(_r.digest).where(_r.source_key == bindparam("source"), _r.digest == bindparam("digest"))
SAME = select(_a.key, _a.attempts).where(_a.source_key == bindparam("source"), _a.digest == bindparam("digest"))
AGAIN = (update(schema.inbound_set_aside).where(_a.key == bindparam("b_key"))
         .values(attempts=_a.attempts + 1, error=bindparam("b_error")))
BY_KEY = (
    select(schema.inbound_set_aside, _s.name.label("source"))
    .join(schema.inbound_sources, _s.key == _a.source_key).where(_a.key == bindparam("key"))
    .with_for_update(of=schema.inbound_set_aside)
)
DISCARD = delete(schema.inbound_set_aside).where(_a.key == bindparam("b_key"))
DISCARD_SAME = delete(schema.inbound_set_aside).where(_a.source_key == bindparam("b_source"),
                                                     _a.digest == bindparam("b_digest"))
OLDEST = (select(_a.key).where(_a.source_key == bindparam("source")).order_by(_a.key.desc())
          .offset(MOST_SET_ASIDE - 1).limit(1))
LIST = (
    select(schema.inbound_set_aside, _s.name.label("source"))
    .join(schema.inbound_sources, _s.key == _a.source_key).order_by(_a.key.desc()).limit(bindparam("limit"))
)


class Result(StrEnum):
    """What became of an event."""

    STARTED = "started"
    CORRELATED = "correlated"
    KEPT = "kept"
    """Nobody waits for the message yet."""
    UNMATCHED = "unmatched"
    """Nobody waits for the message, and it is not to be kept; the page of messages shows it."""
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an event. `instance_keys` got it or were started by it; `error` is why it was set aside."""

    result: Result
    instance_keys: tuple[int, ...] = ()
    error: str | None = None


def receive(engine: Engine, source: Source, arrival: Arrival) -> Outcome:
    """Take an event of a source, or set it aside if it never can be taken.

    Raises TooMany (a limit of its tenant: later), Unavailable; WrongState if the source is paused or gone.
    """
    acting = engine.acting_as(f"inbound {source.name}")
    try:
        return acting.execute(take, source, arrival)
    except TooMany:
        raise
    except Rejection as error:
        return acting.execute(set_aside, source, arrival, str(error))


def take(tx: Transaction, source: Source, arrival: Arrival) -> Outcome:
    """Do what an event does, unless it was taken before. Raises Rejection if it cannot be done."""
    event = arrivals.read(arrival)
    id = mappings.identity(source.mapping, event)
    digest = None if id is None else digest_of(id)
    if digest is not None:
        # Two at the same time: the second one waits, and finds that it was taken.
        tx.engine.database.serialize(tx.connection, f"inbound {source.key} {digest}")
        if tx.first(TAKEN, {"source": source.key, "digest": digest}) is not None:
            return Outcome(result=Result.DUPLICATE)
    deed = mappings.deed(source.mapping, event)
    outcome = Outcome(result=Result.IGNORED) if deed is None else _do(tx, source, deed)
    if digest is not None:
        tx.connection.execute(insert(schema.inbound_received), {
            "source_key": source.key, "digest": digest, "received_at": tx.now})
        tx.rows.write(DISCARD_SAME, {"b_source": source.key, "b_digest": digest})
    return outcome


def _do(tx: Transaction, source: Source, deed: mappings.Deed) -> Outcome:
    if deed.process is not None:
        started = instances.start(tx, deed.process, variables=deed.variables, business_id=deed.business_id,
                                  tenant_id=source.tenant_id)
        return Outcome(result=Result.STARTED, instance_keys=(started.key,))
    published = messages.publish(tx, deed.message or "", deed.correlation_key, deed.variables, time_to_live=deed.keep,
                                 tenant_id=source.tenant_id)
    if published.instance_keys:
        return Outcome(result=Result.CORRELATED, instance_keys=published.instance_keys)
    return Outcome(result=Result.KEPT if deed.keep > timedelta() else Result.UNMATCHED)


def set_aside(tx: Transaction, source: Source, arrival: Arrival, error: str) -> Outcome:
    """Keep an event that cannot be taken for people to look at; one that comes again is kept once."""
    id, digest = _known_by(source, arrival)
    outcome = Outcome(result=Result.SET_ASIDE, error=error)
    same = None if digest is None else tx.first(SAME, {"source": source.key, "digest": digest})
    if same is not None:
        tx.rows.write(AGAIN, {"b_key": same.key, "b_error": error[:2_000]})
        return outcome
    headers, body = arrival.kept()
    tx.connection.execute(insert(schema.inbound_set_aside), {
        "key": tx.key(), "source_key": source.key, "event_id": values.text(id[:255] if id else None), "digest": digest,
        "headers": headers, "body": body, "error": error[:2_000], "attempts": 1, "received_at": tx.now,
    })
    return outcome


def _known_by(source: Source, arrival: Arrival) -> tuple[str | None, str | None]:
    try:
        id = mappings.identity(source.mapping, arrivals.read(arrival))
    except Rejection:
        id = arrival.id
    return id, None if id is None else digest_of(id)


def digest_of(id: str) -> str:
    """By what an id is remembered, however long it is."""
    return hashlib.sha256(id.encode(errors="surrogatepass")).hexdigest()


def all_set_aside(engine: Engine, limit: int = 100) -> list[AnyRow]:
    """Events that could not be taken, the newest first."""
    with engine.read() as connection:
        return list(connection.execute(LIST, {"limit": limit}))


def retry(tx: Transaction, key: int, reason: str) -> Outcome:
    """Try again to take what was set aside; audited. Raises what stands in its way still (WrongState: what it names
    is not there), InvalidInput, NotFound."""
    why = guard.reason_given(reason, "take an event again")
    row = _found(tx, key)
    source = tx.first(sources.BY_NAME, {"name": row.source})
    if source is None:
        raise WrongState(f"Expected the source {row.source!r} to be there, but it was removed.")
    try:
        outcome = take(tx, sources.of_row(source._mapping), Arrival.of_kept(row.headers, row.body))
    except NotFound as error:
        # The event is there; what it names is not.
        raise WrongState(str(error)) from error
    tx.rows.write(DISCARD, {"b_key": key})
    audit.record(tx, "RETRY", "INBOUND_EVENT", key, reason=why,
                 details={"source": row.source}, before={"set_aside": True},
                 after={"set_aside": False, "result": outcome.result})
    return outcome


def discard(tx: Transaction, key: int, reason: str) -> None:
    """Give up what was set aside; audited. Raises InvalidInput, NotFound."""
    why = guard.reason_given(reason, "discard an event")
    row = _found(tx, key)
    tx.rows.write(DISCARD, {"b_key": key})
    audit.record(tx, "DISCARD", "INBOUND_EVENT", key, reason=why, details={"source": row.source},
                 before={"set_aside": True}, after={"set_aside": False})


def forget(tx: Transaction) -> int:
    """Forget a slice of the ids that were remembered long enough, and what is set aside beyond the newest; how many."""
    old = select(_r.source_key, _r.digest).where(_r.received_at < tx.now - REMEMBERED).limit(SLICE)
    found = tx.connection.execute(old).all()
    if found:
        tx.connection.execute(
            delete(schema.inbound_received).where(_r.source_key == bindparam("b_source"),
                                                  _r.digest == bindparam("b_digest")),
            [{"b_source": row.source_key, "b_digest": row.digest} for row in found])
    gone = len(found)
    for (source,) in tx.connection.execute(select(_a.source_key).distinct()).all():
        limit: Any = tx.connection.scalar(OLDEST, {"source": source})
        if limit is not None:
            gone += tx.connection.execute(delete(schema.inbound_set_aside).where(
                _a.source_key == source, _a.key < limit)).rowcount
    return gone


def _found(tx: Transaction, key: int) -> AnyRow:
    row = tx.first(BY_KEY, {"key": key})
    if row is None:
        raise NotFound(f"Expected an event that was set aside with key {key}, but there is none.")
    return row
