"""What the elements of a process give: which variables, and what is known of their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from bpmn.expressions import Literal
from bpmn.model import Dialect, Element, ElementType, Model, Process
from service_tasks.contract import ServiceContract
from service_tasks.jsontypes import Schema, Types, json_types, resolved, types_of
from service_tasks.patience import look
from service_tasks.registry import Registry
from service_tasks.use import service_name

NO_SCHEMA: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that an element gives; `types` are the JSON types it may have (None: not known).

    `description` and `schema` say more where a service gives it: the property, and the whole that it refers into.
    """

    element: Element
    types: Types | None
    description: Schema = field(default_factory=lambda: NO_SCHEMA)
    schema: Schema = field(default_factory=lambda: NO_SCHEMA)

    def inside(self, path: tuple[str, ...]) -> Types | None:
        """The types of an entry of it, `path` deep; empty if the service says that there is no such entry."""
        description = self.description
        for name in path:
            description = resolved(description, self.schema)
            entries = description.get("properties")
            if entries is None or description.get("additionalProperties"):
                return None
            if name not in entries:
                return frozenset()
            description = entries[name]
        return json_types(description, self.schema) if path else self.types


def given_in(model: Model, process: Process, registry: Registry) -> dict[str, list[Given]]:
    """What the elements of a process are known to give, by variable."""
    found: dict[str, list[Given]] = {}
    for element in process.elements.values():
        for name, given in outputs(model, process, element, registry, frozenset({process.id})):
            found.setdefault(name, []).append(given)
    return found


def locals_of(element: Element) -> Iterator[str]:
    """The variables that an element gives to itself and to what it contains: its inputs, and that of its loop."""
    for mapping in element.inputs:
        yield mapping.target
    if element.loop is not None:
        yield "loopCounter"
        if element.loop.element_variable:
            yield element.loop.element_variable


def outputs(
    model: Model, process: Process, element: Element, registry: Registry, callers: frozenset[str]
) -> Iterator[tuple[str, Given]]:
    """What an element gives to its scope when it is done. `callers` are the processes that are looked at already."""
    look(5)
    loop = element.loop
    for collection in (element.output_collection, loop.output_collection if loop else None):
        if collection:
            yield collection, Given(element, frozenset({"array"}))
    for mapping in element.outputs:
        yield mapping.target, Given(element, types_of(mapping.source))
    # Camunda 8 hands on only what an output mapping names, once there is one.
    if element.outputs and process.dialect is Dialect.CAMUNDA_8:
        return
    yield from _results(element, registry)
    yield from _results_of_call(model, element, registry, callers)


def _results(element: Element, registry: Registry) -> Iterator[tuple[str, Given]]:
    if element.initiator:
        yield element.initiator, Given(element, None)
    for event in element.events:
        for variable in (event.code_variable, event.message_variable):
            if variable:
                yield variable, Given(element, frozenset({"string", "null"}))
    if element.script is not None and element.script.result_variable:
        yield element.script.result_variable, Given(element, types_of(element.script.expression))
    if element.called_decision is not None:
        yield element.called_decision.result_variable, Given(element, None)
    contract = contract_of_job(element, registry)
    if element.job is not None and element.job.result_variable:
        yield element.job.result_variable, Given(element, None)
    elif contract is not None:
        schema = _output_schema(contract)
        for name, description in schema.get("properties", {}).items():
            yield name, Given(element, json_types(description, schema), description, schema)


def _results_of_call(
    model: Model, element: Element, registry: Registry, callers: frozenset[str]
) -> Iterator[tuple[str, Given]]:
    """What a called process hands back, where it is in the same file."""
    called = element.called_process
    if called is None:
        return
    for mapping in called.outputs:
        yield mapping.target, Given(element, types_of(mapping.source))
    process = called_in(model, element)
    if not called.all_out or process is None or process.id in callers:
        return
    for inner in process.elements.values():
        # Only what reaches the variables of the instance itself.
        if inner.scope == process.id:
            for name, given in outputs(model, process, inner, registry, callers | {process.id}):
                yield name, Given(element, given.types, given.description, given.schema)


def called_in(model: Model, element: Element) -> Process | None:
    """The process that a call activity calls, if it stands in the same file."""
    called = element.called_process
    if element.type is not ElementType.CALL_ACTIVITY or called is None or not isinstance(called.process_id, Literal):
        return None
    look(len(model.processes))
    return next((process for process in model.processes if process.id == called.process_id.value), None)


def contract_of_job(element: Element, registry: Registry) -> ServiceContract | None:
    """The contract of the service that an element calls; None if it calls none, or one that is not known here."""
    name = None if element.job is None else service_name(element.job, registry)
    return None if name is None else registry.get(name)


@lru_cache(maxsize=1_000)
def _output_schema(contract: ServiceContract) -> Schema:
    """What pydantic says anew, slowly, whenever it is asked."""
    return contract.output_schema()
