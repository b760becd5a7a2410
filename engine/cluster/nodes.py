"""The processes that serve: each says every few seconds that it is alive, and what it does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import bindparam, delete, update

from engine import outages, schema
from engine.cluster.agreed import AgreedClock, machine_time
from engine.cluster.partitions import words
from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

BEAT = timedelta(seconds=10)
"""How often a node says that it is alive."""
DEAD = timedelta(seconds=35)
"""A node that said nothing for so long is taken for dead: it missed three times."""
FORGOTTEN = timedelta(days=1)
"""How long dead nodes are shown."""

MOST_AHEAD = 2**31 - 1

WEB, WORKER, SCHEDULER = "web", "worker", "scheduler"

logger = structlog.get_logger(__name__)

_n = schema.nodes.c
SEEN = update(schema.nodes).where(_n.key == bindparam("b_key")).values(
    seen_at=bindparam("b_now"), services=bindparam("b_services"), clock_ahead=bindparam("b_ahead"))
LEAVE = delete(schema.nodes).where(_n.key == bindparam("b_key"))
FORGET = delete(schema.nodes).where(_n.seen_at < bindparam("before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What a process says of itself. `address` is where its web server listens."""

    roles: Sequence[str]
    services: Sequence[str] = ()
    address: str | None = None


def join(tx: Transaction, node: Node) -> int:
    """Tell of a process that begins to serve; returns its key."""
    key = tx.key()
    now, ahead = tx.engine.database.clock(tx.connection, machine_time(tx.engine.clock))
    tx.rows.insert(schema.nodes, {
        "key": key, "roles": ",".join(node.roles), "host": socket.gethostname(), "pid": os.getpid(),
        "version": metadata.version("partitur"), "address": node.address,
        "partitions": words(tx.engine.partitions), "services": list(node.services),
        "clock_ahead": _milliseconds(ahead), "started_at": now, "seen_at": now,
    })
    return key


def beat(tx: Transaction, key: int, services: Sequence[str]) -> bool:
    """Say that a process is alive; False if it was taken for dead so long ago that it was forgotten."""
    now, ahead = tx.engine.database.clock(tx.connection, machine_time(tx.engine.clock))
    found = tx.connection.execute(SEEN, {
        "b_key": key, "b_now": now, "b_services": list(services), "b_ahead": _milliseconds(ahead),
    })
    tx.connection.execute(FORGET, {"before": now - FORGOTTEN})
    return found.rowcount == 1


def _milliseconds(ahead: timedelta) -> int:
    """As the column holds it, which ends at 24 days."""
    return min(max(ahead // timedelta(milliseconds=1), -MOST_AHEAD), MOST_AHEAD)


def leave(tx: Transaction, key: int) -> None:
    """Tell that a process has finished."""
    tx.rows.write(LEAVE, {"b_key": key})


class Pulse:
    """A thread that keeps the row of this process. `services` are read again at every beat, for they may change."""

    def __init__(self, engine: Engine, node: Node) -> None:
        self.node = node
        self._engine = engine
        self._key: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partitur-pulse", daemon=True)

    def start(self) -> None:
        """Join, and begin to beat."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Leave."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._key is not None:
            try:
                self._engine.execute(leave, self._key)
            except Unavailable as error:
                logger.warning("could not say that this node leaves", reason=error.why)

    def _run(self) -> None:
        while not self._stopping.wait(BEAT.total_seconds()):
            self._beat()

    def _beat(self) -> None:
        try:
            if isinstance(self._engine.clock, AgreedClock):
                self._engine.clock.agree()
            if self._key is None or not self._engine.execute(beat, self._key, self.node.services):
                self._key = self._engine.execute(join, self.node)
            self._engine.cannot_write = None
        except Unavailable as error:
            # One who has much to do is ready all the same.
            self._engine.cannot_write = None if error.why == outages.BUSY else error.why
            logger.warning("could not say that this node is alive", reason=error.why)
        except Exception:
            logger.exception("could not say that this node is alive")
