"""Group commit: commands of several threads that wait for the one writer of a SQLite file share a transaction.

A commit that survives a power cut costs a flush of the disk, milliseconds, and only one can be under way. So the
thread whose turn it is takes along every command that queued up during the last commit. Each runs in a savepoint of
its own: one that fails takes back its own changes and no others, and nobody is answered before the commit is through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine import sight
from engine.telemetry import tracing

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

LIMIT = 64
"""How many commands share a commit at most."""


class Work:
    """One command on its way through a transaction, and what came of it."""

    __slots__ = ("allowed", "callers", "command", "done", "engine", "error", "result", "seen", "trace_parent", "turn",
                 "tx")

    def __init__(self, engine: Engine, command: Callable[[Transaction], Any],
                 callers: set[int] | None = None) -> None:
        self.engine = engine
        self.command = command
        self.callers = callers
        # Taken here, in the thread that asks: another one may carry it out.
        self.trace_parent = tracing.parent()
        self.allowed, self.seen = sight.allowed(), sight.current()
        self.tx: Transaction | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.turn = threading.Event()


class Grouping:
    """Hands queued commands to `run_together`, in the order in which they came.

    `run_together` gets one list of works at a time and fills in each one's `result` or `error`.
    """

    def __init__(self, run_together: Callable[[list[Work]], None]) -> None:
        self._run_together = run_together
        self._guard = threading.Lock()
        self._queue: list[Work] = []
        self._busy = False
        self._alone = 0

    @property
    def is_busy(self) -> bool:
        """Whether a command is under way or waits."""
        return self._busy or self._alone > 0

    def run_alone(self, work: Work) -> None:
        """Run a command in a transaction of its own, beside whatever else is under way."""
        with self._guard:
            self._alone += 1
        try:
            self._run_together([work])
        finally:
            with self._guard:
                self._alone -= 1

    def run(self, work: Work) -> None:
        """Run a command, together with whatever else waits; returns when it is done."""
        with self._guard:
            self._queue.append(work)
            leads = not self._busy
            self._busy = True
        if not leads:
            work.turn.wait()
        if not work.done:
            self._lead()

    def _lead(self) -> None:
        with self._guard:
            together = self._queue[:LIMIT]
            del self._queue[:LIMIT]
        try:
            self._run_together(together)
        except BaseException as error:
            for work in together:
                work.error = work.error or error
            raise
        finally:
            with self._guard:
                if self._queue:
                    self._queue[0].turn.set()       # its thread leads the next group
                else:
                    self._busy = False
            for work in together:
                work.done = True
                work.turn.set()
