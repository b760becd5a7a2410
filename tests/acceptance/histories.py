"""What clients saw, compared with what is there: a checker in Jepsen's manner.

Every operation of a client is invoked and ends as `ok` (acknowledged: it happened), `fail` (refused: it did not) or
`info` (no answer: it may or may not have happened). Every look at an instance is an observation. The checker knows no
engine: it is told what was found in the database at the end.
Source: Jepsen's model of histories (invoke, ok, fail, info), https://github.com/jepsen-io/jepsen.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.states import INSTANCE_MOVES, InstanceState

OK, FAIL, INFO = "ok", "fail", "info"
TERMINAL = {state.value for state, moves in INSTANCE_MOVES.items() if not moves}


@dataclass
class Operation:
    """One thing that a client asked for. `name` is what makes it the same thing when it is asked for again."""

    kind: str
    name: str
    outcome: str = INFO
    value: Any = None


@dataclass
class History:
    """The operations and observations of all clients, in the order in which they ended."""

    operations: list[Operation] = field(default_factory=list)
    observations: list[tuple[str, str]] = field(default_factory=list)
    _guard: Any = field(default_factory=threading.Lock)

    @contextmanager
    def invoke(self, kind: str, name: str) -> Iterator[Operation]:
        """An operation under way. It is `info` unless the client sets its outcome, whatever is raised."""
        operation = Operation(kind, name)
        try:
            yield operation
        finally:
            with self._guard:
                self.operations.append(operation)

    def observe(self, name: str, state: str) -> None:
        """Somebody saw an instance in a state."""
        with self._guard:
            self.observations.append((name, state))

    def of(self, kind: str, *outcomes: str) -> list[Operation]:
        """The operations of a kind that ended so."""
        return [each for each in self.operations if each.kind == kind and each.outcome in outcomes]


@dataclass(frozen=True)
class Found:
    """What is in the database and with the services at the end, by the names that the clients gave.

    `happened`: for each kind of operation how often each name is there. `states`: the state of each instance.
    `effects`: how often each effect happened, by its key.
    """

    happened: Mapping[str, Mapping[str, int]]
    states: Mapping[str, str]
    effects: Mapping[str, int]


def problems(history: History, found: Found) -> list[str]:
    """Everything that must not be, in sentences."""
    return [sentence for check in CHECKS for sentence in check(history, found)]


def _nothing_lost(history: History, found: Found) -> Iterable[str]:
    for operation in history.operations:
        there = found.happened.get(operation.kind, {}).get(operation.name, 0)
        if operation.outcome == OK and there == 0:
            yield f"{operation.kind} {operation.name!r} was acknowledged, but it is not there."


def _nothing_twice(history: History, found: Found) -> Iterable[str]:
    for kind, names in found.happened.items():
        for name, count in names.items():
            if count > 1:
                yield f"{kind} {name!r} is there {count} times."
    for key, count in found.effects.items():
        if count > 1:
            yield f"Effect {key!r} happened {count} times."


def _nothing_refused_happened(history: History, found: Found) -> Iterable[str]:
    outcomes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for operation in history.operations:
        outcomes[operation.kind, operation.name].add(operation.outcome)
    for (kind, name), seen in outcomes.items():
        if seen == {FAIL} and found.happened.get(kind, {}).get(name, 0):
            yield f"{kind} {name!r} was refused, but it is there."


def _nothing_unasked(history: History, found: Found) -> Iterable[str]:
    asked = {(operation.kind, operation.name) for operation in history.operations}
    for kind, names in found.happened.items():
        for name in names:
            if (kind, name) not in asked:
                yield f"{kind} {name!r} is there, but nobody asked for it."


def _one_answer(history: History, found: Found) -> Iterable[str]:
    values: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for operation in history.operations:
        if operation.outcome == OK and operation.value is not None:
            values[operation.kind, operation.name].add(operation.value)
    for (kind, name), given in values.items():
        if len(given) > 1:
            yield f"{kind} {name!r} was answered in {len(given)} ways: {sorted(map(str, given))}."


def _moves_allowed(history: History, found: Found) -> Iterable[str]:
    last: dict[str, str] = {}
    for name, state in [*history.observations, *found.states.items()]:
        before = last.setdefault(name, state)
        if before != state and InstanceState(state) not in INSTANCE_MOVES[InstanceState(before)]:
            yield f"{name!r} went from {before} to {state}."
        last[name] = state


def _all_end(history: History, found: Found) -> Iterable[str]:
    counts = Counter(state for state in found.states.values() if state not in TERMINAL)
    for state, count in counts.items():
        yield f"{count} instances are still {state}."


CHECKS: tuple[Callable[[History, Found], Iterable[str]], ...] = (
    _nothing_lost, _nothing_twice, _nothing_refused_happened, _nothing_unasked, _one_answer, _moves_allowed, _all_end)
