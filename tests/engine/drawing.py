"""Draws small processes as Camunda Modeler would write them, for tests."""

from __future__ import annotations

import itertools
import re

from engine.definitions import Resource

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0" '
    'id="definitions" targetNamespace="http://bpmn.io/schema/bpmn" '
    'modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.6.0">'
)


def file(*parts: str, name: str = "test.bpmn") -> Resource:
    """A file of processes and of root elements (messages, errors, signals)."""
    return Resource(name=name, content=f"{HEAD}{''.join(parts)}</bpmn:definitions>".encode())


HEAD_7 = HEAD.replace("zeebe/1.0", "1.0/bpmn").replace("xmlns:zeebe", "xmlns:camunda").replace(
    "Camunda Cloud", "Camunda Platform").replace("8.6.0", "7.21.0")


def file7(*parts: str, name: str = "test.bpmn") -> Resource:
    """A file as Camunda Modeler writes it for Camunda 7: what is drawn has `camunda:` in it, not `zeebe:`."""
    return Resource(name=name, content=f"{HEAD_7}{''.join(parts)}</bpmn:definitions>".encode())


def process(id: str, *nodes: str, flows: str | None = None) -> str:
    """A process. Its nodes follow each other, unless `flows` says how: "a>b b>c"."""
    drawn = inside(*nodes, flows=flows)
    return f'<bpmn:process id="{id}" name="{id.title()}" isExecutable="true">{drawn}</bpmn:process>'


def inside(*nodes: str, flows: str | None = None) -> str:
    """Nodes and the flows between them."""
    ids = [re.search(r'id="([^"]+)"', node)[1] for node in nodes if "boundaryEvent" not in node[:30]]
    pairs = list(itertools.pairwise(ids)) if flows is None else [pair.split(">") for pair in flows.split()]
    drawn = "".join(
        f'<bpmn:sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairs
    )
    return "".join(nodes) + drawn


def start(id: str = "start", event: str = "") -> str:
    return f'<bpmn:startEvent id="{id}">{event}</bpmn:startEvent>'


def end(id: str = "end", event: str = "", reason: str | None = None) -> str:
    code = f'<zeebe:property name="reasonCode" value="{reason}"/>'
    more = _extended(f"<zeebe:properties>{code}</zeebe:properties>" if reason else "")
    return f'<bpmn:endEvent id="{id}">{more}{event}</bpmn:endEvent>'


def service(id: str, type: str | None = None, retries: int | None = None, more: str = "") -> str:
    tries = f' retries="{retries}"' if retries is not None else ""
    task = f'<zeebe:taskDefinition type="{type or id}"{tries}/>'
    return f'<bpmn:serviceTask id="{id}" name="{id}">{_extended(task + more)}</bpmn:serviceTask>'


def script(id: str, expression: str, result: str) -> str:
    inner = _extended(f'<zeebe:script expression="{expression}" resultVariable="{result}"/>')
    return f'<bpmn:scriptTask id="{id}">{inner}</bpmn:scriptTask>'


def user(id: str, assignment: str = "", schedule: str = "") -> str:
    inner = "<zeebe:userTask/>"
    if assignment:
        inner += f"<zeebe:assignmentDefinition {assignment}/>"
    if schedule:
        inner += f"<zeebe:taskSchedule {schedule}/>"
    return f'<bpmn:userTask id="{id}" name="{id}">{_extended(inner)}</bpmn:userTask>'


def call(id: str, process_id: str) -> str:
    inner = _extended(f'<zeebe:calledElement processId="{process_id}" propagateAllChildVariables="true"/>')
    return f'<bpmn:callActivity id="{id}">{inner}</bpmn:callActivity>'


def catch(id: str, event: str) -> str:
    return f'<bpmn:intermediateCatchEvent id="{id}">{event}</bpmn:intermediateCatchEvent>'


def throw(id: str, event: str) -> str:
    return f'<bpmn:intermediateThrowEvent id="{id}">{event}</bpmn:intermediateThrowEvent>'


def boundary(id: str, host: str, event: str, interrupting: bool = True) -> str:
    cancel = "" if interrupting else ' cancelActivity="false"'
    return f'<bpmn:boundaryEvent id="{id}" attachedToRef="{host}"{cancel}>{event}</bpmn:boundaryEvent>'


def timer(kind: str, text: str) -> str:
    return (f'<bpmn:timerEventDefinition><bpmn:time{kind} xsi:type="bpmn:tFormalExpression">{text}'
            f"</bpmn:time{kind}></bpmn:timerEventDefinition>")


def message(ref: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="{ref}"/>'


def signal(ref: str) -> str:
    return f'<bpmn:signalEventDefinition signalRef="{ref}"/>'


def error(ref: str) -> str:
    return f'<bpmn:errorEventDefinition errorRef="{ref}"/>'


def message_of(id: str, name: str, key: str | None = None) -> str:
    inner = _extended(f'<zeebe:subscription correlationKey="{key}"/>') if key else ""
    return f'<bpmn:message id="{id}" name="{name}">{inner}</bpmn:message>'


def signal_of(id: str, name: str) -> str:
    return f'<bpmn:signal id="{id}" name="{name}"/>'


def error_of(id: str, code: str) -> str:
    return f'<bpmn:error id="{id}" name="{code}" errorCode="{code}"/>'


def _extended(inner: str) -> str:
    return f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>" if inner else ""
