"""Delivers the events of the outbox (`engine.events`): to webhooks over HTTP."""

from service_tasks.events.dispatcher import Dispatcher

__all__ = ["Dispatcher"]
