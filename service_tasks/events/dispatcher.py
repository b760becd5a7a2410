"""Takes events from the outbox and sends them, as long as the process serves. Any number of nodes may do so."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from engine import secrets
from engine.cluster.part import Part
from engine.engine import Engine
from engine.events import addresses, outbox
from engine.events.outbox import TOPIC, Waiting
from service_tasks.connector.transport import Transport
from service_tasks.events.brokers import Brokers
from service_tasks.events.refusal import Refusal
from service_tasks.events.webhook import Webhook

logger = structlog.get_logger(__name__)

LOOK = timedelta(seconds=5)
"""How long to wait at most before looking again: other nodes write events, too."""
TARGETS_AT_ONCE = 8
SLOWEST = timedelta(seconds=40)
"""What one target's share of a batch may take; what is not sent by then is given back, before the lock runs out."""


class Dispatcher(Part):
    """Threads that deliver. Targets are served side by side, so that a slow one is in nobody's way."""

    name = "partitur-events"
    topics = (TOPIC,)

    def __init__(self, engine: Engine, transport: Transport) -> None:
        super().__init__(engine)
        self._webhook = Webhook(transport, self._secret)
        self._brokers = Brokers(transport, self._secret)
        self._pool = ThreadPoolExecutor(TARGETS_AT_ONCE, "partitur-event-target")

    def turn(self) -> float:
        """Send what is due. Nothing is lost: what was sent and could not be noted is sent again, under the same id."""
        return 0 if self.deliver(self._pool) else self._wait()

    def end(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        self._brokers.close()

    def _wait(self) -> float:
        due = outbox.next_due(self.engine)
        if due is None:
            return LOOK.total_seconds()
        return min(max((due - self.engine.clock()).total_seconds(), 0.05), LOOK.total_seconds())

    def deliver(self, pool: ThreadPoolExecutor) -> int:
        """Send what is due, once; returns how many events were taken on."""
        taken = self.engine.execute(outbox.claim)
        by_target: dict[int, list[Waiting]] = defaultdict(list)
        for event in taken:
            by_target[event.target_key].append(event)
        for sent in [pool.submit(self._send_all, events) for events in by_target.values()]:
            sent.result()
        return len(taken)

    def _send_all(self, events: list[Waiting]) -> None:
        began, done = self.engine.clock(), list[Waiting]()
        for number, event in enumerate(events):
            refusal = self._send(event)
            if refusal is None:
                done.append(event)
            else:
                self.engine.execute(outbox.failed, event, refusal.sentence, for_good=refusal.for_good,
                                     target_is_down=refusal.is_down)
            if (refusal and refusal.is_down) or self.is_stopping or self.engine.clock() - began > SLOWEST:
                self.engine.execute(outbox.give_back, events[number + 1:])
                break
        if done:
            self.engine.execute(outbox.delivered, done)

    def _send(self, event: Waiting) -> Refusal | None:
        try:
            way = self._brokers if addresses.is_broker(event.address) else self._webhook
            way.send(event, self.engine.clock())
        except Refusal as refusal:
            return refusal
        except Exception as error:
            logger.exception("an event could not be sent", event_id=event.event_id, target=event.target)
            return Refusal(f"Expected to send the event, but {type(error).__name__} came between; the log says more.")
        return None

    def _secret(self, name: str) -> str | None:
        return secrets.reveal(self.engine, [name]).get(name)
