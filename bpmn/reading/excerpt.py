"""A BPMN file without some of its processes: for whoever may see the others only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from lxml import etree

from bpmn.reading.document import load
from bpmn.reading.nodes import BPMN, DIAGRAM_NS, Node, child, descendants, elements

_DIAGRAM = f"{{{DIAGRAM_NS}}}"
_WORD = re.compile(r"[\w.\-]+")
_ENDS = ("sourceRef", "targetRef")
_TIES = (BPMN + "messageFlow", BPMN + "association")
_KEPT = (*(BPMN + name for name in ("process", "collaboration", "extensionElements", "import")),
         _DIAGRAM + "BPMNDiagram")
"""What stands in a file by itself; everything else there is there for whoever refers to it."""


def without(content: bytes, hidden: Collection[str]) -> bytes:
    """The file without these processes (by id), and without whatever is there for them alone: pools, message flows,
    shapes, messages and errors that nobody else names, and comments, of which nobody knows whose they are.

    Raises `bpmn.reading.document.Unreadable`.
    """
    root = load(content)
    gone: set[str] = set()
    for process in root.findall(BPMN + "process"):
        if process.get("id") in hidden:
            _take_out(process, gone)
    for collaboration in root.findall(BPMN + "collaboration"):
        _take_out_of(collaboration, hidden, gone)
    _take_out_what_nobody_names(root, gone)
    _take_out_shapes(root, gone)
    for comment in list(root.iter(etree.Comment)):
        _drop(comment)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="utf-8")


def _take_out(node: Node, gone: set[str]) -> None:
    gone.update(filter(None, (each.get("id") for each in descendants(node))))
    _drop(node)


def _drop(node: Node) -> None:
    parent = node.getparent()
    if parent is not None:
        node.tail = None
        parent.remove(node)


def _take_out_of(collaboration: Node, hidden: Collection[str], gone: set[str]) -> None:
    """The pools of hidden processes, and all that leads to something that is gone."""
    for node in collaboration.findall(BPMN + "participant"):
        if _local(node.get("processRef")) in hidden:
            _take_out(node, gone)
    # A pool without a process and a note belong to what they are tied to.
    loose = {node.get("id"): node for node in elements(collaboration) if node.tag == BPMN + "textAnnotation" or (
        node.tag == BPMN + "participant" and not node.get("processRef"))}
    tied: set[str] = set()
    for node in list(elements(collaboration)):
        ends = {_local(node.get(name)) for name in _ENDS} if node.tag in _TIES else set()
        if ends & gone:
            _take_out(node, gone)
            tied |= ends
    left = {_local(node.get(name)) for node in elements(collaboration) for name in _ENDS}
    for id, node in loose.items():
        if id in tied - left:
            _take_out(node, gone)


def _take_out_what_nobody_names(root: Node, gone: set[str]) -> None:
    while True:
        named = set(_names_in(root))
        unnamed = [node for node in elements(root) if node.tag not in _KEPT
                   and not any(each.get("id") in named for each in descendants(node))]
        if not unnamed:
            return
        for node in unnamed:
            _take_out(node, gone)


def _names_in(root: Node) -> Iterable[str]:
    """Every word of an attribute or a text that could be a reference to something at the top of the file."""
    for node in descendants(root):
        for name, value in node.attrib.items():
            if name != "id":
                yield from _WORD.findall(str(value))
        if node.text:
            yield from _WORD.findall(node.text)


def _take_out_shapes(root: Node, gone: set[str]) -> None:
    for diagram in root.findall(_DIAGRAM + "BPMNDiagram"):
        plane = child(diagram, _DIAGRAM + "BPMNPlane")
        if plane is None:
            continue
        if _local(plane.get("bpmnElement")) in gone:
            _drop(diagram)
            continue
        for shape in list(elements(plane)):
            if _local(shape.get("bpmnElement")) in gone:
                _drop(shape)


def _local(reference: str | None) -> str:
    return (reference or "").rpartition(":")[2]
