"""Keeps a process that serves up to date about the targets of events, and about tenants."""

from __future__ import annotations

from engine import tenants
from engine.cluster.part import Part
from engine.events.targets import CHANGED, REFRESH


class TargetWatch(Part):
    """A thread that looks which targets there are, often enough that none misses an event (`targets.SETTLES`), and
    which tenants."""

    name = "partitur-event-targets"
    topics = (CHANGED, tenants.CHANGED)
    # While the database is away nothing happens that anybody could want an event of, or do for a tenant.
    after_trouble = REFRESH

    def turn(self) -> float:
        """Look."""
        self.engine.targets.refresh()
        self.engine.tenants.refresh()
        return REFRESH
