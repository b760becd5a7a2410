"""NATS with JetStream (nats-py): without it nothing would be confirmed.

Source: NATS docs, "JetStream", "Message Deduplication".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nats
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import NoStreamResponseError, NotFoundError

from engine.events.addresses import Broker
from service_tasks.brokers.contact import (
    CLOUD_EVENT,
    CONFIRM_WITHIN,
    CONNECT_WITHIN,
    NAME,
    Incoming,
    Login,
    Outgoing,
    Take,
    Unroutable,
    lowered,
)

ROOM = 20
BLOCK = 5.0
"""Seconds to wait for the next message."""


async def _ignored(*_: Any) -> None:
    """What the client says beside what it raises."""


async def _connect(broker: Broker, login: Login | None) -> Any:
    scheme = "tls" if broker.tls else "nats"
    who: dict[str, Any] = {}
    if login is not None:
        who = {"user": login.user, "password": login.password} if login.user else {"token": login.password}
    return await nats.connect(
        [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host, port in broker.hosts], name=NAME,
        connect_timeout=int(CONNECT_WITHIN), allow_reconnect=False, error_cb=_ignored, closed_cb=_ignored, **who,
    )


class NatsSender:
    """Publishes to a stream, and waits until it is stored."""

    def __init__(self, client: Any, subject: str, stream: str | None) -> None:
        self._client = client
        self._stream = client.jetstream(timeout=CONFIRM_WITHIN)
        self._subject = subject
        self._expected = stream

    async def send(self, message: Outgoing) -> None:
        """Publish; what comes twice within the stream's window is stored once. Raises Unroutable."""
        headers = {"Nats-Msg-Id": message.id, "Content-Type": CLOUD_EVENT, "Partitionkey": message.key}
        try:
            await self._stream.publish(self._subject, message.body, stream=self._expected, headers=headers)
        except NoStreamResponseError as error:
            raise Unroutable(f"Expected a stream that stores the subject {self._subject!r}, but there is none.") \
                from error

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


async def open_sender(broker: Broker, login: Login | None) -> NatsSender:
    """Connect."""
    return NatsSender(await _connect(broker, login), broker.options["subject"], broker.options.get("stream"))


async def receive(broker: Broker, login: Login | None, take: Take, connected: Callable[[], None]) -> None:
    """Take what the stream has, as a durable consumer named `group`."""
    client = await _connect(broker, login)
    try:
        stream = broker.options["stream"]
        try:
            waiting = await client.jetstream().pull_subscribe(
                broker.options.get("subject", ""), durable=broker.options.get("group", NAME), stream=stream)
        except NotFoundError as error:
            raise Unroutable(f"Expected a stream named {stream!r}, but there is none.") from error
        connected()
        while True:
            try:
                messages = await waiting.fetch(ROOM, timeout=BLOCK)
            except NatsTimeout:
                if client.is_closed:
                    raise ConnectionError("the connection was closed") from None
                continue
            for message in messages:
                try:
                    await take(_incoming(message))
                except BaseException:
                    # Else they would come again only after half a minute.
                    with suppress(Exception):
                        for rest in messages[messages.index(message):]:
                            await rest.nak()
                        await client.flush(1)
                    raise
                await message.ack_sync()
    finally:
        await client.close()


def _incoming(message: Any) -> Incoming:
    headers = lowered(message.headers)
    place = message.metadata
    return Incoming(body=message.data, headers=headers | {"subject": message.subject},
                    id=headers.get("nats-msg-id") or f"{place.stream}:{place.sequence.stream}")
