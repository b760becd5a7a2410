"""Writes BPMN tersely, for tests."""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from bpmn.model import Element, Model
from bpmn.parser import read
from bpmn.problems import Severity

NAMESPACES = {
    "xmlns": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "xmlns:bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "xmlns:zeebe": "http://camunda.org/schema/zeebe/1.0",
    "xmlns:camunda": "http://camunda.org/schema/1.0/bpmn",
    "xmlns:activiti": "http://activiti.org/bpmn",
    "xmlns:modeler": "http://camunda.org/schema/modeler/1.0",
    "xmlns:tns": "shop",
    "targetNamespace": "shop",
}
CAMUNDA_7, CAMUNDA_8 = "Camunda Platform", "Camunda Cloud"
DIAGRAM = '<bpmndi:BPMNDiagram id="Diagram"/>'


def el(tag: str, *kids: str, **attributes: object) -> str:
    """An element; `camunda__class` stands for `camunda:class`, a trailing underscore is cut off."""
    named = {name.rstrip("_").replace("__", ":"): str(value) for name, value in attributes.items()}
    written = "".join(f" {name}={quoteattr(value)}" for name, value in named.items())
    return f"<{tag}{written}>{''.join(kids)}</{tag}>"


def text(tag: str, content: str, **attributes: object) -> str:
    return el(tag, escape(content), **attributes)


def ext(*kids: str) -> str:
    return el("extensionElements", *kids)


def start(id: str = "Start", *kids: str, **attributes: object) -> str:
    return el("startEvent", *kids, id=id, **attributes)


def end(id: str = "End", *kids: str, **attributes: object) -> str:
    return el("endEvent", *kids, id=id, **attributes)


def task(id: str, *kids: str, tag: str = "task", **attributes: object) -> str:
    return el(tag, *kids, id=id, **attributes)


def service(id: str, *kids: str, type: str = "do-it", **attributes: object) -> str:
    return el("serviceTask", ext(el("zeebe:taskDefinition", type=type), *kids), id=id, **attributes)


def gateway(kind: str, id: str, **attributes: object) -> str:
    return el(f"{kind}Gateway", id=id, **attributes)


def catch(id: str, *kids: str) -> str:
    return el("intermediateCatchEvent", *kids, id=id)


def throw(id: str, *kids: str) -> str:
    return el("intermediateThrowEvent", *kids, id=id)


def boundary(id: str, on: str, *kids: str, **attributes: object) -> str:
    return el("boundaryEvent", *kids, id=id, attachedToRef=on, **attributes)


def sub(id: str, *kids: str, tag: str = "subProcess", **attributes: object) -> str:
    return el(tag, *kids, id=id, **attributes)


def event_sub(id: str, *kids: str, **attributes: object) -> str:
    return sub(id, *kids, triggeredByEvent="true", **attributes)


def definition(kind: str, *kids: str, **attributes: object) -> str:
    return el(f"{kind}EventDefinition", *kids, **attributes)


def timer(kind: str, written: str) -> str:
    return definition("timer", text(f"time{kind}", written))


def flow(source: str, target: str, condition: str | None = None) -> str:
    kids = [] if condition is None else [text("conditionExpression", condition)]
    return el("sequenceFlow", *kids, id=f"{source}_{target}", sourceRef=source, targetRef=target)


def flows(*paths: str) -> str:
    """Sequence flows along `A > B > C`."""
    written = []
    for path in paths:
        ids = [id.strip() for id in path.split(">")]
        written += [flow(source, target) for source, target in pairwise(ids)]
    return "".join(written)


def association(source: str, target: str) -> str:
    return el("association", id=f"{source}-{target}", sourceRef=source, targetRef=target)


def message(id: str = "Paid", *kids: str, name: str = "paid") -> str:
    return el("message", *kids, id=id, name=name)


def keyed_message(id: str = "Paid", name: str = "paid") -> str:
    return message(id, ext(el("zeebe:subscription", correlationKey="=orderId")), name=name)


def file(*parts: str, platform: str | None = None) -> bytes:
    """A BPMN file with what is given inside its definitions."""
    stated = {} if platform is None else {"modeler__executionPlatform": platform}
    attributes = {**{name.replace(":", "__"): value for name, value in NAMESPACES.items()}, **stated}
    return el("definitions", *parts, DIAGRAM, id="Definitions", **attributes).encode()


def diagram(*parts: str, before: str = "", platform: str | None = None, **attributes: object) -> bytes:
    """A file with one executable process `P`."""
    return file(before, el("process", *parts, **{"id": "P", "isExecutable": "true", **attributes}), platform=platform)


def around(activity: str, **more: str) -> bytes:
    """A process of one activity `A` between start and end."""
    return diagram(start(), activity, end(), flows("Start > A > End"), **more)


def model_of(content: bytes) -> Model:
    """The model, which must have no errors."""
    model, problems = read(content, "shop.bpmn")
    assert model is not None, [str(problem) for problem in problems]
    return model


def element(content: bytes, id: str = "A") -> Element:
    """One element of the file's first process, which must have no errors."""
    return model_of(content).processes[0].elements[id]


def found(content: bytes, severity: Severity) -> dict[str | None, str]:
    """The messages of one severity by element id; several on one element are joined by a line break."""
    messages: dict[str | None, list[str]] = {}
    for problem in read(content, "shop.bpmn")[1]:
        if problem.severity is severity:
            messages.setdefault(problem.element_id, []).append(problem.message)
    return {id: "\n".join(lines) for id, lines in messages.items()}


def errors(content: bytes) -> dict[str | None, str]:
    return found(content, Severity.ERROR)


def warnings(content: bytes) -> dict[str | None, str]:
    """The warnings of a file that deploys."""
    assert errors(content) == {}
    return found(content, Severity.WARNING)
