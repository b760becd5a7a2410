"""Whether what a service needs is there when its task is reached, and is what it takes.

A process may be started with any variables, so a variable that nothing in the diagram gives is taken to come from
the start. One that a service gives, but only later or with another type, is worth a warning; a value that is written
in the diagram and that the service cannot take is certain to fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bpmn.expressions import Expression, Literal
from bpmn.model import ElementType, EventKind, VariableMapping
from bpmn.problems import Problem
from service_tasks.contract import ServiceContract
from service_tasks.errors import faults_of
from service_tasks.given import Given, given_in, locals_of
from service_tasks.jsontypes import (
    Schema,
    Types,
    entries_of,
    fits,
    json_types,
    path_of,
    resolved,
    types_in_words,
    types_of,
)
from service_tasks.paths import scopes_around, upstream
from service_tasks.use import Use, title


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a service. `spellings` are the names of variables that it is taken from."""

    name: str
    spellings: frozenset[str]
    field: FieldInfo
    description: Schema
    schema: Schema

    @property
    def required(self) -> bool:
        """Whether the service cannot do without."""
        return self.field.is_required()

    @property
    def types(self) -> Types:
        """The JSON types that it takes."""
        return json_types(self.description, self.schema)


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of the variables at one use: which are given where, and which elements come before."""

    given: dict[str, list[Given]]
    before: set[str] | None
    own: frozenset[str]

    def sources(self, name: str, use: Use) -> list[Given]:
        """Where else than at the element itself a variable comes from."""
        return [source for source in self.given.get(name, []) if source.element.id != use.element.id]

    def ready(self, sources: list[Given]) -> list[Given]:
        """Those of `sources` that may have come before."""
        return [source for source in sources if self.before is None or source.element.id in self.before]


def inputs_ready(use: Use) -> Iterator[Problem]:
    """A problem for each input that comes too late, from nowhere, or with a value that the service cannot take."""
    mapped = {mapping.target: mapping for mapping in use.element.inputs}
    outer = {name for scope in scopes_around(use.process, use.element) for name in locals_of(scope)}
    looped = set(locals_of(use.element)) - mapped.keys()
    flow = Flow(given_in(use.model, use.process, use.registry), upstream(use.process, use.element),
                frozenset(outer | looped))
    for wanted in _inputs(use):
        mapping = next((mapped[name] for name in wanted.spellings if name in mapped), None)
        if mapping is not None:
            yield from _mapped(use, wanted, mapping, flow)
        elif not flow.own & wanted.spellings:
            yield from _found(use, wanted, flow, is_mapped=bool(mapped))


def _inputs(use: Use) -> Iterator[Input]:
    schema = _input_schema(use.contract)
    for name, field in use.contract.inputs.model_fields.items():
        alias = field.alias or name
        yield Input(alias, frozenset({alias, name}), field, schema["properties"][alias], schema)


@lru_cache(maxsize=1_000)
def _input_schema(contract: ServiceContract) -> Schema:
    """What pydantic says anew, slowly, whenever it is asked."""
    return contract.input_schema()


def _mapped(use: Use, wanted: Input, mapping: VariableMapping, flow: Flow) -> Iterator[Problem]:
    """The problems of an input that the diagram says the value of."""
    fault = _certain_fault(mapping.source, wanted)
    if fault is not None:
        yield use.error(f"Expected {wanted.name!r} for service {use.contract.name!r} to be "
                        f"{types_in_words(wanted.types)}, but {fault}.")
        return
    for name in sorted(mapping.source.names - flow.own):
        sources = flow.sources(name, use)
        if sources and not flow.ready(sources) and wanted.required:
            yield use.warning(_late(name, f"{wanted.name!r} of service {use.contract.name!r} is computed", sources))
    variable, *inside = path_of(mapping.source) or ("",)
    if variable not in flow.own:
        yield from _ill_typed(use, wanted, variable, tuple(inside), flow.ready(flow.sources(variable, use)))


def _found(use: Use, wanted: Input, flow: Flow, *, is_mapped: bool) -> Iterator[Problem]:
    """The problems of an input that is taken from the variable of its name."""
    sources = [source for name in sorted(wanted.spellings) for source in flow.sources(name, use)]
    ready = flow.ready(sources)
    if sources and not ready and wanted.required:
        yield use.warning(_late(wanted.name, f"service {use.contract.name!r} is called", sources))
    if not sources and wanted.required and (is_mapped or _starts_empty(use)):
        where = "the inputs of the task leave it out and nothing" if is_mapped else "the process is started by a " \
                "timer, without variables, and nothing"
        yield use.warning(f"Expected {wanted.name!r}, which service {use.contract.name!r} needs, to come from "
                          f"somewhere, but {where} in the diagram gives it.")
    yield from _ill_typed(use, wanted, wanted.name, (), ready)


def _late(name: str, purpose: str, sources: list[Given]) -> str:
    return (f"Expected {name!r} to be there when {purpose}, but {title(sources[0].element)}, which gives it, comes "
            f"later or on another path. (It may also be given at the start.)")


def _ill_typed(use: Use, wanted: Input, variable: str, inside: tuple[str, ...],
               ready: list[Given]) -> Iterator[Problem]:
    for source in ready:
        types = source.inside(inside)
        whole = ".".join((variable, *inside))
        if types is not None and not types and inside:
            yield use.warning(f"Expected {whole!r} for {wanted.name!r} of service {use.contract.name!r}, but what "
                              f"{title(source.element)} gives as {variable!r} has no such entry.")
        elif types is not None and not fits(types, wanted.types):
            yield use.warning(f"Expected {whole!r} for service {use.contract.name!r} to be "
                              f"{types_in_words(wanted.types)}, but {title(source.element)} gives "
                              f"{types_in_words(types)}.")


def _certain_fault(source: Expression, wanted: Input) -> str | None:
    """Why a value that the diagram writes out cannot be taken; None if it can, or only the run can tell."""
    if isinstance(source, Literal):
        return _fault_of_value(source.value, wanted)
    types = types_of(source)
    if types is not None and not fits(types, wanted.types):
        return f"the diagram gives {types_in_words(types)}"
    entries = entries_of(source)
    if entries is None or wanted.types != {"object"}:
        return None
    description = resolved(wanted.description, wanted.schema)
    known = _spellings(wanted.field.annotation)
    missing = [name for name in description.get("required", ()) if not entries & {name, known.get(name, name)}]
    return f"the diagram gives it without {', '.join(map(repr, missing))}" if missing else None


def _fault_of_value(value: Any, wanted: Input) -> str | None:
    if value is None and not wanted.required and wanted.field.default is None:
        return None
    try:
        TypeAdapter(wanted.field.rebuild_annotation()).validate_python(value)
    except ValidationError as error:
        said = "nothing" if value is None else repr(value)
        return f"the diagram gives {said} ({faults_of(error)})"
    return None


def _spellings(annotation: Any) -> dict[str, str]:
    """The Python names of a model's fields by the names that diagrams write."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {field.alias: name for name, field in annotation.model_fields.items() if field.alias}


def _starts_empty(use: Use) -> bool:
    """Whether nothing but a timer starts the process."""
    starts = [element for element in use.process.elements.values()
              if element.type is ElementType.START_EVENT and element.scope == use.process.id]
    return bool(starts) and all(event.kind is EventKind.TIMER for start in starts for event in start.events)
