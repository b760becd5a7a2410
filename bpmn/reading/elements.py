"""Reads flow nodes and sequence flows (BPMN 2.0 §10.3 to §10.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from bpmn import camunda, zeebe
from bpmn.expressions import Expression
from bpmn.model import Dialect, Element, ElementType, Flow, UserTaskDefinition
from bpmn.reading.events import read_events
from bpmn.reading.fields import ElementFields
from bpmn.reading.loops import read_loop
from bpmn.reading.nodes import (
    BPMN,
    BPMN_NS,
    NOT_FLOW_NODES,
    SCOPE_TAGS,
    Node,
    attribute,
    child,
    descendants,
    flag,
    identifier,
    local_name,
    namespace,
    text,
)
from bpmn.reading.source import Source
from bpmn.wording import quoted

TYPES: Mapping[str, ElementType] = {
    "subProcess": ElementType.SUB_PROCESS,
    "adHocSubProcess": ElementType.AD_HOC_SUB_PROCESS,
    "transaction": ElementType.TRANSACTION,
    "startEvent": ElementType.START_EVENT,
    "intermediateCatchEvent": ElementType.INTERMEDIATE_CATCH_EVENT,
    "intermediateThrowEvent": ElementType.INTERMEDIATE_THROW_EVENT,
    "boundaryEvent": ElementType.BOUNDARY_EVENT,
    "endEvent": ElementType.END_EVENT,
    "task": ElementType.TASK,
    "manualTask": ElementType.MANUAL_TASK,
    "serviceTask": ElementType.SERVICE_TASK,
    "sendTask": ElementType.SEND_TASK,
    "receiveTask": ElementType.RECEIVE_TASK,
    "userTask": ElementType.USER_TASK,
    "scriptTask": ElementType.SCRIPT_TASK,
    "businessRuleTask": ElementType.BUSINESS_RULE_TASK,
    "callActivity": ElementType.CALL_ACTIVITY,
    "exclusiveGateway": ElementType.EXCLUSIVE_GATEWAY,
    "parallelGateway": ElementType.PARALLEL_GATEWAY,
    "inclusiveGateway": ElementType.INCLUSIVE_GATEWAY,
    "eventBasedGateway": ElementType.EVENT_BASED_GATEWAY,
}
UNSUPPORTED: Mapping[str, str] = {
    "complexGateway": "complex gateways; use exclusive, inclusive or parallel gateways",
    "choreographyTask": "choreographies",
    "subChoreography": "choreographies",
    "callChoreography": "choreographies",
    "event": "abstract events",
    "implicitThrowEvent": "implicit throw events",
}
"""Flow nodes of BPMN that no Camunda engine runs."""
BEHAVIOUR = frozenset({"job", "script", "called_process", "called_decision"})
"""Fields that say what an activity does."""
EVENT_TYPES = frozenset(kind for name, kind in TYPES.items() if name.endswith("Event")) | {ElementType.RECEIVE_TASK}


def read_flows(process: Node, source: Source) -> dict[str, Flow]:
    """Every sequence flow of a process at every depth, in XML order."""
    flows: dict[str, Flow] = {}
    for node in _inside_scopes(process):
        if node.tag != BPMN + "sequenceFlow":
            continue
        flow = Flow(
            id=identifier(node),
            source=attribute(node, "sourceRef") or "",
            target=attribute(node, "targetRef") or "",
            condition=source.condition(child(node, BPMN + "conditionExpression"), "the condition"),
            name=attribute(node, "name"),
            listeners=camunda.read_listeners(node, source, "take") if source.reads(Dialect.CAMUNDA_7) else (),
        )
        flows.setdefault(flow.id, flow)
    return flows


def read_elements(
    process: Node, flows: Mapping[str, Flow], handlers: Mapping[str, str], source: Source
) -> dict[str, Element]:
    """Every flow node of a process at every depth, in XML order.

    `handlers` names the compensation handler of each activity that has one.
    """
    incoming: dict[str, list[str]] = {}
    outgoing: dict[str, list[str]] = {}
    for flow in flows.values():
        outgoing.setdefault(flow.source, []).append(flow.id)
        incoming.setdefault(flow.target, []).append(flow.id)
    found: dict[str, Element] = {}
    refused: set[str] = set()
    for node in _inside_scopes(process):
        if node.tag in NOT_FLOW_NODES:
            continue
        type = TYPES.get(local_name(node)) if namespace(node) == BPMN_NS else None
        if type is None:
            id = identifier(node)
            refused.add(id)
            _refuse(node, id in incoming or id in outgoing, source)
            continue
        element = _read_element(node, type, flows, incoming, outgoing, handlers, source)
        found.setdefault(element.id, element)
    _check_ends(flows, refused | found.keys(), source)
    return found


def _check_ends(flows: Mapping[str, Flow], places: Set[str], source: Source) -> None:
    """A sequence flow leads from a flow node of its process to another (BPMN 2.0 §10.6.1)."""
    for flow in flows.values():
        for end, id in (("begin", flow.source), ("end", flow.target)):
            if id not in places:
                found = _other_end(id, source) if id else f"it has no {end}"
                source.error(source.nodes[flow.id], f"Expected the sequence flow to {end} at an element, but {found}.")


def _other_end(id: str, source: Source) -> str:
    node = source.nodes.get(id)
    return f"there is no element {quoted(id)}" if node is None else f"{quoted(id)} is none of this process"


def _inside_scopes(process: Node) -> Iterator[Node]:
    """Whatever stands where flow nodes and sequence flows may stand, in XML order."""
    for node in descendants(process):
        parent = node.getparent()
        if node is not process and parent is not None and parent.tag in SCOPE_TAGS:
            yield node


def _refuse(node: Node, is_connected: bool, source: Source) -> None:
    """An element that is no flow node we run: an error where a token could come to it."""
    name = local_name(node)
    if name in UNSUPPORTED:
        source.error(node, f"Expected a supported element, but {name} is not one: there are no {UNSUPPORTED[name]}.")
    elif is_connected:
        source.error(node, f"Expected a BPMN element, but <{name}> is not one, and sequence flows lead to or from it.")
    else:
        source.warn(node, f"<{name}> is not a known BPMN element. It is ignored.")


def _read_element(
    node: Node,
    type: ElementType,
    flows: Mapping[str, Flow],
    incoming: Mapping[str, list[str]],
    outgoing: Mapping[str, list[str]],
    handlers: Mapping[str, str],
    source: Source,
) -> Element:
    id = identifier(node)
    if type is ElementType.SUB_PROCESS and flag(node, "triggeredByEvent"):
        type = ElementType.EVENT_SUB_PROCESS
    fields = _dialect_fields(node, type, source)
    is_event = type in EVENT_TYPES
    return Element(
        id=id,
        type=type,
        scope=identifier(node.getparent()),
        name=attribute(node, "name"),
        documentation=text(child(node, BPMN + "documentation")),
        incoming=tuple(incoming.get(id, ())),
        outgoing=tuple(outgoing.get(id, ())),
        default_flow=attribute(node, "default") or _assumed_default(type, outgoing.get(id, ()), flows, source),
        loop=read_loop(node, source),
        events=read_events(node, type, source, "job" in fields or "script" in fields) if is_event else (),
        parallel_multiple=flag(node, "parallelMultiple"),
        attached_to=attribute(node, "attachedToRef"),
        interrupting=_is_interrupting(node, type, source),
        for_compensation=flag(node, "isForCompensation"),
        compensation_handler=handlers.get(id),
        completion_condition=_ad_hoc_condition(node, type, source),
        cancel_remaining=flag(node, "cancelRemainingInstances", True),
        **fields,
    )


def _assumed_default(
    type: ElementType, outgoing: Sequence[str], flows: Mapping[str, Flow], source: Source
) -> str | None:
    """Of several flows out of an exclusive gateway the only one without condition is the default.

    Camunda 7 does so (manual, "Exclusive Gateway"); Camunda 8 refuses the file.
    """
    is_strict = source.stated and source.dialect is Dialect.CAMUNDA_8
    if type is not ElementType.EXCLUSIVE_GATEWAY or len(outgoing) < 2 or is_strict:
        return None
    unconditional = [id for id in outgoing if flows[id].condition is None]
    return unconditional[0] if len(unconditional) == 1 else None


def _dialect_fields(node: Node, type: ElementType, source: Source) -> ElementFields:
    fields = ElementFields()
    if source.reads(Dialect.CAMUNDA_8):
        fields.update(zeebe.read_element(node, type, source))
    if source.reads(Dialect.CAMUNDA_7):
        # Where a file mixes the dialects, Camunda 8's word counts.
        has_behaviour = not BEHAVIOUR.isdisjoint(fields)
        found = fields.get("user_task")
        if found is not None and replace(found, job_based=False) == UserTaskDefinition():
            del fields["user_task"]
        other = camunda.read_element(node, type, source, has_behaviour)
        other.update(fields)
        return other
    return fields


def _is_interrupting(node: Node, type: ElementType, source: Source) -> bool:
    if source.dialect is Dialect.CAMUNDA_7 and child(node, BPMN + "errorEventDefinition") is not None:
        # Camunda 7 does not look at the flag of an error event: it interrupts always.
        return True
    return flag(node, "cancelActivity" if type is ElementType.BOUNDARY_EVENT else "isInterrupting", True)


def _ad_hoc_condition(node: Node, type: ElementType, source: Source) -> Expression | None:
    if type is not ElementType.AD_HOC_SUB_PROCESS:
        return None
    return source.condition(child(node, BPMN + "completionCondition"), "the completion condition")
