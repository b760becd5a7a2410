"""Process tests for whoever draws processes: a scratch engine, stubbed services, virtual time, and BPMN coverage.

    def test_a_declined_payment_ends_the_order(partitur):     # the fixture of the pytest plugin
        partitur.deploy("order.bpmn", "risk.dmn")
        partitur.service("charge-card").raises("PAYMENT_DECLINED")
        order = partitur.start("order", orderId="4711")
        order.assert_ended("PAYMENT_DECLINED")

Everything is real: the same parser, engine and database as in production; only the services, the people and the clock
are stand-ins. `docs/TESTING.md` is the manual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpmn.interpreter import Directions
    from engine.tasks.user_tasks import ListenerAnswer
    from engine.testing.answers import BpmnError, Call, Failure
    from engine.testing.instance import Instance
    from engine.testing.running import NeverAtRest
    from engine.testing.scratch import Scratch
    from engine.testing.stubs import StubService, StubTask

__all__ = ["BpmnError", "Call", "Directions", "Failure", "Instance", "ListenerAnswer", "NeverAtRest", "Scratch",
           "StubService", "StubTask"]

_HOMES = {
    "BpmnError": "engine.testing.answers", "Call": "engine.testing.answers", "Failure": "engine.testing.answers",
    "Instance": "engine.testing.instance", "NeverAtRest": "engine.testing.running",
    "Scratch": "engine.testing.scratch", "StubService": "engine.testing.stubs", "StubTask": "engine.testing.stubs",
    "ListenerAnswer": "engine.tasks.user_tasks", "Directions": "bpmn.interpreter",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for first: pytest loads this package in every run, also where nobody uses it.

    Raises AttributeError for a name that is not there.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"Expected one of {', '.join(__all__)}, but {__name__} has no {name!r}.")
    from importlib import import_module

    return getattr(import_module(home), name)
