"""Waits for a started instance to end (`awaitCompletion`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import request
from werkzeug.exceptions import GatewayTimeout

from engine.cluster.wakeup import ended_topic
from engine.engine import Engine
from engine.errors import WrongState
from engine.instances import Started
from engine.queries import instance
from engine.queries.instances import InstanceRow
from engine.states import InstanceState
from web import masking, parking
from web.body import Body
from web.connection import Connection
from web.idempotency import HEADER
from web.parking import Place

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

    def after(self, start: Callable[[], Started]) -> tuple[Started, dict[str, Any]]:
        """Start an instance and wait: what `start` made, and the variables it ended with if somebody waits for them.

        Raises Full (nothing was started), GatewayTimeout (it goes on, but the client's time is over), WrongState (it
        was cancelled).
        """
        if not self._wanted:
            return start(), {}
        # A request that is run again would find its own Idempotency-Key taken: it waits in its thread instead.
        place = None if HEADER in request.headers else parking.place()
        if place is None:
            started = start()
            ended = self._wait(started.key)
        else:
            place.reserve()
            if place.state is None:
                place.state = start()
            started = place.state
            ended = self._look_from(place, started.key)
        if ended.state == InstanceState.TERMINATED:
            raise WrongState(
                f"Expected process instance {ended.key} to complete, but it was terminated: {ended.end_reason}."
            )
        masking.for_answer(started.process_id, started.tenant_id)
        return started, _chosen(instance.variables(self._engine, ended.key), self._names)

    def _look_from(self, place: Place, key: int) -> InstanceRow:
        place.join(self._engine.wakeup, [ended_topic(key)], ("ended", key))
        found = instance.get(self._engine, key)
        if found.state != InstanceState.ACTIVE:
            return found
        now = time.monotonic()
        deadline = now + self._patience.total_seconds() if place.deadline is None else place.deadline
        if now >= deadline or Connection().is_over:
            raise _still_active(key)
        raise place.wait(deadline, now + GLANCE)

    def _wait(self, key: int) -> InstanceRow:
        deadline = time.monotonic() + self._patience.total_seconds()
        connection = Connection()
        with self._engine.wakeup.listen([ended_topic(key)]) as listener:
            while (found := instance.get(self._engine, key)).state == InstanceState.ACTIVE:
                left = deadline - time.monotonic()
                if left <= 0 or connection.is_over:
                    raise _still_active(key)
                listener.wait(min(left, GLANCE))
        return found


def _still_active(key: int) -> GatewayTimeout:
    return GatewayTimeout(f"Expected process instance {key} to end in time, but it is still active; it goes on.")


def _chosen(variables: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if not names or name in names}
