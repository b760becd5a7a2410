"""What all processes counted together, for alerts on metrics that only grow: each writes down what it counted itself.

Nothing is written as long as no rule watches such a metric.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from engine import schema
from engine.alerts import selectors
from engine.alerts.measures import METRIC
from engine.alerts.selectors import Count, Watched
from engine.cluster.part import Part
from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

EVERY = 15.0
"""Seconds between two samples of a process."""

_r = schema.alert_rules.c
_s = schema.alert_samples.c
WATCHED = select(_r.key, _r.query, _r.within_seconds).where(_r.measure == METRIC, ~_r.disabled)
SAMPLES = (select(_s.node, _s.at, _s.total, _s.times, _s.buckets).where(_s.rule_key == bindparam("rule"))
           .order_by(_s.node, _s.at))
FORGET = delete(schema.alert_samples).where(_s.rule_key == bindparam("b_rule"), _s.at < bindparam("b_before"))
DROP = delete(schema.alert_samples).where(_s.rule_key == bindparam("b_rule"))


class Sampler(Part):
    """Writes down what this process counted of whatever a rule watches."""

    name = "partitur-alert-samples"
    after_trouble = EVERY

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._node = secrets.token_hex(8)
        self._began = engine.clock()
        self._known: set[int] | None = None
        """The rules of which there are samples of this process; None before the first look."""

    def turn(self) -> float:
        """Write it down."""
        self.sample()
        return EVERY

    def end(self) -> None:
        """What was counted since the last look counts, too."""
        if self._known:
            with suppress(Unavailable):
                self.sample()

    def sample(self) -> None:
        """Look which rules there are, and write down what this process counted for each."""
        with self.engine.read() as connection:
            watched = {row.key: row for row in connection.execute(WATCHED)
                       if selectors.read(row.query).grows}
        # What this process counted before it first looked belongs to the rules that were there.
        from_nothing = set(watched) if self._known is None else set()
        self._known = set(watched)
        if watched:
            families = list(self.engine.metrics.registry.collect())
            counted = [(key, selectors.read(row.query).of_process(families), row.within_seconds)
                       for key, row in watched.items()]
            self.engine.execute(_write, self._node, counted, [(key, self._began) for key in from_nothing])


def _write(tx: Transaction, node: str, counted: Sequence[tuple[int, Count, int]],
           begun: Sequence[tuple[int, datetime]]) -> None:
    rows: list[dict[str, Any]] = [
        {"rule_key": key, "node": node, "at": at, "total": 0.0, "times": 0.0, "buckets": None}
        for key, at in begun if at < tx.now]
    rows += [{"rule_key": key, "node": node, "at": tx.now, "total": found.total, "times": found.times,
              "buckets": found.buckets} for key, found, _ in counted]
    tx.connection.execute(delete(schema.alert_samples).where(_s.node == node, _s.at == tx.now))
    tx.connection.execute(insert(schema.alert_samples), rows)
    for key, _, within in counted:
        tx.rows.write(FORGET, {"b_rule": key, "b_before": tx.now - timedelta(seconds=within + 2 * EVERY)})


def value(engine: Engine, rule_key: int, watched: Watched, within: timedelta) -> float:
    """The value of what only grows, by how much it did within a span in all processes."""
    begins = engine.clock() - within
    of_node: dict[str, list[tuple[datetime, Count]]] = defaultdict(list)
    with engine.read() as connection:
        for row in connection.execute(SAMPLES, {"rule": rule_key}):
            of_node[row.node].append((row.at, Count(row.total, row.times, row.buckets)))
    grown = Count()
    for samples in of_node.values():
        first = next((each for each in reversed(samples) if each[0] <= begins), samples[0])
        grown += samples[-1][1].since(first[1])
    return watched.of_growth(grown)
