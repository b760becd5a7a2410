"""Brokers that events are sent to and come from: RabbitMQ, Redis, NATS and Kafka, each through the client made for it.

The clients are extra dependencies (`partitur[brokers]`, or `[rabbitmq]`, `[redis]`, `[nats]`, `[kafka]`), imported when
somebody uses them. All of them are asynchronous; `loop` is the thread in which they live.
"""

from service_tasks.brokers.contact import Incoming, Login, Outgoing, Sender, Unroutable
from service_tasks.brokers.kinds import MissingClient, open_sender, receive
from service_tasks.brokers.loop import Loop

__all__ = ["Incoming", "Login", "Loop", "MissingClient", "Outgoing", "Sender", "Unroutable", "open_sender", "receive"]
