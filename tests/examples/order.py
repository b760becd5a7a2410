"""Where the order example is, and its modules, which are files and no package."""

from __future__ import annotations

from pathlib import Path

from service_tasks.registry import import_source

ORDER_EXAMPLE = Path(__file__).parents[2] / "examples" / "order-fulfilment"


def load(name):
    """A module of the example, such as "clients" or "services/app"."""
    return import_source(str(ORDER_EXAMPLE / f"{name}.py"))


def diagram(name="order-fulfilment"):
    """The bytes of one of its diagrams."""
    return (ORDER_EXAMPLE / f"{name}.bpmn").read_bytes()
