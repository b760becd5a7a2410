"""Draws lines: sequence flows, message flows, associations."""

from __future__ import annotations

import math
from itertools import pairwise

from bpmn.reading.nodes import BPMN, local_name
from engine.testing.diagram import lettering
from engine.testing.diagram.interchange import Edge, Point

STYLES = {
    "sequenceFlow": "flow", "messageFlow": "flow message", "association": "flow loose",
    "dataInputAssociation": "flow loose", "dataOutputAssociation": "flow loose",
}


def draw(edge: Edge) -> str:
    """SVG of a line with its ends."""
    points = edge.points
    line = "L".join(f"{x:g} {y:g}" for x, y in points)
    parts = [f'<path class="{STYLES.get(edge.kind, "flow")}" d="M{line}"/>']
    if edge.kind == "sequenceFlow":
        parts.append(_head(points, "head"))
        parts.append(_beginning(edge))
    elif edge.kind == "messageFlow":
        parts.append(f'<circle class="tail" cx="{points[0][0]:g}" cy="{points[0][1]:g}" r="4"/>')
        parts.append(_head(points, "open"))
    elif edge.kind != "association" or edge.node.get("associationDirection") in ("One", "Both"):
        parts.append(_barbs(points))
    return "".join(parts)


def label(edge: Edge) -> str:
    """SVG of the name of a line."""
    if not edge.name:
        return ""
    if edge.label is not None:
        return lettering.outside(edge.name, edge.label.middle[0], edge.label.y, edge.label.width)
    x, y = _middle(edge.points)
    return lettering.outside(edge.name, x, y + 4)


def _beginning(edge: Edge) -> str:
    """The stroke of a default flow, or the diamond of a condition at an activity (BPMN 2.0 §13.3.1)."""
    start, direction = edge.points[0], _direction(edge.points[0], edge.points[1])
    if edge.is_default:
        x, y = _along(start, direction, 10)
        dx, dy = _turned(direction, 50)
        return f'<path class="flow" d="M{x - 6 * dx:.1f} {y - 6 * dy:.1f}L{x + 6 * dx:.1f} {y + 6 * dy:.1f}"/>'
    from_gateway = edge.source is not None and local_name(edge.source).endswith("Gateway")
    if edge.node.find(BPMN + "conditionExpression") is None or from_gateway:
        return ""
    side = (-direction[1] * 5, direction[0] * 5)
    (mx, my), (ex, ey) = _along(start, direction, 8), _along(start, direction, 16)
    return (f'<path class="tail" d="M{start[0]:.1f} {start[1]:.1f}L{mx + side[0]:.1f} {my + side[1]:.1f}'
            f'L{ex:.1f} {ey:.1f}L{mx - side[0]:.1f} {my - side[1]:.1f}Z"/>')


def _head(points: tuple[Point, ...], style: str) -> str:
    tip, (dx, dy) = points[-1], _direction(points[-2], points[-1])
    x, y = _along(tip, (dx, dy), -11)
    return (f'<path class="{style}" d="M{tip[0]:.1f} {tip[1]:.1f}L{x - dy * 5:.1f} {y + dx * 5:.1f}'
            f'L{x + dy * 5:.1f} {y - dx * 5:.1f}Z"/>')


def _barbs(points: tuple[Point, ...]) -> str:
    tip, (dx, dy) = points[-1], _direction(points[-2], points[-1])
    x, y = _along(tip, (dx, dy), -8)
    return (f'<path class="flow" d="M{x - dy * 5:.1f} {y + dx * 5:.1f}L{tip[0]:.1f} {tip[1]:.1f}'
            f'L{x + dy * 5:.1f} {y - dx * 5:.1f}"/>')


def _middle(points: tuple[Point, ...]) -> Point:
    lengths = [math.dist(one, other) for one, other in pairwise(points)]
    rest = sum(lengths) / 2
    for place, length in enumerate(lengths):
        if rest <= length:
            return _along(points[place], _direction(points[place], points[place + 1]), rest)
        rest -= length
    return points[-1]


def _direction(start: Point, end: Point) -> Point:
    length = math.dist(start, end) or 1.0
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length


def _along(point: Point, direction: Point, by: float) -> Point:
    return point[0] + direction[0] * by, point[1] + direction[1] * by


def _turned(direction: Point, degrees: float) -> Point:
    angle = math.radians(degrees)
    x, y = direction
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)
