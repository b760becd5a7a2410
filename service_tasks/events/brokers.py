"""One event to one broker. Connections are kept open while they work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from engine.errors import InvalidInput
from engine.events import addresses
from engine.events.outbox import Waiting
from service_tasks.brokers import Login, Loop, MissingClient, Outgoing, Sender, Unroutable, open_sender
from service_tasks.connector.transport import Forbidden, Transport
from service_tasks.errors import NotSent
from service_tasks.events.refusal import Refusal

WITHIN = 15.0
"""Seconds for an event, connecting included."""


class Brokers:
    """Sends events to brokers. `secret_of` gives the value of a secret by its name, None if there is none."""

    def __init__(self, transport: Transport, secret_of: Callable[[str], str | None]) -> None:
        self._transport = transport
        self._secret_of = secret_of
        self._loop = Loop("partitur-brokers")
        self._open: dict[tuple[str, str | None], Sender] = {}
        self._locks: dict[tuple[str, str | None], asyncio.Lock] = {}

    def send(self, event: Waiting, now: datetime) -> None:
        """Send one event, and wait until the broker has confirmed it. Raises Refusal."""
        secret = None
        if event.secret is not None:
            secret = self._secret_of(event.secret)
            if secret is None:
                raise Refusal(f"Expected the secret {event.secret!r} to log in with, but it is not stored. "
                              f"`partitur secrets set {event.secret}` stores it.", is_down=True)
        try:
            broker = addresses.read(event.address, addresses.OUT)
            for host, port in broker.hosts:
                self._transport.check(host, port, broker.tls)
            self._loop.run(self._send(broker, secret, event), WITHIN)
        except Unroutable as error:
            raise Refusal(str(error), is_down=True) from None
        except (InvalidInput, Forbidden, NotSent, MissingClient) as error:
            raise Refusal(str(error), is_down=True) from None
        except TimeoutError:
            raise Refusal(f"Expected {broker.kind}:// to confirm the event within {WITHIN:g} s, but it did not.",
                          is_down=True) from None
        except Exception as error:
            # Each client has errors of its own; what they say never holds the password.
            raise Refusal(f"Expected {broker.kind}:// to take the event, but: {type(error).__name__}: {error}"[:500],
                          is_down=True) from None

    async def _send(self, broker: addresses.Broker, secret: str | None, event: Waiting) -> None:
        place = (event.address, secret)
        async with self._locks.setdefault(place, asyncio.Lock()):
            sender = self._open.get(place)
            if sender is None:
                sender = self._open[place] = await open_sender(broker, None if secret is None else Login.of(secret))
            try:
                await sender.send(Outgoing(
                    id=event.event_id, type=event.type,
                    key=str(event.body.get("partitionkey") or event.event_id),
                    body=json.dumps(event.body, ensure_ascii=False, separators=(",", ":")).encode(),
                ))
            except BaseException:
                self._open.pop(place, None)
                with suppress(Exception):
                    await asyncio.wait_for(sender.close(), 1)
                raise

    def close(self) -> None:
        """Close every connection."""
        if self._open:
            with suppress(Exception):
                self._loop.run(self._close_all(), WITHIN)
        self._loop.stop()

    async def _close_all(self) -> None:
        senders = list(self._open.values())
        self._open.clear()
        await asyncio.gather(*(sender.close() for sender in senders), return_exceptions=True)
