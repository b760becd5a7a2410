"""Diagrams of instances that wait, and of small ones that end: what a busy database is full of."""

from __future__ import annotations

from collections.abc import Sequence

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    ' xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="D" targetNamespace="t"'
    ' modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">'
)
MESSAGE = "bench-paid"


def drawn(process_id: str, elements: str, flows: Sequence[tuple[str, str]], message: str | None = None) -> bytes:
    """A diagram of elements and the flows between them; `message` is the name of a message `Message`."""
    lines = "".join(
        f'<bpmn:sequenceFlow id="F{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(flows)
    )
    subscription = "" if message is None else (
        f'<bpmn:message id="Message" name="{message}"><bpmn:extensionElements>'
        '<zeebe:subscription correlationKey="=orderId"/></bpmn:extensionElements></bpmn:message>'
    )
    return (
        f'{HEAD}{subscription}<bpmn:process id="{process_id}" isExecutable="true">{elements}{lines}</bpmn:process>'
        "</bpmn:definitions>"
    ).encode()


def _extended(tag: str, element: str, extension: str, inner: str = "") -> str:
    return (f'<bpmn:{tag} id="{element}" name="{element}"><bpmn:extensionElements>{extension}</bpmn:extensionElements>'
            f"{inner}</bpmn:{tag}>")


START, END = '<bpmn:startEvent id="Start"/>', '<bpmn:endEvent id="End"/>'
USER_TASK = _extended("userTask", "Approve", "<zeebe:userTask/>")
CATCH = ('<bpmn:intermediateCatchEvent id="Paid"><bpmn:messageEventDefinition messageRef="Message"/>'
         "</bpmn:intermediateCatchEvent>")


def job(job_type: str, inner: str = "") -> str:
    """A service task."""
    return _extended("serviceTask", "Call", f'<zeebe:taskDefinition type="{job_type}"/>', inner)


def call(element: str, process_id: str) -> str:
    """A call activity."""
    return _extended("callActivity", element, f'<zeebe:calledElement processId="{process_id}"/>')


def timer(element: str, expression: str) -> str:
    """A timer that is waited for; `expression` is of a duration, or FEEL behind `=`."""
    return (f'<bpmn:intermediateCatchEvent id="{element}"><bpmn:timerEventDefinition>'
            f'<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">{expression}</bpmn:timeDuration>'
            "</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>")


def between(process_id: str, element: str, content: str, message: str | None = None) -> bytes:
    """Start, one element, end."""
    return drawn(process_id, START + content + END, [("Start", element), (element, "End")], message)


def everything(process_id: str) -> bytes:
    """Waits for a person, a service, a message and two times at once."""
    waits = {
        "Approve": USER_TASK, "Call": job("bench-idle"), "Paid": CATCH,
        "Later": timer("Later", "PT8760H"), "Latest": timer("Latest", "PT8761H"),
    }
    flows = [("Start", "Fork"), *(("Fork", element) for element in waits), *((element, "End") for element in waits)]
    return drawn(process_id, START + '<bpmn:parallelGateway id="Fork"/>' + "".join(waits.values()) + END, flows,
                 "bench-never")


def failing(process_id: str) -> bytes:
    """Becomes an incident at once."""
    script = _extended("scriptTask", "Fails", '<zeebe:script expression="=assert(orderId, false)" resultVariable="x"/>')
    return between(process_id, "Fails", script)


def fan_out(process_id: str, job_type: str) -> bytes:
    """Calls a service for each of `items`, all at once."""
    loop = ("<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics "
            'inputCollection="=items" inputElement="item"/></bpmn:extensionElements>'
            "</bpmn:multiInstanceLoopCharacteristics>")
    return between(process_id, "Call", job(job_type, loop))
