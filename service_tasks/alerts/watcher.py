"""A thread that measures, and tells people what began and what is over."""

from __future__ import annotations

import structlog

from engine import secrets
from engine.alerts import rules
from engine.alerts.rules import AlertRule
from engine.cluster.part import Part
from engine.engine import Engine
from service_tasks.alerts.channel import Send
from service_tasks.connector.transport import Forbidden

EVERY = 15.0
"""Seconds between two looks."""

logger = structlog.get_logger(__name__)

class Watcher(Part):
    """Watches the rules. Any number of nodes may; what one of them tells, the others do not.

    `address` is where the console is, for the links; `send` tells one channel.
    """

    name = "partitur-alerts"
    first_wait = EVERY
    after_trouble = EVERY

    def __init__(self, engine: Engine, address: str | None, send: Send) -> None:
        super().__init__(engine)
        self._address = (address or "").rstrip("/")
        self._send = send

    def turn(self) -> float:
        """Look."""
        self.look()
        return EVERY

    def look(self) -> None:
        """Measure everything that a rule watches, each once, and tell what has changed."""
        values: dict[tuple[str, str | None], float] = {}
        for rule in rules.all_of_them(self.engine):
            if rule.disabled and rule.told == rules.OVER:
                continue
            what = (rule.measure, rule.process_id)
            if what not in values:
                values[what] = rule.what.value(self.engine, rule.process_id)
            self.engine.execute(rules.check, rule.key, values[what])
            changed = self.engine.execute(rules.to_tell, rule.key)
            if changed is not None:
                self._tell(changed)

    def _tell(self, rule: AlertRule) -> None:
        fired = rule.fired_at is not None
        title = f"{rule.name}: {'on' if fired else 'over'}"
        of = f" of {rule.process_id}" if rule.process_id else ""
        body = f"{rule.what.words}{of}: {rule.value:g} {rule.what.unit}".rstrip()
        body += f" (limit {rule.above:g}).\n{self._address}{rule.link}"
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
        if failed:
            logger.warning("an alert could not be told", alert=rule.name, trouble="; ".join(failed))
            # Whoever was told is not told again because another channel is broken.
            told = rule.told if len(failed) == len(rule.channels) else (rules.FIRED if fired else rules.OVER)
            self.engine.execute(rules.could_not, rule.key, told, f"Not everybody was told: {'; '.join(failed)}.")
