"""What a driver of a client did, step by step, as the other drivers print it."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback


class Report:
    """Runs the steps of a driver; the first that fails ends it."""

    def __init__(self) -> None:
        self._passed = 0

    @contextlib.contextmanager
    def step(self, name):
        """One step: what happens inside must not raise."""
        try:
            yield
        except Exception:
            self._say(f"FAIL  {name}\n{traceback.format_exc()}")
            self._say(f"{self._passed} passed, 1 failed")
            sys.exit(1)
        self._passed += 1
        self._say(f"PASS  {name}")

    def end(self):
        """All steps passed."""
        self._say(f"{self._passed} passed, 0 failed")

    def _say(self, text):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def until(look, what, patience=15.0):
    """What `look` gives, once that is something."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not come."
        time.sleep(0.1)
    return found
