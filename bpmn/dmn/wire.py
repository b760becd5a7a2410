"""Answers requests of the DMN technology compatibility kit's runner, one JSON object per line each way.

A request names the file (`dmn`), those it may import (`imports`), what to evaluate (`kind`, `name`, `invocable`) and
the `inputs`; temporal values are tagged objects such as `{"$date": "2020-01-31"}`, numbers are exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from bpmn.dmn import DecisionError, DecisionModel, read
from bpmn.dmn.evaluation import Evaluation
from bpmn.dmn.graph import Decision, Element, Knowledge, Service
from bpmn.feel import functions
from bpmn.feel.iso8601 import parse_date, parse_date_time, parse_duration, parse_time
from bpmn.feel.limits import running
from bpmn.feel.temporal import Date, DateTime, DaysDuration, MonthsDuration, Time
from bpmn.feel.values import NUMBERS, Function, Range, Value, plain_number

_READERS: Mapping[str, Callable[[str], Value]] = {
    "$date": parse_date,
    "$time": parse_time,
    "$dateTime": parse_date_time,
    "$duration": parse_duration,
    "$number": Decimal,
}
_TAGS: Mapping[type, str] = {
    Date: "$date", Time: "$time", DateTime: "$dateTime", DaysDuration: "$duration", MonthsDuration: "$duration",
    Range: "$range",
}


def serve(requests: Iterable[str], answers: TextIO) -> None:
    """Answer every request, one line each."""
    for line in requests:
        if line.strip():
            answers.write(answer_line(line) + "\n")
            answers.flush()


def answer_line(line: str) -> str:
    """The answer to one request, as a line of JSON."""
    return json.dumps(answer(json.loads(line, parse_float=Decimal)), ensure_ascii=False)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request: `{"value": …}` or `{"error": …}`."""
    try:
        return {"value": to_wire(_evaluate(request))}
    except DecisionError as error:
        return {"error": error.message}


def _evaluate(request: Mapping[str, Any]) -> Value:
    model = _model(request["dmn"], tuple(request.get("imports", ())))
    inputs = {name: from_wire(value) for name, value in request["inputs"].items()}
    if request.get("kind", "decision") == "decision":
        return _decide(model, request, inputs)
    kind = Service if request["kind"] == "decisionService" else Knowledge
    element = _find(model, request["invocable"], kind)
    run = Evaluation({})
    if isinstance(element, Service):
        names = [one.name for one in element.inputs]
        with running():
            return element.run(run, {name: inputs.get(name) for name in names})
    function = model.compute(element, run)
    with running():
        return functions.call(function, [], inputs)


def _decide(model: DecisionModel, request: Mapping[str, Any], inputs: Mapping[str, Value]) -> Value:
    decision = _find(model, request["name"], Decision)
    spaces = request.get("input_namespaces") or {}

    def find(element: Element) -> Value:
        if element.name in spaces and spaces[element.name] != element.model.namespace:
            return None
        for alias, imported in model.imports.items():
            context = inputs.get(alias)
            if imported is element.model and element.name not in inputs and isinstance(context, dict):
                return context.get(element.name)
        return inputs.get(element.name)

    own = {name: value for name, value in inputs.items() if model.named(name, Decision)}
    return model.compute(decision, Evaluation(inputs, own, find))


def _find(model: DecisionModel, name: str, kind: type[Element]) -> Element:
    found = model.named(name, kind)
    if found is None:
        raise DecisionError(f"Expected to find {name!r} in the model, but it is not there.")
    return found


@lru_cache(maxsize=64)
def _model(path: str, imports: tuple[str, ...]) -> DecisionModel:
    others = {Path(other).name: Path(other).read_bytes() for other in imports}
    model, problems = read(Path(path).read_bytes(), Path(path).name, others)
    if model is None:
        raise DecisionError(problems[0].message)
    return model


def from_wire(value: Any) -> Value:
    """A wire value as a FEEL value."""
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if isinstance(value, dict):
        tag = next(iter(value)) if len(value) == 1 else ""
        if tag in _READERS:
            return _READERS[tag](value[tag])
        return {name: from_wire(item) for name, item in value.items()}
    return value


def to_wire(value: Value) -> Any:
    """A FEEL value as a wire value."""
    kind = type(value)
    if kind in NUMBERS:
        return {"$number": plain_number(value)}
    if kind is list:
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {name: to_wire(item) for name, item in value.items()}
    if kind in _TAGS:
        return {_TAGS[kind]: str(value)}
    return {"$function": value.name} if isinstance(value, Function) else value if isinstance(value, (str, bool)) else (
        None if value is None else str(value))
