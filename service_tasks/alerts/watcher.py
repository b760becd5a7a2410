"""A thread that measures, and tells people what began and what is over."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from engine import secrets
from engine.alerts import rules, sampling, selectors
from engine.alerts.measures import LIST, METRIC
from engine.alerts.rules import AlertRule
from engine.cluster.part import Part
from engine.engine import Engine
from engine.errors import Rejection, Unavailable
from engine.telemetry.standing import StandingCollector
from service_tasks.alerts.channel import Send
from service_tasks.connector.transport import Forbidden

EVERY = 15.0
"""Seconds between two looks."""
RUNBOOKS = "/manual/HANDBOOK?section="
"""Where the console shows what to do."""

Count = Callable[[Engine, str], float]
"""How many rows a list has, by its address."""

logger = structlog.get_logger(__name__)


class Watcher(Part):
    """Watches the rules. Any number of nodes may; what one of them tells, the others do not.

    `address` is where the console is, for the links; `send` tells one channel; `count` knows the lists of the console.
    """

    name = "partitur-alerts"
    first_wait = EVERY
    after_trouble = EVERY

    def __init__(self, engine: Engine, address: str | None, send: Send, count: Count) -> None:
        super().__init__(engine)
        self._address = (address or "").rstrip("/")
        self._send = send
        self._count = count
        self._standing = StandingCollector(engine)

    def turn(self) -> float:
        """Look."""
        self.look()
        return EVERY

    def look(self) -> None:
        """Measure everything that a rule watches, and tell what has changed. One that fails holds up no other."""
        values: dict[tuple[object, ...], float] = {}
        for rule in rules.all_of_them(self.engine):
            if rule.disabled and rule.told == rules.OVER:
                continue
            try:
                self._look_at(rule, values)
            except Unavailable:
                raise
            except Exception as error:
                logger.exception("an alert could not be measured", alert=rule.name)
                why = str(error) if isinstance(error, Rejection) else type(error).__name__
                self.engine.execute(rules.could_not_measure, rule.key, why)

    def _look_at(self, rule: AlertRule, values: dict[tuple[object, ...], float]) -> None:
        what = (rule.measure, rule.process_id, rule.query, rule.key if rule.measure == METRIC else None)
        if what not in values:
            values[what] = self._value(rule)
        self.engine.execute(rules.check, rule.key, values[what])
        changed = self.engine.execute(rules.to_tell, rule.key)
        if changed is not None:
            self._tell(changed)

    def _value(self, rule: AlertRule) -> float:
        if rule.what.value is not None:
            return rule.what.value(self.engine, rule.process_id)
        query = rule.query or ""
        if rule.measure == LIST:
            return self._count(self.engine, query)
        watched = selectors.read(query)
        if watched.grows:
            return sampling.value(self.engine, rule.key, watched, rule.within)
        return watched.of_gauges([*self._standing.collect()])

    def _tell(self, rule: AlertRule) -> None:
        fired = rule.fired_at is not None
        title = f"{rule.name}: {'on' if fired else 'over'}"
        body = f"{rule.words}: {rule.value:g} {rule.what.unit}".rstrip()
        body += f" (limit {rule.above:g}).\n{self._address}{rule.link}"
        if fired:
            body += f"\nWhat to do: {self._address}{RUNBOOKS}{rule.what.runbook}"
        known = secrets.reveal(self.engine, rule.channels)
        failed = []
        for channel in rule.channels:
            try:
                if channel not in known:
                    failed.append(f"the secret {channel!r} with its address is not stored")
                elif not self._send(known[channel], title, body, fired):
                    failed.append(f"{channel!r} did not take it")
            except Forbidden as error:
                failed.append(f"{channel!r}: {error}")
            except Exception as error:
                failed.append(f"{channel!r}: {type(error).__name__}")
        trouble = None
        if failed:
            logger.warning("an alert could not be told", alert=rule.name, trouble="; ".join(failed))
            trouble = f"Not everybody was told: {'; '.join(failed)}."
        # Whoever was told is not told again because another channel is broken.
        nobody = bool(failed) and len(failed) == len(rule.channels)
        self.engine.execute(rules.told, rule.key, rule.told if nobody else rules.wanted(rule), trouble)
