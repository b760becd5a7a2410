"""The diagrams that are measured, in two flavours of the same shape.

Stock SpiffWorkflow computes in Python, Partitur in FEEL. Everything else (elements, flows, order) is the same text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr


class Flavour(StrEnum):
    """Whose extension elements the diagram uses."""

    PLAIN = "plain BPMN, Python"
    CAMUNDA_8 = "Camunda 8, FEEL"


HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
                  xmlns:modeler="http://camunda.org/schema/modeler/1.0"
                  id="definitions" targetNamespace="http://bpmn.io/schema/bpmn"
                  modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">
"""


class Drawing:
    """A process being drawn: elements first, then the flows between them."""

    def __init__(self, process_id: str, flavour: Flavour) -> None:
        self.process_id = process_id
        self.flavour = flavour
        self._parts: list[str] = []
        self._flows: list[tuple[str, str, str | None]] = []

    def event(self, kind: str, element: str) -> None:
        """A none event: `startEvent` or `endEvent`."""
        self._parts.append(self._element(kind, element))

    def gateway(self, element: str, default: str | None = None) -> None:
        """An exclusive gateway; `default` is the target of its default flow."""
        attributes = f' default="to_{default}"' if default else ""
        self._parts.append(self._element("exclusiveGateway", element, attributes))

    def script(self, element: str, variable: str, expression: str, loop: str = "") -> None:
        """A script task that sets one variable."""
        if self.flavour is Flavour.PLAIN:
            self._parts.append(
                self._element(
                    "scriptTask",
                    element,
                    inner=f"{loop}<bpmn:script>{escape(f'{variable} = {expression}')}</bpmn:script>",
                )
            )
        else:
            extension = f'<zeebe:script expression={quoteattr(f"= {expression}")} resultVariable="{variable}" />'
            self._parts.append(self._element("scriptTask", element, extension=extension, inner=loop))

    def user_task(self, element: str) -> None:
        """A user task without assignment."""
        extension = "<zeebe:userTask />" if self.flavour is Flavour.CAMUNDA_8 else ""
        self._parts.append(self._element("userTask", element, extension=extension))

    def many(self, count: int) -> str:
        """Parallel multi-instance characteristics for `count` members."""
        if self.flavour is Flavour.PLAIN:
            return (
                "<bpmn:multiInstanceLoopCharacteristics>"
                f"<bpmn:loopCardinality>{count}</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>"
            )
        return (
            "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics "
            'inputCollection="= items" inputElement="item" /></bpmn:extensionElements>'
            "</bpmn:multiInstanceLoopCharacteristics>"
        )

    def flow(self, *elements: str) -> None:
        """Sequence flows from each element to the next."""
        self._flows += [(source, target, None) for source, target in itertools.pairwise(elements)]

    def flow_if(self, source: str, target: str, condition: str) -> None:
        """A conditional sequence flow."""
        self._flows.append((source, target, condition))

    def xml(self) -> bytes:
        """The whole file."""
        flows = "\n".join(self._flow_xml(*flow) for flow in self._flows)
        body = "\n".join(self._parts)
        for element in {end for source, target, _ in self._flows for end in (source, target)}:
            body = body.replace(f"<!--{element}-->", "".join(self._references(element)))
        return (
            f'{HEAD}<bpmn:process id="{self.process_id}" isExecutable="true">\n{body}\n{flows}\n</bpmn:process>\n'
            "</bpmn:definitions>\n"
        ).encode()

    def _element(self, tag: str, element: str, attributes: str = "", extension: str = "", inner: str = "") -> str:
        extensions = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>" if extension else ""
        return (
            f'<bpmn:{tag} id="{element}" name="{element}"{attributes}>{extensions}<!--{element}-->{inner}</bpmn:{tag}>'
        )

    def _references(self, element: str) -> Iterable[str]:
        for tag, end in (("incoming", 1), ("outgoing", 0)):
            for flow in self._flows:
                if flow[end] == element:
                    yield f"<bpmn:{tag}>{self._flow_id(flow)}</bpmn:{tag}>"

    def _flow_id(self, flow: tuple[str, str, str | None]) -> str:
        arrivals = [other for other in self._flows if other[1] == flow[1]]
        return f"to_{flow[1]}" + (f"_{arrivals.index(flow)}" if len(arrivals) > 1 else "")

    def _flow_xml(self, source: str, target: str, condition: str | None) -> str:
        flow_id = self._flow_id((source, target, condition))
        head = f'<bpmn:sequenceFlow id="{flow_id}" sourceRef="{source}" targetRef="{target}"'
        if condition is None:
            return head + " />"
        text = escape(condition if self.flavour is Flavour.PLAIN else f"= {condition}")
        return (
            f'{head}><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{text}</bpmn:conditionExpression>'
            "</bpmn:sequenceFlow>"
        )


def order(flavour: Flavour) -> bytes:
    """Eight steps, computing only: an order's price with tax, and a discount for large ones."""
    drawing = Drawing("bench_order", flavour)
    drawing.event("startEvent", "received")
    drawing.script("net", "net", "price * quantity")
    drawing.script("tax", "gross", "net + net * rate")
    drawing.gateway("large", default="merge_0")
    drawing.script("discount", "gross", "gross - 10")
    drawing.gateway("merge")
    drawing.script("due", "due", "gross + shipping")
    drawing.event("endEvent", "priced")
    drawing.flow("received", "net", "tax", "large")
    drawing.flow("large", "merge")
    drawing.flow_if("large", "discount", "gross > 100")
    drawing.flow("discount", "merge", "due", "priced")
    return drawing.xml()


ORDER_STEPS = 8
ORDER_VARIABLES = {"price": 25, "quantity": 8, "rate": 0.19, "shipping": 5}


def loop(rounds: int, flavour: Flavour) -> bytes:
    """Counts to `rounds`, one round trip of three elements at a time."""
    drawing = Drawing("bench_loop", flavour)
    drawing.event("startEvent", "begin")
    drawing.gateway("again")
    drawing.script("count", "i", "i + 1")
    drawing.gateway("enough", default="done")
    drawing.event("endEvent", "done")
    drawing.flow("begin", "again", "count", "enough", "done")
    drawing.flow_if("enough", "again", f"i < {rounds}")
    return drawing.xml()


LOOP_VARIABLES = {"i": 0}


def multi_instance(width: int, flavour: Flavour) -> bytes:
    """One script task in `width` parallel instances."""
    drawing = Drawing("bench_multi_instance", flavour)
    drawing.event("startEvent", "begin")
    drawing.script("member", "x", "1 + 1", loop=drawing.many(width))
    drawing.event("endEvent", "done")
    drawing.flow("begin", "member", "done")
    return drawing.xml()


def approval(flavour: Flavour) -> bytes:
    """Waits at a user task."""
    drawing = Drawing("bench_approval", flavour)
    drawing.event("startEvent", "received")
    drawing.script("net", "net", "price * quantity")
    drawing.user_task("approve")
    drawing.event("endEvent", "approved")
    drawing.flow("received", "net", "approve", "approved")
    return drawing.xml()
