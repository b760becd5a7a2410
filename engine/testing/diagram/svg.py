"""Puts a picture together: areas behind, lines over them, nodes over these, names on top."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from engine.testing.diagram import edges, shapes
from engine.testing.diagram.interchange import Box, Edge, Plane, Shape

MARGIN = 20
BADGE_HEIGHT = 16


@dataclass(frozen=True, slots=True)
class Mark:
    """How an element is shown: `style` is a class for the style sheet, `title` is told when it is pointed at, `badge`
    stands at its edge, and `link` leads on."""

    style: str
    title: str = ""
    badge: str = ""
    link: str = ""


Marks = Callable[[str], Mark | None]
"""The mark of an element by its id; None for one that is only drawn."""

STYLE = """
.picture{display:block}
.picture .outline{fill:var(--paper);stroke:var(--line);stroke-width:1.5}
.picture .area{fill:none}
.picture .inner,.picture .line{fill:none;stroke:var(--line);stroke-width:1.5}
.picture .called{stroke-width:4}
.picture .ended{stroke-width:4}
.picture .dashed{stroke-dasharray:5 3}
.picture .dotted{stroke-dasharray:2 3}
.picture .grouped{fill:none;stroke:var(--line);stroke-width:1.5;stroke-dasharray:9 4 2 4}
.picture .sign .line{stroke-width:1.3;stroke-linejoin:round}
.picture .sign .thick{fill:none;stroke:var(--line);stroke-width:2}
.picture .sign .bold{fill:none;stroke:var(--line);stroke-width:3.5}
.picture .sign .full{fill:var(--line);stroke:var(--line);stroke-width:1}
.picture .sign .gap{fill:none;stroke:var(--paper);stroke-width:1.3}
.picture .flow{fill:none;stroke:var(--line);stroke-width:1.7;stroke-linejoin:round}
.picture .message{stroke-dasharray:8 5}
.picture .loose{stroke-dasharray:1 4;stroke-linecap:round}
.picture .head{fill:var(--line);stroke:var(--line)}
.picture .open,.picture .tail{fill:var(--paper);stroke:var(--line);stroke-width:1.5}
.picture .text{fill:var(--ink);font:12px Arial,Helvetica,sans-serif}
.picture .label{font-size:11px;paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
.picture .badge rect{stroke:none}
.picture .badge text{font:bold 11px Arial,Helvetica,sans-serif;fill:var(--paper)}
"""
"""The style sheet of a picture; the page says what --paper, --line and --ink are, also for each style of `Mark`."""


def draw(plane: Plane, marks: Marks) -> str:
    """SVG of a picture, with each element marked."""
    box = _extent(plane)
    inside = "".join(_parts(plane, marks))
    title = escape(plane.name or "Diagram")
    return (f'<svg class="picture" role="group" aria-label="{title}" xmlns="http://www.w3.org/2000/svg" '
            f'width="{box.width:.0f}" height="{box.height:.0f}" '
            f'viewBox="{box.x:.1f} {box.y:.1f} {box.width:.1f} {box.height:.1f}">{inside}</svg>')


def _parts(plane: Plane, marks: Marks) -> Iterator[str]:
    containers = sorted(filter(shapes.is_container, plane.shapes),
                        key=lambda shape: -shape.box.width * shape.box.height)
    others = sorted((shape for shape in plane.shapes if not shapes.is_container(shape)),
                    key=lambda shape: shape.kind == "boundaryEvent")
    for shape in containers:
        yield _marked(shape, shapes.draw(shape), marks)
    # What was not passed is drawn first, so that lines on the same way do not hide what was.
    for edge in sorted(plane.edges, key=lambda edge: getattr(marks(edge.id), "style", "") == "passed"):
        yield _marked(edge, edges.draw(edge), marks)
    for shape in others:
        yield _marked(shape, shapes.draw(shape), marks)
    for edge in plane.edges:
        yield edges.label(edge)
    for shape in plane.shapes:
        yield shapes.label(shape)
    for shape in plane.shapes:
        yield _badge(shape, marks)


def _marked(thing: Shape | Edge, drawn: str, marks: Marks) -> str:
    mark = marks(thing.id)
    if mark is None:
        return f"<g>{drawn}</g>"
    title = f"<title>{escape(mark.title)}</title>" if mark.title else ""
    group = f'<g class="{mark.style}">{title}{drawn}</g>'
    return f'<a href="{escape(mark.link)}" aria-label="{escape(mark.title)}">{group}</a>' if mark.link else group


def _badge(shape: Shape, marks: Marks) -> str:
    mark = marks(shape.id)
    if mark is None or not mark.badge:
        return ""
    width = 8 + 7 * len(mark.badge)
    x, y = shape.box.x + shape.box.width - width / 2 - 2, shape.box.y - BADGE_HEIGHT / 2
    return (f'<g class="badge {mark.style}" aria-hidden="true">'
            f'<rect class="badge" x="{x:.1f}" y="{y:.1f}" width="{width}" height="{BADGE_HEIGHT}" rx="8"/>'
            f'<text x="{x + width / 2:.1f}" y="{y + 12:.1f}" text-anchor="middle">{escape(mark.badge)}</text></g>')


def _extent(plane: Plane) -> Box:
    """The rectangle that holds everything, labels too."""
    boxes = [shape.box for shape in plane.shapes]
    boxes += [shape.label for shape in plane.shapes if shape.label is not None]
    boxes += [edge.label for edge in plane.edges if edge.label is not None]
    points = [point for edge in plane.edges for point in edge.points]
    left = min([box.x for box in boxes] + [x for x, _ in points]) - MARGIN
    top = min([box.y for box in boxes] + [y for _, y in points]) - MARGIN
    right = max([box.x + box.width for box in boxes] + [x for x, _ in points]) + MARGIN
    bottom = max([box.y + box.height for box in boxes] + [y for _, y in points]) + MARGIN + 20
    return Box(left, top, right - left, bottom - top)
