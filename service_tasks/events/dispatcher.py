"""Takes events from the outbox and sends them, as long as the process serves. Any number of nodes may do so."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from engine import secrets
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
AFTER_TROUBLE = 2.0
"""Seconds to wait when the database is away."""
TARGETS_AT_ONCE = 8
SLOWEST = timedelta(seconds=40)
"""What one target's share of a batch may take; what is not sent by then is given back, before the lock runs out."""


class Dispatcher:
    """Threads that deliver. Targets are served side by side, so that a slow one is in nobody's way."""

    def __init__(self, engine: Engine, transport: Transport) -> None:
        self._engine = engine
        self._webhook = Webhook(transport, self._secret)
        self._brokers = Brokers(transport, self._secret)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partitur-events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is under way."""
        self._stopping.set()
        self._engine.wakeup.announce([TOPIC])
        if self._thread.ident is not None:
            self._thread.join()
        self._brokers.close()

    def _run(self) -> None:
        with ThreadPoolExecutor(TARGETS_AT_ONCE, "partitur-event-target") as pool:
            while not self._stopping.is_set():
                with self._engine.wakeup.listen([TOPIC]) as listener:
                    try:
                        if not self.deliver(pool):
                            listener.wait(self._wait())
                    except Exception as error:
                        # Nothing is lost: what was sent and could not be noted is sent again, under the same id.
                        logger.warning("events could not be delivered; it is tried again", error=str(error)[:500])
                        self._stopping.wait(AFTER_TROUBLE)

    def _wait(self) -> float:
        due = outbox.next_due(self._engine)
        if due is None:
            return LOOK.total_seconds()
        return min(max((due - self._engine.clock()).total_seconds(), 0.05), LOOK.total_seconds())

    def deliver(self, pool: ThreadPoolExecutor) -> int:
        """Send what is due, once; returns how many events were taken on."""
        taken = self._engine.execute(outbox.claim)
        by_target: dict[int, list[Waiting]] = defaultdict(list)
        for event in taken:
            by_target[event.target_key].append(event)
        for sent in [pool.submit(self._send_all, events) for events in by_target.values()]:
            sent.result()
        return len(taken)

    def _send_all(self, events: list[Waiting]) -> None:
        began, done = self._engine.clock(), list[Waiting]()
        for number, event in enumerate(events):
            refusal = self._send(event)
            if refusal is None:
                done.append(event)
            else:
                self._engine.execute(outbox.failed, event, refusal.sentence, for_good=refusal.for_good,
                                     target_is_down=refusal.is_down)
            if (refusal and refusal.is_down) or self._stopping.is_set() or self._engine.clock() - began > SLOWEST:
                self._engine.execute(outbox.give_back, events[number + 1:])
                break
        if done:
            self._engine.execute(outbox.delivered, done)

    def _send(self, event: Waiting) -> Refusal | None:
        try:
            way = self._brokers if addresses.is_broker(event.address) else self._webhook
            way.send(event, self._engine.clock())
        except Refusal as refusal:
            return refusal
        except Exception as error:
            logger.exception("an event could not be sent", event_id=event.event_id, target=event.target)
            return Refusal(f"Expected to send the event, but {type(error).__name__} came between; the log says more.")
        return None

    def _secret(self, name: str) -> str | None:
        return secrets.reveal(self._engine, [name]).get(name)
