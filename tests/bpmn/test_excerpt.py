"""A file of two pools, for somebody who may see one of them: nothing of the other is left, the rest is as it was."""

from __future__ import annotations

from bpmn import parser
from bpmn.reading.excerpt import without

DI = ('xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
      'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"')


def shape(id):
    return (f'<bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}"><dc:Bounds x="0" y="0" width="36" height="36"/>'
            f'</bpmndi:BPMNShape>')


def edge(id):
    return (f'<bpmndi:BPMNEdge id="{id}_di" bpmnElement="{id}"><di:waypoint x="0" y="0"/><di:waypoint x="9" y="9"/>'
            f'</bpmndi:BPMNEdge>')


def pool(word):
    """A process that throws and waits, with a collapsed sub-process."""
    return f"""<bpmn:process id="{word}" isExecutable="true"><!-- {word} is ours -->
      <bpmn:startEvent id="{word}-start"/>
      <bpmn:sequenceFlow id="{word}-1" sourceRef="{word}-start" targetRef="{word}-in"/>
      <bpmn:subProcess id="{word}-in"><bpmn:startEvent id="{word}-inner"/></bpmn:subProcess>
      <bpmn:sequenceFlow id="{word}-2" sourceRef="{word}-in" targetRef="{word}-end"/>
      <bpmn:endEvent id="{word}-end"><bpmn:errorEventDefinition errorRef="{word}-error"/></bpmn:endEvent>
    </bpmn:process>
    <bpmn:error id="{word}-error" name="{word} error" errorCode="{word.upper()}"/>
    <bpmn:message id="{word}-unused" name="{word} unused"/>"""


FILE = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" {DI} id="d" targetNamespace="t">
  <bpmn:collaboration id="both">
    <bpmn:participant id="lion-pool" name="Lion" processRef="lion"/>
    <bpmn:participant id="zebra-pool" name="Zebra" processRef="zebra"/>
    <bpmn:participant id="zebra-bank" name="Bank of Zebra"/><bpmn:participant id="shared" name="Post"/>
    <bpmn:messageFlow id="a" sourceRef="zebra-in" targetRef="zebra-bank" name="zebra pays"/>
    <bpmn:messageFlow id="b" sourceRef="zebra-in" targetRef="lion-start" name="zebra calls"/>
    <bpmn:messageFlow id="c" sourceRef="zebra-in" targetRef="shared"/>
    <bpmn:messageFlow id="e" sourceRef="lion-in" targetRef="shared" name="letter"/>
    <bpmn:textAnnotation id="note"><bpmn:text>A zebra's note</bpmn:text></bpmn:textAnnotation>
    <bpmn:association id="f" sourceRef="zebra-in" targetRef="note"/>
  </bpmn:collaboration>{pool("lion")}{pool("zebra")}
  <bpmndi:BPMNDiagram id="first"><bpmndi:BPMNPlane id="plane" bpmnElement="both">{"".join(map(shape, (
      "lion-pool", "zebra-pool", "zebra-bank", "shared", "lion-start", "lion-in", "lion-end", "zebra-start", "zebra-in",
      "zebra-end", "note")))}{"".join(map(edge, ("a", "b", "c", "e", "f", "lion-1", "lion-2", "zebra-1", "zebra-2")))}
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
  <bpmndi:BPMNDiagram id="inner-of-zebra"><bpmndi:BPMNPlane id="p2" bpmnElement="zebra-in">{shape("zebra-inner")}
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
  <bpmndi:BPMNDiagram id="inner-of-lion"><bpmndi:BPMNPlane id="p3" bpmnElement="lion-in">{shape("lion-inner")}
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>""".encode()


def test_nothing_is_left_of_a_process_that_is_hidden():
    left = without(FILE, {"zebra"})
    assert b"zebra" not in left.lower()
    for id in ("lion-pool", "lion-error", "shared", "e_di", "lion-inner_di", "lion-2_di", "letter"):
        assert f'"{id}"'.encode() in left, id
    # what is shown can be read, and is drawn, as before
    before, after = (parser.examine(content, "two.bpmn") for content in (FILE, left))
    assert [each.id for each in after[0].processes] == ["lion"]
    assert after[0].processes[0] == next(each for each in before[0].processes if each.id == "lion")
    # the other way round it is the same
    assert b"lion" not in without(FILE, {"lion"}).lower()


def test_what_is_hidden_needs_not_be_in_the_file():
    assert [each.id for each in parser.examine(without(FILE, {"none"}), "two.bpmn")[0].processes] == ["lion", "zebra"]
