"""How often the garbage collector looks at what a serving process holds."""

from __future__ import annotations

import gc

THRESHOLDS = (5_000, 20, 50)
"""An instance is hundreds of objects that point at each other, and a transaction moves many instances. By the
interpreter's own figures (700, 10, 10) the collector goes through all of them several times before they are done with,
and costs a tenth of the time; by these the garbage of a few transactions waits for it together."""


def collect_rarely() -> None:
    """Call this once everything is imported: that stays until the end, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
