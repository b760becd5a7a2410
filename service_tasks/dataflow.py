"""Whether what a service needs is there when its task is reached.

A process may be started with any variables, so a variable that nothing in the diagram gives is taken to come from
the start. One that a service gives, but only later or with another type, is worth a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpmn.expressions import Literal
from bpmn.model import SCOPES, Dialect, Element, ElementType, EventKind, Process
from service_tasks.contract import ServiceContract
from service_tasks.registry import Registry

NUMBERS = frozenset({"number", "integer"})
EVERY_TYPE = frozenset({"string", "boolean", "object", "array", "null"}) | NUMBERS


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that an element gives; `types` are the JSON types it may have (None: not known)."""

    element: Element
    types: frozenset[str] | None


def unready_inputs(process: Process, element: Element, contract: ServiceContract, registry: Registry) -> Iterator[str]:
    """A sentence for each input of `contract` that comes too late at `element`, or with a type it cannot have."""
    mapped = {mapping.target for mapping in element.inputs}
    given = _given(process, registry)
    before = _upstream(process, element)
    schema = contract.input_schema()
    for name, description in schema["properties"].items():
        if name in mapped:
            continue
        sources = [source for source in given.get(name, []) if source.element.id != element.id]
        ready = [source for source in sources if before is None or source.element.id in before]
        if sources and not ready and name in schema.get("required", ()):
            yield (
                f"Expected {name!r} to be there when service {contract.name!r} is called, but "
                f"{_title(sources[0].element)}, which gives it, comes later. (It may also be given at the start.)"
            )
        wanted = json_types(description, schema)
        for source in ready:
            if source.types is not None and not _fits(source.types, wanted):
                yield (
                    f"Expected {name!r} for service {contract.name!r} to be {_words(wanted)}, but "
                    f"{_title(source.element)} gives {_words(source.types)}."
                )


def json_types(description: Mapping[str, Any], schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a property of a JSON Schema may have."""
    if "$ref" in description:
        target = schema.get("$defs", {}).get(str(description["$ref"]).rsplit("/", 1)[-1], {})
        return json_types(target, schema)
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in description:
            return frozenset().union(*(json_types(option, schema) for option in description[alternatives]))
    if "type" in description:
        written = description["type"]
        return frozenset([written] if isinstance(written, str) else written)
    return EVERY_TYPE


def _given(process: Process, registry: Registry) -> dict[str, list[Given]]:
    """What the elements of a process are known to give, by variable."""
    found: dict[str, list[Given]] = {}
    for element in process.elements.values():
        for name, types in _outputs(process, element, registry):
            found.setdefault(name, []).append(Given(element, types))
    return found


def _outputs(process: Process, element: Element, registry: Registry) -> Iterator[tuple[str, frozenset[str] | None]]:
    for mapping in element.outputs:
        yield mapping.target, None
    # Camunda 8 hands on only what an output mapping names, once there is one.
    if element.outputs and process.dialect is Dialect.CAMUNDA_8:
        return
    if element.script is not None and element.script.result_variable:
        yield element.script.result_variable, None
    if element.called_decision is not None:
        yield element.called_decision.result_variable, None
    contract = _contract(element, registry)
    if contract is not None:
        schema = contract.output_schema()
        for name, description in schema.get("properties", {}).items():
            yield name, json_types(description, schema)


def _contract(element: Element, registry: Registry) -> ServiceContract | None:
    if element.job is None or not isinstance(element.job.type, Literal):
        return None
    return registry.get(str(element.job.type.value))


def _upstream(process: Process, element: Element) -> set[str] | None:
    """The elements that may have been completed when `element` is reached; None means any of them."""
    if element.for_compensation:
        return None
    seen: set[str] = set()
    open_ids = list(_before(process, element))
    while open_ids:
        current = process.elements.get(open_ids.pop())
        if current is None or current.id in seen:
            continue
        seen.add(current.id)
        if current.type is ElementType.EVENT_SUB_PROCESS or any(
            event.kind is EventKind.COMPENSATION for event in current.events
        ):
            return None  # entered from anywhere in its scope; or after handlers that ran out of order
        open_ids.extend(_before(process, current))
        if current.type in SCOPES and not _contains(process, current, element):
            open_ids.extend(other.id for other in process.elements.values() if other.scope == current.id)
    return seen


def _before(process: Process, element: Element) -> Iterator[str]:
    for flow in element.incoming:
        if flow in process.flows:
            yield process.flows[flow].source
    if element.attached_to is not None:
        yield element.attached_to
    elif not element.incoming and element.scope != process.id:
        yield element.scope


def _contains(process: Process, scope: Element, element: Element) -> bool:
    inside: Element | None = element
    while inside is not None:
        if inside.scope == scope.id:
            return True
        inside = process.elements.get(inside.scope)
    return False


def _fits(given: frozenset[str], wanted: frozenset[str]) -> bool:
    # pydantic reads numbers from text (Decimal is written as text) and the other way round never.
    if wanted & NUMBERS and given & (NUMBERS | {"string"}):
        return True
    return bool(given & wanted)


def _words(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))


def _title(element: Element) -> str:
    return repr(element.name or element.id)
