"""Draws small processes as Camunda Modeler's Camunda 7 tab would write them."""

from __future__ import annotations

from tests.engine.drawing import end, inside, start

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:modeler="http://camunda.org/schema/modeler/1.0" '
    'id="definitions" targetNamespace="http://bpmn.io/schema/bpmn" '
    'modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.24.0">'
)


def file(*parts):
    return f"{HEAD}{''.join(parts)}</bpmn:definitions>".encode()


def process(id, *nodes, flows=None, more=""):
    """A process from start to end through some nodes, unless `flows` says how."""
    drawn = inside(start(), *nodes, end(), flows=flows)
    return (f'<bpmn:process id="{id}" name="{id.title()}" isExecutable="true" camunda:historyTimeToLive="30" {more}>'
            f"{drawn}</bpmn:process>")


def external(id, topic=None, more="", extensions=""):
    inner = f"<bpmn:extensionElements>{extensions}</bpmn:extensionElements>" if extensions else ""
    return (f'<bpmn:serviceTask id="{id}" name="{id.title()}" camunda:type="external" '
            f'camunda:topic="{topic or id}" {more}>{inner}</bpmn:serviceTask>')


def properties(**pairs):
    listed = "".join(f'<camunda:property name="{name}" value="{value}"/>' for name, value in pairs.items())
    return f"<camunda:properties>{listed}</camunda:properties>"


def outputs(**pairs):
    listed = "".join(f'<camunda:outputParameter name="{name}">{value}</camunda:outputParameter>'
                     for name, value in pairs.items())
    return f"<camunda:inputOutput>{listed}</camunda:inputOutput>"


def user(id, more=""):
    return (f'<bpmn:userTask id="{id}" name="{id.title()}" {more}>'
            f"<bpmn:documentation>What to do.</bpmn:documentation></bpmn:userTask>")


def receive(id, message):
    return f'<bpmn:receiveTask id="{id}" messageRef="{message}"/>'
