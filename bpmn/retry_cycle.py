"""How often a job is tried, and how long to wait before each further try, as Camunda 7 writes it.

Source: Camunda 7 manual, "The Job Executor", section "Failed Jobs": `R3/PT10M` is three attempts ten minutes apart;
`PT1M,PT5M` is one attempt, another one after a minute, and a last one five minutes after that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CYCLE = re.compile(r"R([0-9]{1,9})/(?:[^/]+/)?(P[^/,]+)\Z")
_LIST = re.compile(r"P[^/,]+(?:\s*,\s*P[^/,]+)*\Z")


@dataclass(frozen=True, slots=True)
class RetryCycle:
    """`attempts` in all; `waits` are ISO 8601 durations, of which the last one holds for all that follow."""

    attempts: int
    waits: tuple[str, ...]

    def wait_after(self, failures: int) -> str:
        """How long to wait after so many attempts have failed."""
        return self.waits[min(max(failures, 1), len(self.waits)) - 1]


def read_cycle(text: str) -> RetryCycle | None:
    """The cycle that a text writes; None if it writes none."""
    written = text.strip()
    cycle = _CYCLE.match(written)
    if cycle:
        return RetryCycle(int(cycle[1]), (cycle[2],)) if int(cycle[1]) else None
    if not _LIST.match(written):
        return None
    waits = tuple(part.strip() for part in written.split(","))
    return RetryCycle(len(waits) + 1, waits)
