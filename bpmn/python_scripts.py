"""Scripts in Python, for who turns them on: run by Monty, an interpreter of its own in worker processes of its own.

    scripts = PythonScripts()                                   # or PythonScriptsMissing, without the extra
    model, problems = parser.read(content, "order.bpmn", scripts.languages)

A script sees the variables that it names, and nothing else: no files, no network, no environment, no modules but
Monty's own few. Its value is that of its last line. It is always bounded in time, memory, depth and calls to the
outside, and a worker that dies or hangs is replaced. Nothing of a model is ever compiled or run by Python itself.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from importlib import import_module
from math import isfinite
from typing import Any

from bpmn.expressions import EvaluationError, Expression, ExpressionError, Scope, shorten

MAX_SECONDS = 1.0
MAX_MEMORY = 64 * 1024 * 1024
MAX_RECURSION = 200
MAX_REQUESTS = 10
"""Requests to the outside in one run; each is refused, and after so many the run ends."""
MAX_TEXT = 65_536
MAX_VALUES = 100_000
"""Values in what a script gives."""
_GRACE = 1.0
"""Seconds beyond its own limit after which a worker is killed."""
_WORKERS = 2
_RECYCLED_AFTER = 1_000
_NAME = re.compile(r"[^\W\d]\w*")
_ONLY_PARSE = "raise StopIteration\n"


class PythonScriptsMissing(Exception):
    """Python scripts are turned on, but what runs them is not installed."""


class PythonScripts:
    """Compiles and runs scripts. Safe for threads; its workers begin with the first script and end with `close`."""

    def __init__(self, *, seconds: float = MAX_SECONDS, memory: int = MAX_MEMORY) -> None:
        try:
            self._monty = import_module("pydantic_monty")
        except ImportError as error:
            raise PythonScriptsMissing("Expected the package pydantic-monty for Python scripts, but it is not there: "
                                       "`pip install 'partitur[python-scripts]'`.") from error
        self._seconds = seconds
        self._limits = {"max_feed_duration_secs": seconds, "max_memory": memory, "max_recursion_depth": MAX_RECURSION,
                        "max_suspensions": MAX_REQUESTS, "max_total_sleep_secs": 0.0}
        self._lock = threading.Lock()
        self._pool: Any = None

    @property
    def languages(self) -> Mapping[str, Callable[[str], Expression]]:
        """What compiles a script, by the names of its language in a model."""
        return {"python": self.compile}

    def compile(self, text: str) -> Expression:
        """A script as an expression; it is only parsed, by Monty too. Raises ExpressionError."""
        if len(text) > MAX_TEXT:
            raise ExpressionError(f"Expected a script of at most {MAX_TEXT:,} characters.", MAX_TEXT, text)
        try:
            self._feed(_ONLY_PARSE + text, {})
        except self._monty.MontySyntaxError as error:
            raise ExpressionError(f"it is no Python: {error}.", 0, text) from error
        except self._monty.MontyError:
            pass  # it was parsed, and ended before its first line
        return PythonScript(text, lambda scope: self._run(text, scope))

    def close(self) -> None:
        """End the workers."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _run(self, text: str, scope: Scope) -> Any:
        inputs = {name: scope[name] for name in names_of(text) if name in scope}
        try:
            return to_json(self._feed(text, inputs))
        except (self._monty.MontyError, TimeoutError, ValueError, OverflowError) as error:
            said = str(error).strip() or type(error).__name__
            raise EvaluationError(f"Expected to run the script `{shorten(text)}`, but it failed: {said}") from error

    def _feed(self, text: str, inputs: dict[str, Any]) -> Any:
        with self._workers().checkout(script_name="script.py", limits=self._limits,
                                      os_policy={"sleep": "zero"}) as session:
            return session.feed_run(text, inputs=inputs, print_callback=_dropped)

    def _workers(self) -> Any:
        with self._lock:
            if self._pool is None:
                self._pool = self._monty.Monty(
                    min_processes=1, max_processes=_WORKERS, checkout_timeout=30.0,
                    request_timeout=self._seconds + _GRACE, max_checkouts_per_worker=_RECYCLED_AFTER,
                ).__enter__()
            return self._pool


class PythonScript(Expression):
    """A compiled script. Which of its words are variables is not known, so `names` is empty."""

    __slots__ = ()

    def __init__(self, text: str, run: Callable[[Scope], Any]) -> None:
        super().__init__(text, run)

    def evaluate(self, scope: Scope) -> Any:
        return self.function(scope)


def names_of(text: str) -> Iterable[str]:
    """Every word of a script that may be the name of a variable."""
    return dict.fromkeys(_NAME.findall(text))


def to_json(value: Any) -> Any:
    """What a script gave, as JSON stores it: times as ISO 8601 text, tuples and sets as lists.

    Raises EvaluationError if it cannot be stored.
    """
    left = [MAX_VALUES]
    return _stored(value, left)


def _stored(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise EvaluationError(f"Expected a script to give at most {MAX_VALUES:,} values, but there are more.")
    kind = type(value)
    if value is None or kind in (str, bool, int) or (kind is float and isfinite(value)):
        return value
    if kind in (list, tuple, set, frozenset):
        return [_stored(item, left) for item in value]
    if kind is dict and all(type(name) is str for name in value):
        return {name: _stored(item, left) for name, item in value.items()}
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    found = "a number that is none" if kind is float else f"a value of the type {kind.__name__}"
    raise EvaluationError(f"Expected a script to give a value that can be stored, but it gave {found}.")


def _dropped(stream: str, text: str) -> None:
    """What a script prints goes nowhere."""
