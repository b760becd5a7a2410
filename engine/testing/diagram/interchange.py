"""Reads where everything stands in a diagram (BPMN 2.0 §12, Diagram Interchange)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bpmn.reading.document import load
from bpmn.reading.nodes import BPMN, DIAGRAM_NS, Node, attribute, descendants, elements, identifier, local_name

DI = f"{{{DIAGRAM_NS}}}"
BOUNDS = "{http://www.omg.org/spec/DD/20100524/DC}Bounds"
WAYPOINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
FARTHEST = 1_000_000.0
"""A place farther out than this is a mistake, and would make the picture useless."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A node of the diagram. `kind` is the name of its BPMN element, `node` the element itself."""

    id: str
    kind: str
    name: str
    node: Node
    box: Box
    label: Box | None
    expanded: bool
    horizontal: bool
    marked: bool
    """An exclusive gateway shows its cross."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line of the diagram. `source` and `default` are those of a sequence flow."""

    id: str
    kind: str
    name: str
    node: Node
    points: tuple[Point, ...]
    label: Box | None
    source: Node | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture: the diagram of a file, or of a collapsed sub-process."""

    name: str
    shapes: tuple[Shape, ...]
    edges: tuple[Edge, ...]


def planes(content: bytes) -> list[Plane]:
    """The pictures in a BPMN file; what has no usable place is left out.

    Raises `bpmn.reading.document.Unreadable`.
    """
    root = load(content)
    nodes = {identifier(node): node for node in descendants(root) if not node.tag.startswith(DI)}
    nodes.pop("", None)
    found = []
    for plane in root.iter(f"{DI}BPMNPlane"):
        shown = nodes.get(attribute(plane, "bpmnElement") or "")
        shapes = tuple(filter(None, (_shape(node, nodes) for node in plane.iter(f"{DI}BPMNShape"))))
        edges = tuple(filter(None, (_edge(node, nodes) for node in plane.iter(f"{DI}BPMNEdge"))))
        if shapes:
            found.append(Plane(_name(shown), shapes, edges))
    return found


def event_definitions(node: Node) -> list[str]:
    """The kinds of event that an event is about: "timer", "message" and so on."""
    return [local_name(child).removesuffix("EventDefinition") for child in elements(node)
            if local_name(child).endswith("EventDefinition")]


def has(node: Node, name: str) -> bool:
    """Whether a BPMN element has a child of this kind."""
    return node.find(BPMN + name) is not None


def _shape(node: Node, nodes: Mapping[str, Node]) -> Shape | None:
    shown = nodes.get(attribute(node, "bpmnElement") or "")
    box = _box(node.find(BOUNDS))
    if shown is None or box is None:
        return None
    return Shape(
        id=identifier(shown), kind=local_name(shown), name=_name(shown), node=shown, box=box, label=_label(node),
        expanded=attribute(node, "isExpanded") == "true", horizontal=attribute(node, "isHorizontal") != "false",
        marked=attribute(node, "isMarkerVisible") == "true")


def _edge(node: Node, nodes: Mapping[str, Node]) -> Edge | None:
    shown = nodes.get(attribute(node, "bpmnElement") or "")
    points = tuple(filter(None, (_point(point) for point in node.iter(WAYPOINT))))
    if shown is None or len(points) < 2:
        return None
    source = nodes.get(attribute(shown, "sourceRef") or "") if local_name(shown) == "sequenceFlow" else None
    return Edge(id=identifier(shown), kind=local_name(shown), name=_name(shown), node=shown, points=points,
                label=_label(node), source=source,
                is_default=source is not None and attribute(source, "default") == identifier(shown))


def _label(node: Node) -> Box | None:
    label = node.find(f"{DI}BPMNLabel")
    return None if label is None else _box(label.find(BOUNDS))


def _box(node: Node | None) -> Box | None:
    if node is None:
        return None
    x, y, width, height = (_number(node, name) for name in ("x", "y", "width", "height"))
    if x is None or y is None or not width or not height or width < 0 or height < 0:
        return None
    return Box(x, y, width, height)


def _point(node: Node) -> Point | None:
    x, y = _number(node, "x"), _number(node, "y")
    return None if x is None or y is None else (x, y)


def _number(node: Node, name: str) -> float | None:
    try:
        number = float(node.get(name) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= FARTHEST else None


def _name(node: Node | None) -> str:
    if node is None:
        return ""
    if local_name(node) == "textAnnotation":
        text = node.find(BPMN + "text")
        return "".join(_texts(text)).strip() if text is not None else ""
    if local_name(node) == "group":
        return ""
    return attribute(node, "name") or ""


def _texts(node: Node) -> Iterator[str]:
    return (str(part) for part in node.itertext())
