"""What one evaluation may use, and where its warnings go.

A model is data from outside: an expression must not be able to hold a thread or fill the memory. Loops, calls and
walks through nested values spend steps; whoever runs out ends with a `FeelError`. The current run is kept per
thread so that plain conditions, which cannot loop, pay nothing for it.
"""

from __future__ import annotations

import threading
import time

from bpmn.feel.errors import FeelError

MAX_STEPS = 1_000_000
MAX_SECONDS = 1.0
MAX_SIZE = 1_000_000
"""Longest string (characters) or list (elements) that an expression may make."""
MAX_TEXT = 65_536
"""Longest expression text."""
MAX_DEPTH = 64
"""Deepest nesting of an expression text."""
MAX_WARNINGS = 50
REGEX_SECONDS = 0.25
_STEPS_BETWEEN_LOOKS = 500


class Run:
    """One evaluation: the steps it has left, until when it may run, and the warnings it gave."""

    __slots__ = ("deadline", "next_look", "steps", "warnings")

    def __init__(self, warnings: list[str] | None) -> None:
        self.steps = MAX_STEPS
        self.next_look = MAX_STEPS - _STEPS_BETWEEN_LOOKS
        self.deadline = 0.0
        self.warnings = warnings

    def spend(self, steps: int) -> None:
        """Take steps from what is left. Raises FeelError when nothing is, or the time is over."""
        self.steps -= steps
        if self.steps < self.next_look:
            self._look()

    def _look(self) -> None:
        if self.steps < 0:
            raise FeelError(f"Expected the expression to end within {MAX_STEPS:,} steps, but it needs more.")
        # Time of this thread's work, so that a busy machine does not fail an innocent expression.
        now = time.thread_time()
        if not self.deadline:
            self.deadline = now + MAX_SECONDS
        elif now > self.deadline:
            raise FeelError(f"Expected the expression to end within {MAX_SECONDS:g} s, but it needs more.")
        self.next_look = self.steps - _STEPS_BETWEEN_LOOKS


class _Current(threading.local):
    run: Run | None = None


_current = _Current()


class running:
    """Bound everything evaluated inside; an inner `running` shares the budget of the outer one.

    Raises FeelError if functions call each other too deeply.
    """

    __slots__ = ("_outer", "run")

    def __init__(self, warnings: list[str] | None = None) -> None:
        self._outer = outer = _current.run
        self.run = Run(warnings)
        if outer is not None:
            self.run.steps, self.run.next_look, self.run.deadline = outer.steps, outer.next_look, outer.deadline
            self.run.warnings = warnings if warnings is not None else outer.warnings

    def __enter__(self) -> Run:
        _current.run = self.run
        return self.run

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if self._outer is not None:
            run = self.run
            self._outer.steps, self._outer.next_look, self._outer.deadline = run.steps, run.next_look, run.deadline
        _current.run = self._outer
        if kind is RecursionError:
            raise FeelError("Expected values and calls that nest less deeply, but they ran out of room.") from error


def current_run() -> Run:
    """The run of this thread; outside of any, a fresh one."""
    return _current.run or Run(None)


def spend(steps: int) -> None:
    """Take steps from the current run, if there is one."""
    run = _current.run
    if run is not None:
        run.spend(steps)


def warn(message: str) -> None:
    """Keep a warning for whoever looks at the evaluation."""
    run = _current.run
    if run is not None and run.warnings is not None and len(run.warnings) < MAX_WARNINGS:
        run.warnings.append(message)


def check_size(size: int) -> None:
    """Raises FeelError if a string or list is longer than an expression may make."""
    if size > MAX_SIZE:
        raise FeelError(f"Expected a text or list of at most {MAX_SIZE:,} parts, but the expression made {size:,}.")
