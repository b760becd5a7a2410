"""Delivers the events of the outbox (`engine.events`): to webhooks over HTTP, and to brokers."""

from service_tasks.events.dispatcher import Dispatcher

__all__ = ["Dispatcher"]
