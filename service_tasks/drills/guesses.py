"""What a process may be started with, guessed from what it reads; and which values may send it another way."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bpmn.expressions import EvaluationError, Expression
from bpmn.model import Element, EventKind, Model, Process, TimerKind
from service_tasks.drills.samples import sample
from service_tasks.given import contract_of_job, given_in
from service_tasks.jsontypes import path_of
from service_tasks.paths import scopes_around
from service_tasks.registry import Registry

Path = tuple[str, ...]
COMPARISON = re.compile(r"""([A-Za-z_][\w.]*)\s*(?:=|==|!=|<=|>=|<|>|\blt\b|\bgt\b|\ble\b|\bge\b|\beq\b|\bne\b)\s*
                            ("[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|true|false)""", re.VERBOSE)
TEXT = re.compile(r""""([^"]*)"|'([^']*)'""")
NUMBER = re.compile(r"(?<![\w.\"'])-?\d+(?:\.\d+)?")
TIMERS = {TimerKind.DURATION: "PT1H", TimerKind.DATE: "2030-01-01T00:00:00Z", TimerKind.CYCLE: "R1/PT1H"}
OTHER = "other"
MOST_TRIED = 1000
"""How many combinations of values are tried to make one condition true."""


def variables(model: Model, process: Process, registry: Registry) -> dict[str, Any]:
    """Variables to start a process with, so that its services get what they need and its expressions find something.

    What the elements of the process give themselves is left out.
    """
    given = given_in(model, process, registry).keys()
    wanted: dict[str, Any] = {}
    for element in process.elements.values():
        for path, value in _needs(process, element, registry):
            path = _outside(process, element, path)
            if path and path[0] not in given:
                put(wanted, path, value)
    for path, values in trials(process).items():
        if path[0] not in given:
            put(wanted, path, values[0])
    for name in _other_names(process):
        if name not in given:
            wanted.setdefault(name, 1)
    return wanted


def trials(process: Process) -> dict[Path, list[Any]]:
    """For each variable (or entry of one) that conditions read, values that may decide them either way."""
    found: dict[Path, list[Any]] = {}
    for condition in _conditions(process):
        for path, values in _candidates(condition).items():
            known = found.setdefault(path, [])
            known += [value for value in values if value not in known]
    return found


def solutions(process: Process) -> Iterator[dict[Path, Any]]:
    """Values of the variables of each condition with which it is true, and such with which it is not."""
    for condition in _conditions(process):
        candidates = _candidates(condition)
        open_outcomes = {True, False}
        for values in itertools.islice(itertools.product(*candidates.values()), MOST_TRIED):
            assigned = dict(zip(candidates, values, strict=True))
            outcome = _outcome(condition, assigned)
            if outcome in open_outcomes:
                open_outcomes.discard(outcome)
                yield assigned


def _outcome(condition: Expression, assigned: Mapping[Path, Any]) -> bool | None:
    scope: dict[str, Any] = {}
    for path, value in assigned.items():
        put(scope, path, value)
    try:
        found = condition.evaluate(scope)
    except EvaluationError:
        return None
    return found if isinstance(found, bool) else None


def _candidates(condition: Expression) -> dict[Path, list[Any]]:
    """Values to try for what one condition reads: those it is compared with, and those beside them."""
    compared: dict[Path, list[str]] = {}
    for name, literal in COMPARISON.findall(condition.text):
        compared.setdefault(tuple(name.split(".")), []).append(literal)
    texts = [first or second for first, second in TEXT.findall(condition.text)]
    roots = {path[0] for path in compared}
    found = {path: list(dict.fromkeys(_values(literals, texts))) for path, literals in compared.items()
             if path[0] in condition.names}
    return found | {(name,): list(dict.fromkeys(_values([], texts))) for name in sorted(condition.names - roots)}


def numbers(process: Process) -> list[int | float]:
    """Numbers just below, at and just above those that conditions are about."""
    found: list[int | float] = [0, 1]
    for condition in _conditions(process):
        for written in NUMBER.findall(condition.text):
            number = _number(written)
            found += [each for each in (number - 1, number, number + 1) if each not in found]
    return found


def texts(process: Process) -> list[str]:
    """The texts that conditions are about, and one that none is about."""
    found = [first or second for condition in _conditions(process) for first, second in TEXT.findall(condition.text)]
    return [*dict.fromkeys(found), OTHER]


def put(target: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path of names, making objects on the way; `*` stands for each entry of a list."""
    name, *rest = path
    if not rest:
        target.setdefault(name, value)
        return
    if rest[0] == "*":
        entries = target.setdefault(name, [{}, {}] if len(rest) > 1 else [value, value])
        for entry in entries if isinstance(entries, list) else ():
            if len(rest) > 1 and isinstance(entry, dict):
                put(entry, tuple(rest[1:]), value)
        return
    inner = target.setdefault(name, {})
    if isinstance(inner, dict):
        put(inner, tuple(rest), value)


def _needs(process: Process, element: Element, registry: Registry) -> Iterator[tuple[Path, Any]]:
    """What the inputs of an element's service, its loop and its timers read."""
    contract = contract_of_job(element, registry)
    if contract is not None:
        schema = contract.input_schema()
        mapped = {mapping.target: mapping.source for mapping in element.inputs}
        for name, field in contract.inputs.model_fields.items():
            alias = field.alias or name
            source = mapped.get(alias, mapped.get(name))
            if source is not None and path_of(source):
                yield path_of(source), sample(schema["properties"][alias], schema, everything=True)
            elif source is None and field.is_required():
                yield (alias,), sample(schema["properties"][alias], schema, everything=True)
    if element.loop is not None and element.loop.collection is not None and path_of(element.loop.collection):
        yield (*path_of(element.loop.collection), "*"), "x"
    for event in element.events:
        if event.kind is EventKind.TIMER and event.timer is not None and event.timer_kind is not None:
            for name in event.timer.names:
                yield (name,), TIMERS[event.timer_kind]
        elif event.correlation_key is not None and path_of(event.correlation_key):
            yield path_of(event.correlation_key), "key-1"


def _outside(process: Process, element: Element, path: Path) -> Path:
    """Where a path leads that begins with the element variable of a loop, or with an input of a scope around."""
    for around in (element, *scopes_around(process, element)):
        loop = around.loop
        if loop is not None and loop.element_variable == path[0] and loop.collection is not None:
            collection = path_of(loop.collection)
            return _outside(process, around, (*collection, "*", *path[1:])) if collection else ()
        if around is not element:
            source = next((each.source for each in around.inputs if each.target == path[0]), None)
            if source is not None:
                inner = path_of(source)
                return (*inner, *path[1:]) if inner else ()
    return path


def _other_names(process: Process) -> Iterator[str]:
    """What scripts and mappings read beside."""
    for element in process.elements.values():
        local = {mapping.target for mapping in element.inputs}
        expressions: list[Expression] = [mapping.source for mapping in element.inputs]
        if element.script is not None:
            expressions.append(element.script.expression)
        for expression in expressions:
            yield from sorted(expression.names - local)


def _conditions(process: Process) -> Iterator[Expression]:
    for flow in process.flows.values():
        if flow.condition is not None:
            yield flow.condition
    for element in process.elements.values():
        if element.loop is not None and element.loop.completion_condition is not None:
            yield element.loop.completion_condition


def _values(literals: Iterable[str], texts: Iterable[str]) -> Iterator[Any]:
    """Values on either side of what a variable is compared with."""
    plain = True
    for written in literals:
        plain = False
        if written in ("true", "false"):
            yield from (True, False)
        elif written[0] in "\"'":
            yield from (written[1:-1], OTHER)
        else:
            number = _number(written)
            yield from (number + 1, number, number - 1)
    if plain:
        yield from (True, False, *texts)


def _number(written: str) -> int | float:
    return float(written) if "." in written else int(written)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each simple value inside a value, and each list, with the way to it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        yield path, value
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A value with another one at a place inside of it."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, list) and isinstance(step, int):
        return [replaced(inner, tuple(rest), new) if index == step else inner for index, inner in enumerate(value)]
    return {name: replaced(inner, tuple(rest), new) if name == step else inner for name, inner in value.items()}


def changed(value: Any, path: Path, new: Any) -> Any:
    """An object with another value at a path of names, which is made if it is not there."""
    name, *rest = path
    inside = value if isinstance(value, Mapping) else {}
    return {**inside, name: changed(inside.get(name), tuple(rest), new) if rest else new}
