"""The order example needs what the tests of the worker need."""

from tests.service_tasks.conftest import clock, order_registry, services, stage

__all__ = ["clock", "order_registry", "services", "stage"]
