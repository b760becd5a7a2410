"""Kafka (aiokafka).

Sources: Kafka docs, "Producer Configs" (acks, enable.idempotence); CloudEvents 1.0.2, Kafka protocol binding.
"""

from __future__ import annotations

from collections.abc import Callable
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
        async for record in consumer:
            headers = lowered(dict(record.headers or ()))
            await take(Incoming(body=record.value or b"", headers=headers,
                                id=f"{record.topic}:{record.partition}:{record.offset}"))
            await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
    finally:
        await consumer.stop()
