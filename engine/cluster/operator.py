"""Carries out operations in the background. Any number of nodes may do so at once; each takes what no other has."""

from __future__ import annotations

from datetime import timedelta

from engine.cluster.part import Part
from engine.operations import carrying, plans

EVERY = timedelta(seconds=2)
"""Other processes plan and apply operations, too, and may not be able to wake this one, so it looks from time to
time."""
BUSY = timedelta(milliseconds=500)
"""How long it waits while an operation is under way and nothing is to be done at once: answers of workers come."""


class Operator(Part):
    """A thread that carries out operations, woken by those that are planned or applied in this process."""

    name = "partitur-operator"
    topics = (plans.TOPIC,)

    def turn(self) -> float:
        """Carry out some items."""
        if carrying.work(self.engine):
            return 0
        return (BUSY if carrying.has_work(self.engine) else EVERY).total_seconds()
