"""Draws nodes: events, activities, gateways, pools, data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bpmn.reading.nodes import attribute
from engine.testing.diagram import lettering
from engine.testing.diagram.interchange import Box, Shape, event_definitions, has
from engine.testing.diagram.symbols import CATCHING, GATEWAYS, MARKERS, TASKS, THROWING, placed

SUB_PROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
POOLS = frozenset({"participant", "lane"})
HEADER = 30
"""How wide the title of a pool is."""


def is_container(shape: Shape) -> bool:
    """Whether others are drawn inside the shape, so that it has to be drawn before them."""
    return shape.kind in POOLS or shape.kind == "group" or (shape.expanded and _may_contain(shape))


def _may_contain(shape: Shape) -> bool:
    return shape.kind in SUB_PROCESSES or shape.kind == "callActivity"


def draw(shape: Shape) -> str:
    """SVG of a shape with the signs and texts that are inside."""
    return "".join(_DRAWINGS.get(shape.kind, _activity)(shape))


def label(shape: Shape) -> str:
    """SVG of the name of a shape that has it outside; nothing for one that has it inside."""
    if shape.kind not in _LABELLED_OUTSIDE or not shape.name:
        return ""
    if shape.label is not None:
        return lettering.outside(shape.name, shape.label.middle[0], shape.label.y, shape.label.width)
    return lettering.outside(shape.name, shape.box.middle[0], shape.box.y + shape.box.height + 4)


def _rectangle(box: Box, style: str, radius: float = 0) -> str:
    return (f'<rect class="{style}" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
            f'rx="{radius:g}"/>')


def _inner(box: Box, by: float) -> Box:
    return Box(box.x + by, box.y + by, max(box.width - 2 * by, 1), max(box.height - 2 * by, 1))


def _activity(shape: Shape) -> Iterator[str]:
    box = shape.box
    yield _rectangle(box, "outline called" if shape.kind == "callActivity" else "outline", 10)
    sign = TASKS.get(shape.kind)
    if sign is not None:
        yield placed(sign, (box.x + 15, box.y + 15), 0.9)
    if shape.expanded and shape.kind == "callActivity":
        yield lettering.below(shape.name, box.middle[0], box.y + 6, box.width - 14)
    else:
        x, y = box.middle
        yield lettering.centred(shape.name, x, y + (4 if sign is not None else 0), box.width - 14)
    yield from _markers(shape)


def _sub_process(shape: Shape) -> Iterator[str]:
    box = shape.box
    of_event = attribute(shape.node, "triggeredByEvent") == "true"
    yield _rectangle(box, "outline dotted" if of_event else "outline", 10)
    if shape.kind == "transaction":
        yield _rectangle(_inner(box, 3), "inner", 7)
    if shape.expanded:
        yield lettering.below(shape.name, box.x + box.width / 2, box.y + 6, box.width - 14)
    else:
        yield lettering.centred(shape.name, *box.middle, box.width - 14)
    yield from _markers(shape)


def _markers(shape: Shape) -> Iterator[str]:
    found = []
    if shape.kind in SUB_PROCESSES and not shape.expanded:
        found.append("collapsed")
    if has(shape.node, "standardLoopCharacteristics"):
        found.append("loop")
    if has(shape.node, "multiInstanceLoopCharacteristics"):
        loop = shape.node.find("{*}multiInstanceLoopCharacteristics")
        found.append("sequential" if attribute(loop, "isSequential") == "true" else "parallel")
    if attribute(shape.node, "isForCompensation") == "true":
        found.append("compensation")
    if shape.kind == "adHocSubProcess":
        found.append("adHoc")
    x = shape.box.middle[0] - (len(found) - 1) * 10
    y = shape.box.y + shape.box.height - 12
    for place, marker in enumerate(found):
        yield placed(MARKERS[marker], (x + place * 20, y), 0.85)


def _event(shape: Shape) -> Iterator[str]:
    x, y = shape.box.middle
    radius = min(shape.box.width, shape.box.height) / 2
    waits_on = "false" in (attribute(shape.node, "cancelActivity"), attribute(shape.node, "isInterrupting"))
    style = "outline dashed" if waits_on else "outline"
    style += " ended" if shape.kind == "endEvent" else ""
    yield f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'
    if shape.kind not in ("startEvent", "endEvent"):
        yield f'<circle class="inner{" dashed" if waits_on else ""}" cx="{x:g}" cy="{y:g}" r="{max(radius - 3, 1):g}"/>'
    kinds = event_definitions(shape.node)
    if not kinds:
        return
    kind = kinds[0] if len(kinds) == 1 else "multiple"
    if kind == "multiple" and attribute(shape.node, "parallelMultiple") == "true":
        kind = "parallel"
    signs = THROWING if shape.kind in ("endEvent", "intermediateThrowEvent") else CATCHING
    if kind in signs:
        yield placed(signs[kind], (x, y), radius / 18 * (0.95 if kind in ("timer", "terminate") else 0.85))


def _gateway(shape: Shape) -> Iterator[str]:
    box, (x, y) = shape.box, shape.box.middle
    yield (f'<path class="outline" d="M{x:g} {box.y:g}L{box.x + box.width:g} {y:g}L{x:g} {box.y + box.height:g}'
           f'L{box.x:g} {y:g}Z"/>')
    if shape.kind in GATEWAYS and (shape.kind != "exclusiveGateway" or shape.marked):
        yield placed(GATEWAYS[shape.kind], (x, y), min(box.width, box.height) / 50)


def _pool(shape: Shape) -> Iterator[str]:
    box = shape.box
    yield _rectangle(box, "outline area")
    title = Box(box.x, box.y, HEADER, box.height) if shape.horizontal else Box(box.x, box.y, box.width, HEADER)
    is_empty = shape.kind == "participant" and attribute(shape.node, "processRef") is None
    if is_empty:
        yield lettering.centred(shape.name, *box.middle, box.width - 14)
        return
    if shape.kind == "participant":
        yield _rectangle(title, "outline area")
    x, y = title.middle
    if shape.horizontal:
        yield f'<g transform="rotate(-90 {x:g} {y:g})">{lettering.centred(shape.name, x, y, box.height - 8)}</g>'
    else:
        yield lettering.centred(shape.name, x, y, box.width - 8)


def _note(shape: Shape) -> Iterator[str]:
    box = shape.box
    yield f'<path class="line" d="M{box.x + 10:g} {box.y:g}H{box.x:g}V{box.y + box.height:g}H{box.x + 10:g}"/>'
    yield lettering.beside(shape.name, box.x + 6, box.y + 4, max(box.width - 8, 40))


def _data_object(shape: Shape) -> Iterator[str]:
    box = shape.box
    right, fold = box.x + box.width, min(10.0, box.width / 3)
    yield (f'<path class="outline" d="M{box.x:g} {box.y:g}H{right - fold:g}L{right:g} {box.y + fold:g}'
           f'V{box.y + box.height:g}H{box.x:g}ZM{right - fold:g} {box.y:g}V{box.y + fold:g}H{right:g}"/>')


def _data_store(shape: Shape) -> Iterator[str]:
    box, bend = shape.box, shape.box.height / 8
    right, top, bottom = box.x + box.width, box.y + bend, box.y + box.height - bend
    arc = f"{box.width / 2:g} {bend:g} 0 0"
    yield (f'<path class="outline" d="M{box.x:g} {top:g}A{arc} 1 {right:g} {top:g}V{bottom:g}A{arc} 1 {box.x:g} '
           f'{bottom:g}ZM{box.x:g} {top:g}A{arc} 0 {right:g} {top:g}"/>')


def _group(shape: Shape) -> Iterator[str]:
    yield _rectangle(shape.box, "grouped", 10)


_EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
_GATEWAYS = (*GATEWAYS,)
_DATA = ("dataObjectReference", "dataObject", "dataInput", "dataOutput")
_LABELLED_OUTSIDE = frozenset({*_EVENTS, *_GATEWAYS, *_DATA, "dataStoreReference"})

_DRAWINGS: Mapping[str, Callable[[Shape], Iterator[str]]] = {
    **dict.fromkeys(SUB_PROCESSES, _sub_process), **dict.fromkeys(POOLS, _pool), **dict.fromkeys(_EVENTS, _event),
    **dict.fromkeys(_GATEWAYS, _gateway), **dict.fromkeys(_DATA, _data_object), "dataStoreReference": _data_store,
    "textAnnotation": _note, "group": _group,
}
