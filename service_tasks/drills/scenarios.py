"""Looks for ways through a process on which each of its steps is reached."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bpmn.expressions import Literal
from bpmn.model import Element, EventKind, Model, Process
from engine.errors import Rejection
from service_tasks.drills import guesses
from service_tasks.drills.rehearsal import Rehearsal, Scenario, Tree
from service_tasks.given import contract_of_job
from service_tasks.registry import Registry

MOST_RUNS = 200
"""How many scenarios are tried."""


@dataclass(slots=True)
class Found:
    """The scenarios that each lead to something new, with what came of them; `stuck` says why others ended early."""

    kept: list[tuple[Scenario, Tree]] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    stuck: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)


def explore(rehearsal: Rehearsal, model: Model, processes: Sequence[Process], registry: Registry,
            given: Mapping[str, Any]) -> Found:
    """Run the first of `processes` (the others are those that it may call) in one scenario after the other, each a
    small change to one that led to something new, until every step was reached or nothing more is to be tried.

    `given` are variables that somebody who knows the process wants it to be started with.
    Raises `engine.errors.Rejection` if it cannot be started at all.
    """
    answers: dict[str, Any] = {}
    for path, values in _trials(processes):
        guesses.put(answers, path, values[0])
    guessed: dict[str, Any] = {}
    for process in processes:
        guessed = {**guesses.variables(model, process, registry), **guessed}
    found = Found()
    queue = [Scenario(variables={**guessed, **given}, answers={**answers, **given})]
    _try(rehearsal, queue[0], found)
    steps = {element.id for process in processes for element in steps_of(process)}
    while queue and rehearsal.runs < MOST_RUNS and not steps <= found.visited:
        base = queue.pop(0)
        for changed in _changes(base, processes, registry, found, given):
            if rehearsal.runs >= MOST_RUNS or steps <= found.visited:
                break
            if _try(rehearsal, changed, found):
                queue.append(changed)
    return found


def steps_of(process: Process) -> list[Element]:
    """The elements that call services, but for compensation handlers."""
    return [element for element in process.elements.values()
            if element.job is not None and not element.for_compensation]


def _trials(processes: Sequence[Process]) -> Iterator[tuple[guesses.Path, list[Any]]]:
    for process in processes:
        yield from guesses.trials(process).items()


def _try(rehearsal: Rehearsal, scenario: Scenario, found: Found) -> bool:
    """Run a scenario, if it was not run before; whether it led to something new."""
    what = json.dumps(asdict(scenario), sort_keys=True, default=str)
    if what in found.tried:
        return False
    found.tried.add(what)
    try:
        tree = rehearsal.run(scenario)
    except Rejection as refusal:
        if not found.kept:
            raise
        found.stuck.append(str(refusal))
        return False
    if tree.stuck and tree.stuck not in found.stuck:
        found.stuck.append(tree.stuck)
    if found.kept and tree.visited <= found.visited:
        return False
    found.visited |= tree.visited
    found.kept.append((scenario, tree))
    return True


def _changes(base: Scenario, processes: Sequence[Process], registry: Registry, found: Found,
             given: Mapping[str, Any]) -> Iterator[Scenario]:
    for process in processes:
        for assigned in guesses.solutions(process):
            yield _with(base, assigned, given)
    for path, values in _trials(processes):
        for value in values:
            yield _with(base, {path: value}, given)
    pool: list[Any] = [True, False]
    for process in processes:
        pool += [*guesses.numbers(process), *guesses.texts(process)]
    for place, value in list(guesses.leaves(base.variables)):
        if place and place[0] not in given:
            for new in _others(value, pool):
                yield replace(base, variables=guesses.replaced(base.variables, place, new))
    if not base.late:
        yield replace(base, late=True)
    for element_id, code in _errors(processes, registry):
        if element_id in found.visited and element_id not in base.raises:
            yield replace(base, raises={**base.raises, element_id: code})


def _with(base: Scenario, assigned: Mapping[guesses.Path, Any], given: Mapping[str, Any]) -> Scenario:
    """The scenario with other values for what conditions read."""
    variables, answers = dict(base.variables), dict(base.answers)
    for path, value in assigned.items():
        if path[0] not in given:
            variables = guesses.changed(variables, path, value)
            answers = guesses.changed(answers, path, value)
    return replace(base, variables=variables, answers=answers)


def _others(value: Any, pool: list[Any]) -> Iterator[Any]:
    """Values of the same kind."""
    if isinstance(value, list):
        yield from ([], value[:1], value[:1] * 2) if value else ()
        return
    for new in pool:
        alike = isinstance(new, bool) if isinstance(value, bool) else (
            isinstance(new, int | float) and not isinstance(new, bool) if isinstance(value, int | float)
            else isinstance(new, str) and isinstance(value, str))
        if alike and new != value:
            yield new


def _errors(processes: Sequence[Process], registry: Registry) -> Iterator[tuple[str, str]]:
    for process in processes:
        for element in process.elements.values():
            for code in codes_of(process, element.id, registry):
                yield element.id, code


def codes_of(process: Process, element_id: str, registry: Registry) -> tuple[str, ...]:
    """The errors that the service of an element may throw: by its contract, or else those that are caught there."""
    element = process.elements[element_id]
    if element.job is None:
        return ()
    contract = contract_of_job(element, registry)
    if contract is not None:
        return tuple(contract.policy.errors)
    caught = [event.code for other in process.elements.values() if other.attached_to == element_id
              for event in other.events if event.kind is EventKind.ERROR]
    return tuple(dict.fromkeys("ANY" if code is None else str(code.value) for code in caught
                               if code is None or isinstance(code, Literal)))
