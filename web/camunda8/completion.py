"""Waits for a started instance to end (`awaitCompletion`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from werkzeug.exceptions import GatewayTimeout

from engine.engine import Engine
from engine.errors import WrongState
from engine.queries import instance
from engine.states import InstanceState
from engine.wakeup import ended_topic
from web.body import Body
from web.connection import Connection

DEFAULT_PATIENCE = timedelta(seconds=10)
LONGEST_PATIENCE = timedelta(minutes=10)
GLANCE = 1.0
"""Seconds after which to look again: another process may have ended the instance, and the client may be gone."""


class Waiting:
    """What a start request says about waiting: not at all, or until the end and for which variables."""

    def __init__(self, engine: Engine, asked: Body) -> None:
        self._engine = engine
        self._wanted = asked.flag("awaitCompletion") or False
        self._names = asked.texts("fetchVariables")
        patience = asked.milliseconds("requestTimeout") or timedelta()
        self._patience = min(patience, LONGEST_PATIENCE) if patience > timedelta() else DEFAULT_PATIENCE

    def variables(self, key: int) -> dict[str, Any]:
        """The variables of an instance that has ended; nothing if nobody wants to wait.

        Raises GatewayTimeout (it goes on, but the client's time is over), WrongState (it was cancelled).
        """
        if not self._wanted:
            return {}
        self._wait(key)
        return _chosen(instance.variables(self._engine, key), self._names)

    def _wait(self, key: int) -> None:
        deadline = time.monotonic() + self._patience.total_seconds()
        connection = Connection()
        with self._engine.wakeup.listen([ended_topic(key)]) as listener:
            while (found := instance.get(self._engine, key)).state == InstanceState.ACTIVE:
                left = deadline - time.monotonic()
                if left <= 0 or connection.is_over:
                    raise GatewayTimeout(
                        f"Expected process instance {key} to end in time, but it is still active; it goes on."
                    )
                listener.wait(min(left, GLANCE))
        if found.state == InstanceState.TERMINATED:
            raise WrongState(f"Expected process instance {key} to complete, but it was terminated: {found.end_reason}.")


def _chosen(variables: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if not names or name in names}
