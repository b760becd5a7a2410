"""Checks the part of the file that says how the diagram looks (BPMN 2.0 §12, Diagram Interchange)."""

from __future__ import annotations

from bpmn.reading.nodes import DIAGRAM_NS, Node, attribute
from bpmn.reading.source import Source

SHAPE = f"{{{DIAGRAM_NS}}}BPMNShape"
BOUNDS = "{http://www.omg.org/spec/DD/20100524/DC}Bounds"
MEASURES = ("x", "y", "width", "height")


def check_drawing(source: Source) -> None:
    """Each shape has a place: four numbers (Camunda 7 refuses it otherwise)."""
    for shape in source.root.iter(SHAPE):
        for bounds in shape.iter(BOUNDS):
            wrong = [name for name in MEASURES if not _is_number(bounds, name)]
            if wrong:
                element = source.nodes.get(attribute(shape, "bpmnElement") or "")
                found = f"{', '.join(wrong)} of its bounds is none"
                source.error(element, f"Expected numbers for the place of the shape, but {found}.")


def _is_number(bounds: Node, name: str) -> bool:
    try:
        float(bounds.get(name) or "")
    except ValueError:
        return False
    return True
