"""Draws diagrams with tasks of Camunda's REST outbound connector, as the Modeler writes them."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

INPUTS = {
    "authentication.type": "noAuth", "method": "GET", "connectionTimeoutInSeconds": "5", "readTimeoutInSeconds": "5",
    "storeResponse": "false",
}
HEADERS = {"elementTemplateVersion": "11", "elementTemplateId": "io.camunda.connectors.HttpJson.v2",
           "retryBackoff": "PT0S"}


def rest_task(inputs, headers=None, retries="1", boundary=True):
    """The XML of a diagram: start, the connector, end; an error boundary event leads to an end of its own."""
    mapped = "".join(f"<zeebe:input source={quoteattr(source)} target={quoteattr(target)} />"
                     for target, source in (INPUTS | inputs).items() if source is not None)
    said = "".join(f"<zeebe:header key={quoteattr(key)} value={quoteattr(value)} />"
                   for key, value in (HEADERS | (headers or {})).items() if value is not None)
    caught = (
        '<bpmn:boundaryEvent id="Caught" attachedToRef="Call"><bpmn:outgoing>F3</bpmn:outgoing>'
        '<bpmn:errorEventDefinition id="E1" /></bpmn:boundaryEvent>'
        '<bpmn:endEvent id="Refused"><bpmn:incoming>F3</bpmn:incoming></bpmn:endEvent>'
        '<bpmn:sequenceFlow id="F3" sourceRef="Caught" targetRef="Refused" />'
    ) if boundary else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
 id="D" targetNamespace="http://bpmn.io/schema/bpmn" modeler:executionPlatform="Camunda Cloud"
 modeler:executionPlatformVersion="8.7.0">
<bpmn:process id="rest" isExecutable="true">
<bpmn:startEvent id="Start"><bpmn:outgoing>F1</bpmn:outgoing></bpmn:startEvent>
<bpmn:serviceTask id="Call" name="Call the service" zeebe:modelerTemplate="io.camunda.connectors.HttpJson.v2"
 zeebe:modelerTemplateVersion="11">
<bpmn:extensionElements><zeebe:taskDefinition type="io.camunda:http-json:1" retries="{retries}" />
<zeebe:ioMapping>{mapped}</zeebe:ioMapping><zeebe:taskHeaders>{said}</zeebe:taskHeaders></bpmn:extensionElements>
<bpmn:incoming>F1</bpmn:incoming><bpmn:outgoing>F2</bpmn:outgoing></bpmn:serviceTask>
<bpmn:endEvent id="End"><bpmn:incoming>F2</bpmn:incoming></bpmn:endEvent>
<bpmn:sequenceFlow id="F1" sourceRef="Start" targetRef="Call" />
<bpmn:sequenceFlow id="F2" sourceRef="Call" targetRef="End" />{caught}
</bpmn:process></bpmn:definitions>""".encode()
