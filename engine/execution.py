"""Moves the tokens that a command set free, and writes down what came of it, in the command's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog
from sqlalchemy import Connection, select

from bpmn import surroundings
from bpmn.interpreter import TokenNotFound
from engine import decisions, recording, schema
from engine import live as lives
from engine.actions import Action, Go
from engine.cluster import queue
from engine.cluster.partitions import Partitions, among
from engine.cluster.queue import TAKEOVER, Kind
from engine.live import Live
from engine.rows import AnyRow
from engine.states import InstanceState
from engine.telemetry import logs

if TYPE_CHECKING:
    from engine.transaction import Transaction

SLICE = 2_000
"""After so many steps an instance is saved and the others get their turn: it goes on in a transaction of its own."""

_i = schema.instances.c
UNFINISHED = (
    select(_i.key, _i.revision, _i.partition_key).where(_i.steps > 0, _i.suspended_at.is_(None)).order_by(_i.key)
    .limit(100)
)

logger = structlog.get_logger(__name__)


def run(tx: Transaction) -> None:
    """Apply what is pending until nothing is, then save every instance that was touched.

    What one instance sets off in another one (a called process that ends, a message) happens in the same
    transaction.
    """
    while tx.pending:
        together, tx.pending = tx.pending, {}
        for key, actions in together.items():
            live = lives.restore(tx, key)
            if live is not None and live.state == InstanceState.ACTIVE:
                actions += tx.pending.pop(key, ())      # what those before it set off comes at once
                with surroundings.of_instance(live.facts), \
                        logs.about(live.key, live.correlation_id, live.trace_parent):
                    _go_on(tx, live, actions)
    for act in tx.afterwards:
        act()
    for live in tx.live.values():
        lives.save(tx, live)
    tx.rows.flush()
    if tx.spans is not None:
        tx.spans.finish(tx)
    planned = queue.soon(tx.planned, tx.now)
    if planned:
        tx.engine.queue.put(tx.connection, planned, tx.now)


def _go_on(tx: Transaction, live: Live, actions: Sequence[Action]) -> None:
    live.run.decide = partial(decisions.evaluate_for, tx, live)
    for action in actions:
        if live.suspended_at is not None and action.waits:
            _defer(tx, live, action)
            continue
        try:
            action.apply(live.run)
        except TokenNotFound:
            if len(actions) == 1 and not action.may_be_late:
                raise
            # Another action of this transaction, or one that was put off, took the token away before.
            logger.info("event came too late", action=repr(action))
    _move(tx, live)


def _move(tx: Transaction, live: Live) -> None:
    taken = 0
    if live.suspended_at is None:
        taken = live.run.advance(max(tx.engine.step_budget - live.steps, 0), pause_after=SLICE)
    entries = list(live.run.journal)
    live.run.journal.clear()
    for entry in entries:
        recording.record(tx, live, entry)
    if live.run.is_waiting:
        live.steps = 0
    elif live.suspended_at is None:
        if live.steps == 0:
            tx.plan(Kind.INSTANCE, tx.now + TAKEOVER, live.partition_key, f"{live.key}:{live.revision + 1}")
        live.steps += taken
        tx.unfinished.add(live.key)


def go_on(tx: Transaction, key: int) -> None:
    """Let an instance that was saved on the move go on."""
    tx.resume(key, Go())


def unfinished(connection: Connection, partitions: Partitions | None = None) -> Sequence[AnyRow]:
    """Instances that were saved on the move, with revision and partition: somebody runs them, or its process has
    died."""
    return connection.execute(UNFINISHED.where(*among(_i.partition_key, partitions))).fetchall()


def _defer(tx: Transaction, live: Live, action: Action) -> None:
    tx.rows.insert(schema.deferred, {
        "key": tx.key(), "instance_key": live.key, "action": msgspec.json.encode(action, enc_hook=str),
        "declared": tx.declarations.dump(),
        "created_at": tx.now,
    })
