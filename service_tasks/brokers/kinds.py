"""The module of each kind of broker."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType

from engine.events.addresses import Broker
from service_tasks.brokers.contact import Login, Sender, Take

MODULES: Mapping[str, tuple[str, str]] = {
    "amqp": ("rabbitmq", "rabbitmq"), "redis": ("redis_streams", "redis"), "nats": ("jetstream", "nats"),
    "kafka": ("kafka", "kafka"),
}
"""By the kind of an address: the module here, and the extra that installs its client."""


class MissingClient(Exception):
    """The client of a broker is not installed."""


def _module(kind: str) -> ModuleType:
    name, extra = MODULES[kind]
    try:
        return importlib.import_module(f"service_tasks.brokers.{name}")
    except ImportError as error:
        raise MissingClient(f"Expected the client of {kind}:// to be installed, but it is not: "
                            f"`pip install 'partitur[{extra}]'`.") from error


async def open_sender(broker: Broker, login: Login | None) -> Sender:
    """Connect to send. Raises MissingClient, or what the client raises."""
    sender: Sender = await _module(broker.kind).open_sender(broker, login)
    return sender


async def receive(broker: Broker, login: Login | None, take: Take, connected: Callable[[], None]) -> None:
    """Take what comes, one after the other, each confirmed when it was taken; for ever.

    `connected` is called when the broker lets us listen. Raises MissingClient, or what the client raises when the
    connection is lost.
    """
    await _module(broker.kind).receive(broker, login, take, connected)
