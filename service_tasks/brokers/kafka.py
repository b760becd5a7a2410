"""Kafka (aiokafka).

Sources: Kafka docs, "Producer Configs" (acks, enable.idempotence); CloudEvents 1.0.2, Kafka protocol binding.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.helpers import create_ssl_context

from engine.events.addresses import Broker
from service_tasks.brokers.contact import (
    CLOUD_EVENT,
    CONFIRM_WITHIN,
    NAME,
    Incoming,
    Login,
    Outgoing,
    Take,
    Unroutable,
    lowered,
)

LOOK = 5_000
"""Milliseconds without a record after which it is looked whether the broker is still there."""
ROOM = 20
# It logs every attempt to connect, many times a second; what is wrong is raised, and told in a sentence.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _settings(broker: Broker, login: Login | None) -> dict[str, Any]:
    hosts = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in broker.hosts]
    protocol = ("SASL_" if login else "") + ("SSL" if broker.tls else "PLAINTEXT")
    settings: dict[str, Any] = {"bootstrap_servers": hosts, "client_id": NAME, "security_protocol": protocol,
                                "ssl_context": create_ssl_context() if broker.tls else None}
    if login is not None:
        settings |= {"sasl_mechanism": broker.options.get("sasl", "PLAIN"), "sasl_plain_username": login.user,
                     "sasl_plain_password": login.password}
    return settings


class KafkaSender:
    """Sends records that all replicas in step have, those of one instance to one partition."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def send(self, message: Outgoing) -> None:
        """Send, and wait for the acknowledgement. Raises Unroutable."""
        try:
            await self._producer.send_and_wait(
                self._topic, message.body, key=message.key.encode(),
                headers=[("content-type", CLOUD_EVENT.encode()), ("id", message.id.encode())])
        except UnknownTopicOrPartitionError as error:
            raise Unroutable(f"Expected a topic named {self._topic!r}, but there is none.") from error

    async def close(self) -> None:
        """Close the connection."""
        await self._producer.stop()


async def open_sender(broker: Broker, login: Login | None) -> KafkaSender:
    """Connect."""
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, request_timeout_ms=int(CONFIRM_WITHIN * 1000),
                                **_settings(broker, login))
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return KafkaSender(producer, broker.options["topic"])


async def receive(broker: Broker, login: Login | None, take: Take, connected: Callable[[], None]) -> None:
    """Take what the topic has, as one of a group of consumers, from its beginning if the group is new."""
    consumer = AIOKafkaConsumer(
        broker.options["topic"], group_id=broker.options.get("group", NAME), enable_auto_commit=False,
        auto_offset_reset="earliest", **_settings(broker, login))
    try:
        await consumer.start()
        connected()
        while True:
            found = await consumer.getmany(timeout_ms=LOOK, max_records=ROOM)
            if not found:
                # By itself the client would look for a broker that is away for ever, and say nothing.
                await consumer.topics()
            for place, records in found.items():
                for record in records:
                    await take(_incoming(record))
                    await consumer.commit({TopicPartition(place.topic, place.partition): record.offset + 1})
    finally:
        await _end(consumer)


async def _end(consumer: Any) -> None:
    """Stop a consumer. What it cancels inside must not look as if we were cancelled, and its client has to be closed
    also where it gave up before that: both happen while the broker is away (aiokafka 0.14)."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=CONFIRM_WITHIN)
    with suppress(Exception):
        await consumer._client.close()
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.exception()


def _incoming(record: Any) -> Incoming:
    return Incoming(body=record.value or b"", headers=lowered(dict(record.headers or ())),
                    id=f"{record.topic}:{record.partition}:{record.offset}")
