"""Listens to the brokers that events come from (`engine.inbound`)."""

from service_tasks.inbound.listener import Listener

__all__ = ["Listener"]
