"""Brings the XML into one form before it is read, so that nobody after it meets the variants.

Legacy namespaces become Camunda's, prefixed references lose their prefix, referenced event definitions are put where
they are used, every flow node and sequence flow has an id, and `isExecutable` is written out.
"""

from __future__ import annotations

from copy import deepcopy

from bpmn.reading.nodes import (
    BPMN,
    CAMUNDA,
    LEGACY_NS,
    NOT_FLOW_NODES,
    SCOPE_TAGS,
    Node,
    attribute,
    descendants,
    local_name,
    namespace,
    text,
)

REFERENCES = frozenset({
    "sourceRef", "targetRef", "attachedToRef", "default", "messageRef", "signalRef", "errorRef", "escalationRef",
    "activityRef", "processRef", "calledElement", "operationRef",
})
"""Attributes that hold a QName (BPMN 2.0, XML schema)."""
REFERENCE_ELEMENTS = frozenset(BPMN + name for name in ("incoming", "outgoing", "eventDefinitionRef", "flowNodeRef"))
UNNAMED = NOT_FLOW_NODES - {BPMN + "sequenceFlow"}


def normalise(root: Node) -> None:
    """Bring the whole document into the one form, in place."""
    nodes = list(descendants(root))
    for node in nodes:
        _rename_legacy(node)
    known = {node.get("id") for node in nodes}
    for node in nodes:
        _strip_prefixes(node, known)
    _inline_event_definitions(nodes)
    _give_ids(root)
    for process in root.iterchildren(BPMN + "process"):
        # BPMN 2.0 §10.3.1 and both Camunda engines: what does not say that it is executable is not.
        process.set("isExecutable", "true" if attribute(process, "isExecutable") in ("true", "1") else "false")


def _rename_legacy(node: Node) -> None:
    if namespace(node) in LEGACY_NS:
        node.tag = CAMUNDA + local_name(node)
    for name in list(node.attrib):
        uri, _, local = str(name)[1:].rpartition("}")
        if uri in LEGACY_NS:
            value = node.attrib.pop(name)
            if node.get(CAMUNDA + local) is None:
                node.set(CAMUNDA + local, value)


def _strip_prefixes(node: Node, known: set[str | None]) -> None:
    for name, value in list(node.attrib.items()):
        if str(name) in REFERENCES:
            node.set(name, _without_prefix(node, str(value), known))
    if node.tag in REFERENCE_ELEMENTS and node.text and ":" in node.text:
        node.text = _without_prefix(node, node.text, known)


def _without_prefix(node: Node, value: str, known: set[str | None]) -> str:
    prefix, colon, name = value.strip().partition(":")
    is_qname = bool(colon) and value.strip() not in known and prefix in node.nsmap
    return name if is_qname else value


def _inline_event_definitions(nodes: list[Node]) -> None:
    """Replace each `eventDefinitionRef` by the event definition it names (BPMN 2.0 §10.5.1)."""
    shared = {
        node.get("id"): node for node in nodes
        if node.tag.endswith("EventDefinition") and (parent := node.getparent()) is not None
        and parent.tag == BPMN + "definitions"
    }
    for node in nodes:
        if node.tag == BPMN + "eventDefinitionRef" and (definition := shared.get(text(node))) is not None:
            copy = deepcopy(definition)
            # Ids are unique: the copy is nobody's target.
            if "id" in copy.attrib:
                del copy.attrib["id"]
            parent = node.getparent()
            if parent is not None:
                parent.replace(node, copy)


def _give_ids(root: Node) -> None:
    """Give an id to each child of a process or sub-process that lacks one: the same each time the file is read."""
    taken = {node.get("id") for node in descendants(root)}
    for scope in list(root.iter(*SCOPE_TAGS)):
        counts: dict[str, int] = {}
        for node in scope:
            if not isinstance(node.tag, str) or node.tag in UNNAMED:
                continue
            name = local_name(node)
            counts[name] = counts.get(name, 0) + 1
            if attribute(node, "id") is None:
                node.set("id", _free(f"{scope.get('id') or 'process'}_{name}_{counts[name]}", taken))


def _free(wanted: str, taken: set[str | None]) -> str:
    while wanted in taken:
        wanted += "_"
    taken.add(wanted)
    return wanted


