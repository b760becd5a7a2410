"""The diagram of the order example, and others with a drawing."""

from __future__ import annotations

from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "order-fulfilment"
ORDER = EXAMPLE / "order-fulfilment.bpmn"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


def drawn(process: str, *shapes: str, more: str = "") -> bytes:
    """A file with a process, and shapes as "id x y width height" or "flow x y x y"."""
    parts = []
    for shape in shapes:
        id, *numbers = shape.split()
        if process.partition(f'id="{id}"')[0].endswith("sequenceFlow "):
            points = "".join(f'<di:waypoint x="{x}" y="{y}"/>'
                             for x, y in zip(numbers[::2], numbers[1::2], strict=True))
            parts.append(f'<bpmndi:BPMNEdge id="{id}_di" bpmnElement="{id}">{points}</bpmndi:BPMNEdge>')
        else:
            bounds = dict(zip(("x", "y", "width", "height"), numbers, strict=False))
            attributes = " ".join(f'{name}="{value}"' for name, value in bounds.items())
            parts.append(f'<bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}"><dc:Bounds {attributes}/>'
                         "</bpmndi:BPMNShape>")
    return (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
        'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
        'xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="definitions" targetNamespace="t" '
        f'modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.6.0">{process}'
        f'<bpmndi:BPMNDiagram id="d"><bpmndi:BPMNPlane id="plane" bpmnElement="p">{"".join(parts)}</bpmndi:BPMNPlane>'
        f"</bpmndi:BPMNDiagram>{more}</bpmn:definitions>").encode()
