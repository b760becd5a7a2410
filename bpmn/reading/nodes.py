"""How the XML of a BPMN file is looked at: namespaces, children, texts and flags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

Node = etree._Element

BPMN_NS = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM_NS = "http://www.omg.org/spec/BPMN/20100524/DI"
ZEEBE_NS = "http://camunda.org/schema/zeebe/1.0"
CAMUNDA_NS = "http://camunda.org/schema/1.0/bpmn"
MODELER_NS = "http://camunda.org/schema/modeler/1.0"
LEGACY_NS = frozenset({"http://activiti.org/bpmn", "http://www.camunda.com/fox"})
"""What Camunda 7 reads as its own namespace (Camunda 7 manual, "Migrate from Activiti")."""

WHOLE_NUMBER = re.compile(r"[0-9]{1,9}\Z")
DAYS = re.compile(r"(?:P([0-9]{1,9})D|([0-9]{1,9}))\Z")
"""A number of days, bare or as ISO 8601 has it."""

BPMN = f"{{{BPMN_NS}}}"
ZEEBE = f"{{{ZEEBE_NS}}}"
CAMUNDA = f"{{{CAMUNDA_NS}}}"
MODELER = f"{{{MODELER_NS}}}"

SCOPE_TAGS = frozenset(BPMN + name for name in ("process", "subProcess", "transaction", "adHocSubProcess"))
"""Elements that contain flow nodes and sequence flows."""

NOT_FLOW_NODES = frozenset(BPMN + name for name in (
    "sequenceFlow", "incoming", "outgoing", "documentation", "extensionElements", "auditing", "monitoring",
    "ioSpecification", "ioBinding", "property", "dataInputAssociation", "dataOutputAssociation", "dataObject",
    "dataObjectReference", "dataStoreReference", "laneSet", "association", "textAnnotation", "group", "artifact",
    "resourceRole", "performer", "humanPerformer", "potentialOwner", "correlationSubscription", "supports",
    "multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "completionCondition",
))
"""What a process or sub-process may contain beside its flow nodes (BPMN 2.0 §10.2 to §10.8)."""


def local_name(node: Node) -> str:
    """The name of an element without its namespace."""
    return node.tag.rpartition("}")[2]


def namespace(node: Node) -> str:
    """The namespace of an element, empty if it has none."""
    return node.tag[1:].partition("}")[0] if node.tag.startswith("{") else ""


def elements(node: Node) -> Iterator[Node]:
    """The child elements: neither comments nor processing instructions."""
    return (child for child in node if isinstance(child.tag, str))


def descendants(node: Node) -> Iterator[Node]:
    """The element and all elements below it, in document order."""
    return (child for child in node.iter() if isinstance(child.tag, str))


def child(node: Node | None, tag: str) -> Node | None:
    """The first child element with this tag."""
    return None if node is None else node.find(tag)


def attribute(node: Node | None, name: str) -> str | None:
    """An attribute's text without the blanks around it; None if it is absent or empty."""
    if node is None:
        return None
    return (node.get(name) or "").strip() or None


def text(node: Node | None) -> str | None:
    """An element's text without the blanks around it; None if there is none."""
    if node is None:
        return None
    return "".join(str(part) for part in node.itertext()).strip() or None


def flag(node: Node, name: str, default: bool = False) -> bool:
    """A boolean attribute as XML Schema writes it (`true`, `false`, `1`, `0`)."""
    value = attribute(node, name)
    return default if value is None else value in ("true", "1")


def extension(node: Node | None, tag: str) -> Node | None:
    """The first extension element with this tag."""
    return child(child(node, BPMN + "extensionElements"), tag)


def extensions(node: Node, tag: str) -> list[Node]:
    """All extension elements with this tag."""
    inside = child(node, BPMN + "extensionElements")
    return [] if inside is None else inside.findall(tag)


def whole_number(written: str) -> int | None:
    """The number that a text writes in plain digits; None if it is none, or too long to be meant."""
    return int(written) if WHOLE_NUMBER.match(written) else None


def line(node: Node | None) -> int | None:
    """The line of the file on which the element begins."""
    found = None if node is None else node.sourceline
    return found if isinstance(found, int) else None


def identifier(node: Node | None) -> str:
    """The element's id, empty if it has none."""
    return attribute(node, "id") or ""
