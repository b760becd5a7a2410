"""RabbitMQ, and whatever speaks AMQP 0-9-1 (aio-pika).

Sources: RabbitMQ docs, "Publisher Confirms", "Consumer Acknowledgements"; CloudEvents 1.0.2, AMQP protocol binding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError

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
from service_tasks.connector.reach import is_this_machine
from service_tasks.errors import NotSent

AHEAD = 20
"""How many messages the broker hands out before the first of them is confirmed."""
LOOK = 20.0
"""Seconds without a message after which it is looked whether the queue is still there."""


async def _connect(broker: Broker, login: Login | None) -> AbstractConnection:
    [(host, port)] = broker.hosts
    if login is None and not is_this_machine(host):
        raise NotSent(f"Expected a secret to log in with at RabbitMQ on {host}, but there is none: its usual user is "
                      "for its own machine.")
    return await aio_pika.connect(
        host=host, port=port, login=(login.user if login else None) or "guest",
        password=login.password if login else "guest", virtualhost=broker.path or "/", ssl=broker.tls,
        timeout=CONNECT_WITHIN, client_properties={"connection_name": NAME},
    )


async def _queue(connection: AbstractConnection, channel: AbstractChannel, name: str) -> AbstractQueue:
    """The queue as whoever runs the broker has made it, or a durable one."""
    asking = await connection.channel()
    try:
        await asking.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        return await channel.declare_queue(name, durable=True)
    await asking.close()
    return await channel.get_queue(name, ensure=False)


class RabbitSender:
    """Sends persistent messages, and waits for the confirmation of each."""

    def __init__(self, connection: AbstractConnection, exchange: AbstractExchange, routing_key: str | None) -> None:
        self._connection = connection
        self._exchange = exchange
        self._routing_key = routing_key

    async def send(self, message: Outgoing) -> None:
        """Publish; the broker has written it down when this returns. Raises Unroutable if no queue got it."""
        key = message.type if self._routing_key is None else self._routing_key
        try:
            await self._exchange.publish(aio_pika.Message(
                message.body, content_type=CLOUD_EVENT, message_id=message.id, type=message.type, app_id=NAME,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT, headers={"partitionkey": message.key},
            ), routing_key=key, mandatory=True, timeout=CONFIRM_WITHIN)
        except DeliveryError as error:
            raise Unroutable(f"Expected a queue to take the event with the routing key {key!r}, but none did.") \
                from error

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def open_sender(broker: Broker, login: Login | None) -> RabbitSender:
    """Connect. A queue that is not there is made, durable; an exchange must be there."""
    connection = await _connect(broker, login)
    try:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queue, exchange = broker.options.get("queue"), broker.options.get("exchange")
        if queue is not None:
            await _queue(connection, channel, queue)
            return RabbitSender(connection, channel.default_exchange, queue)
        found = await channel.get_exchange(exchange or "", ensure=True)
    except ChannelNotFoundEntity as error:
        await connection.close()
        raise Unroutable(f"Expected an exchange named {exchange!r}, but there is none.") from error
    except BaseException:
        await connection.close()
        raise
    return RabbitSender(connection, found, broker.options.get("routing_key"))


async def receive(broker: Broker, login: Login | None, take: Take, connected: Callable[[], None]) -> None:
    """Take what the queue has. What was not confirmed comes again when the connection is lost."""
    connection = await _connect(broker, login)
    try:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=AHEAD)
        name = broker.options["queue"]
        queue = await _queue(connection, channel, name)
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        for closing in (connection.close_callbacks, channel.close_callbacks):
            closing.add(lambda *_: arrived.put_nowait(None))
        await queue.consume(arrived.put)
        connected()
        while True:
            try:
                message = await asyncio.wait_for(arrived.get(), LOOK)
            except TimeoutError:
                # A queue that was deleted says nothing.
                await (await connection.channel()).declare_queue(name, passive=True)
                continue
            if message is None:
                raise ConnectionError("the connection was closed")
            await take(_incoming(message))
            await message.ack()
    finally:
        await connection.close()


def _incoming(message: AbstractIncomingMessage) -> Incoming:
    headers = lowered(message.headers)
    for name, value in (("content-type", message.content_type), ("message-id", message.message_id),
                        ("correlation-id", message.correlation_id), ("type", message.type)):
        if value is not None:
            headers.setdefault(name, value)
    return Incoming(body=message.body, headers=headers, id=message.message_id)
