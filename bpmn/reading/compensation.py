"""Finds the compensation handler of each activity.

An association ties a compensation boundary event to the activity that undoes the work (BPMN 2.0 §10.7). Modelers put
it into either scope, and draw it in either direction, so the whole document is searched.
"""

from __future__ import annotations

from bpmn.reading.nodes import BPMN, Node, attribute, child, flag, identifier
from bpmn.reading.source import Source


def read_handlers(source: Source) -> dict[str, str]:
    """Activity id → id of its compensation handler."""
    handlers: dict[str, str] = {}
    for association in source.root.iter(BPMN + "association"):
        ends = [source.nodes.get(attribute(association, name) or "") for name in ("sourceRef", "targetRef")]
        for event, handler in (ends, ends[::-1]):
            if event is not None and handler is not None and _compensates(event) and flag(handler, "isForCompensation"):
                _note(event, handler, handlers, source)
    return handlers


def _compensates(node: Node) -> bool:
    return node.tag == BPMN + "boundaryEvent" and child(node, BPMN + "compensateEventDefinition") is not None


def _note(event: Node, handler: Node, handlers: dict[str, str], source: Source) -> None:
    activity = attribute(event, "attachedToRef")
    if activity is None:
        return
    known = handlers.setdefault(activity, identifier(handler))
    if known != identifier(handler):
        source.error(
            source.nodes.get(activity, event),
            f"Expected one compensation handler, but there are two: {known!r} and {identifier(handler)!r}.",
        )
