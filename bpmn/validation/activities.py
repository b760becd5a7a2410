"""Rules about what an activity needs in order to be done."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.expressions import Expression
from bpmn.model import GATEWAYS, TASK_EVENTS, Dialect, Element, ElementType, Listener, Model, Process
from bpmn.validation.findings import Finding, doubt, follows
from bpmn.wording import article, quoted, words

WORK = {Dialect.CAMUNDA_8: "a job type (zeebe:taskDefinition)", Dialect.CAMUNDA_7: "an external topic, a class or an "
        "expression"}
EXECUTION_EVENTS = frozenset({"start", "end"})
FLOW_EVENTS = frozenset({"take"})
UNCALLED_EVENTS = frozenset({"timeout", "beforeAll", "cancel"})
"""Events of listeners that one of the Camundas has, and we have not."""
VERSIONED = frozenset({"version", "versionTag"})
BINDINGS = VERSIONED | {"latest", "deployment"}
UNMAPPED = GATEWAYS | {ElementType.START_EVENT, ElementType.BOUNDARY_EVENT, ElementType.EVENT_SUB_PROCESS}


def implementation(process: Process, model: Model) -> Iterator[Finding]:
    """A service-like task says who does it (Camunda 8 and Camunda 7 refuse it otherwise)."""
    for element in process.elements.values():
        if element.job or element.script or element.called_decision:
            continue
        if element.type in (ElementType.SERVICE_TASK, ElementType.SEND_TASK):
            yield _missing(element.id, element.type, WORK[process.dialect])
        elif element.type is ElementType.BUSINESS_RULE_TASK:
            yield _missing(element.id, element.type, f"a decision, or {WORK[process.dialect]}")
        elif element.type is ElementType.SCRIPT_TASK:
            yield _missing(element.id, element.type, "a FEEL expression (zeebe:script)")


def called_process(process: Process, model: Model) -> Iterator[Finding]:
    """A call activity says which process it calls."""
    for element in process.elements.values():
        if element.type is ElementType.CALL_ACTIVITY and element.called_process is None:
            yield _missing(element.id, element.type, "the id of the process to call")


def bindings(process: Process, model: Model) -> Iterator[Finding]:
    """Which version of a process, decision or form is meant (both Camundas' documentation, "Version binding")."""
    for element in process.elements.values():
        for binding, version in _bindings(element):
            if binding not in BINDINGS:
                found = f"it is {quoted(binding)}"
                yield Finding(element.id, f"Expected the binding to be one of {_list(BINDINGS)}, but {found}.")
            elif binding in VERSIONED and version is None:
                yield Finding(element.id, f"Expected a version for the binding {binding!r}, but there is none.")


def _bindings(element: Element) -> Iterator[tuple[str, Expression | None]]:
    for called in (element.called_process, element.called_decision):
        if called is not None:
            yield called.binding, called.version
    for form in (element.start_form, element.user_task.form if element.user_task else None):
        if form is not None:
            yield form.binding, form.version


def awaited_message(process: Process, model: Model) -> Iterator[Finding]:
    """A receive task of Camunda 8 has a message; Camunda 7 lets one wait to be triggered."""
    for element in process.elements.values():
        is_open = element.type is ElementType.RECEIVE_TASK and not element.events
        if is_open and follows(process, model, Dialect.CAMUNDA_8):
            yield _missing(element.id, element.type, "a message")


def _missing(id: str, type: ElementType, what: str) -> Finding:
    return Finding(id, f"Expected the {words(type)} to have {what}, but it has none.")


def loops(process: Process, model: Model) -> Iterator[Finding]:
    """A loop knows how often it goes round."""
    for element in process.elements.values():
        loop = element.loop
        if element.output_collection and element.output_element is None:
            yield Finding(element.id, "Expected an output element for the output collection, but there is none.")
        if loop is None:
            continue
        if loop.multi_instance and loop.collection is None and loop.cardinality is None:
            yield Finding(element.id, "Expected a collection or a number for the multi-instance, but there is neither.")
        if not loop.multi_instance and loop.loop_condition is None and loop.loop_maximum is None:
            yield Finding(element.id, "Expected the loop to have a condition or a maximum, but it has neither.")
        elif not loop.multi_instance:
            theirs = {Dialect.CAMUNDA_7: "Camunda 7 does the activity once", Dialect.CAMUNDA_8: "Camunda 8 refuses it"}
            yield doubt(element.id, f"The loop is run here, but not by Camunda: {theirs[process.dialect]}.")
        if loop.output_collection and loop.output_element is None:
            yield Finding(element.id, "Expected an output element for the output collection, but there is none.")
        if element.type is ElementType.EVENT_SUB_PROCESS:
            yield Finding(element.id, f"Expected {article(words(element.type))} without a loop, but it has one.")


def mappings(process: Process, model: Model) -> Iterator[Finding]:
    """Where Camunda 7 takes no input and output parameters (manual, "Input/Output Variable Mapping")."""
    for element in process.elements.values() if process.dialect is Dialect.CAMUNDA_7 else ():
        if (element.inputs or element.outputs) and element.type in UNMAPPED:
            found = article(words(element.type))
            yield Finding(element.id, f"Expected {found} without inputs and outputs, but it has some.")
        elif element.outputs and element.type is ElementType.END_EVENT:
            yield Finding(element.id, "Expected an end event without outputs, but it has some.")
        elif element.outputs and element.loop is not None and element.loop.multi_instance:
            yield Finding(element.id, "Expected a multi-instance activity without outputs, but it has some.")


def listeners(process: Process, model: Model) -> Iterator[Finding]:
    """A listener is called at an event that exists (both Camundas' documentation, "Execution listeners")."""
    yield from _known(process.id, process.listeners, EXECUTION_EVENTS)
    for flow in process.flows.values():
        yield from _known(flow.id, flow.listeners, FLOW_EVENTS)
        source = process.elements.get(flow.source)
        if flow.listeners and source is not None and source.type is ElementType.EVENT_BASED_GATEWAY:
            yield doubt(flow.id, "The listener is never called: a flow behind an event-based gateway is not taken.")
    for element in process.elements.values():
        more = TASK_EVENTS if element.type is ElementType.USER_TASK else frozenset()
        yield from _known(element.id, element.listeners, EXECUTION_EVENTS | more)


def _known(id: str, listeners: tuple[Listener, ...], known: frozenset[str]) -> Iterator[Finding]:
    for listener in listeners:
        if listener.event in UNCALLED_EVENTS:
            yield doubt(id, f"The listener of the event {listener.event!r} is never called.")
        elif listener.event not in known:
            found = f"it is {quoted(listener.event)}"
            yield Finding(id, f"Expected the event of a listener to be one of {_list(known)}, but {found}.")


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


RULES = (implementation, called_process, bindings, awaited_message, loops, mappings, listeners)
