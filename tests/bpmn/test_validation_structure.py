"""What is said about sequence flows, start events and sub-processes that cannot run."""

from __future__ import annotations

import pytest

from tests.bpmn.diagrams import (
    CAMUNDA_7,
    around,
    boundary,
    definition,
    diagram,
    el,
    end,
    errors,
    event_sub,
    flow,
    flows,
    gateway,
    message,
    start,
    sub,
    task,
    timer,
    warnings,
)


def test_duplicate_id_is_refused():
    assert errors(diagram(start(), task("A"), task("A"), flows("Start > A"))) == {
        "A": "Expected each id once in the file, but 'A' stands there several times."
    }


def test_duplicate_id_in_the_diagram_does_no_harm():
    content = diagram(start(), el("bpmndi:BPMNShape", id="Start"))
    assert errors(content) == {}


def test_process_without_id_is_refused():
    assert errors(diagram(start(), id="")) == {
        None: "Expected the process to have an id, but it has none."
    }


@pytest.mark.parametrize(("attributes", "expected"), [
    ({"sourceRef": "Start", "targetRef": "Gone"}, "to end at an element, but there is no element 'Gone'."),
    ({"sourceRef": "Gone", "targetRef": "Start"}, "to begin at an element, but there is no element 'Gone'."),
    ({"sourceRef": "Start"}, "to end at an element, but it has no end."),
    ({"sourceRef": "Start", "targetRef": "Note"}, "to end at an element, but 'Note' is none of this process."),
])
def test_dangling_flow_is_refused(attributes, expected):
    found = errors(diagram(start(), el("textAnnotation", id="Note"), el("sequenceFlow", id="F", **attributes)))
    assert found["F"] == f"Expected the sequence flow {expected}"


def test_flow_across_a_sub_process_border_is_refused():
    content = diagram(start(), sub("Sub", start("S1"), task("A"), flows("S1 > A")), flows("Start > Sub", "A > Start2"),
                      task("Start2"))
    assert errors(content) == {
        "A_Start2": "Expected a sequence flow within one process or sub-process, but it goes from 'A' to 'Start2', "
                    "which is in another."
    }


def test_flow_into_a_start_event_is_refused():
    assert errors(diagram(start(), task("A"), flows("Start > A > Start"))) == {
        "Start": "Expected no sequence flow into a start event, but there is 'A_Start'."
    }


def test_flow_into_a_boundary_event_is_refused():
    content = diagram(start(), task("A"), boundary("B", "A", timer("Duration", "PT1H")), flows("Start > A > B"))
    assert errors(content) == {"B": "Expected no sequence flow into a boundary event, but there is 'A_B'."}


def test_flow_into_and_out_of_an_event_sub_process_is_refused():
    content = diagram(start(), task("A"), event_sub("E", start("S1", definition("error"))), flows("Start > E > A"))
    assert errors(content) == {
        "E": "Expected no sequence flow into an event sub-process, but there is 'Start_E'.\n"
             "Expected no sequence flow out of an event sub-process, but there is 'E_A'."
    }


def test_flow_out_of_an_end_event_is_refused():
    assert errors(diagram(start(), end(), task("A"), flows("Start > End > A"))) == {
        "End": "Expected no sequence flow out of an end event, but there is 'End_A'."
    }


@pytest.mark.parametrize(("default", "found"), [
    ("Gone", "there is no 'Gone'"),
    ("Start_G", "'Start_G' leaves 'Start'"),
])
def test_default_flow_of_another_element_is_refused(default, found):
    content = diagram(
        start(), gateway("exclusive", "G", default=default), task("A"), task("B"), flow("G", "A", "=x"),
        flow("G", "B", "=y"), flows("Start > G"),
    )
    assert errors(content) == {"G": f"Expected the default flow to leave the element, but {found}."}


def test_process_without_start_event_is_refused():
    assert errors(diagram(task("A"), end(), flows("A > End"))) == {
        "P": "Expected the process to have a start event, but it has none."
    }


def test_second_start_event_without_trigger_is_refused():
    assert errors(diagram(start(), start("Start2"))) == {
        "Start2": "Expected one start event without a trigger, but 'Start' is one as well."
    }


def test_start_events_with_a_trigger_stand_beside_one_without():
    content = diagram(start(), start("S2", definition("message", messageRef="Paid")), before=message())
    assert errors(content) == {}


@pytest.mark.parametrize(("kind", "noun"), [("error", "an error"), ("escalation", "an escalation"),
                                            ("compensate", "a compensation")])
def test_start_event_of_a_process_with_a_trigger_from_inside_is_refused(kind, noun):
    assert errors(diagram(start("Start", definition(kind)))) == {
        "Start": f"Expected another kind of event here, but {noun} event starts event sub-processes only."
    }


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_two_start_events_for_the_same_trigger_are_refused(kind):
    trigger = definition(kind, **{f"{kind}Ref": "M"})
    content = diagram(start("S1", trigger), start("S2", trigger), before=el(kind, id="M", name="paid"))
    assert errors(content) == {
        "S2": f"Expected each start event to have its own {kind}, but 'S1' waits for 'paid' too."
    }


@pytest.mark.parametrize(("tag", "noun"), [("subProcess", "sub-process"), ("transaction", "transaction")])
def test_sub_process_without_start_event_is_refused(tag, noun):
    assert errors(around(sub("A", task("T"), tag=tag))) == {
        "A": f"Expected the {noun} to have a start event, but it has none."
    }


def test_sub_process_with_two_start_events_is_refused():
    assert errors(around(sub("A", start("S1"), start("S2")))) == {
        "S2": "Expected one start event in the sub-process, but there are several."
    }


def test_sub_process_that_starts_with_a_trigger_is_refused():
    assert errors(around(sub("A", start("S1", timer("Duration", "PT1H"))))) == {
        "S1": "Expected a start event without a trigger in the sub-process, but it has the trigger timer."
    }


@pytest.mark.parametrize(("inside", "number"), [
    ("", "none"),
    (start("S1", definition("error")) + start("S2", definition("escalation")), "several"),
])
def test_event_sub_process_needs_exactly_one_start_event(inside, number):
    assert errors(diagram(start(), event_sub("E", inside))) == {
        "E": f"Expected one start event in the event sub-process, but there are {number}."
    }


@pytest.mark.parametrize(("trigger", "found"), [("", "it has none"), (definition("cancel"), "it is a cancel event")])
def test_event_sub_process_needs_a_trigger(trigger, found):
    assert errors(diagram(start(), event_sub("E", start("S1", trigger)))) == {
        "S1": "Expected the start event of the event sub-process to have a trigger (message, timer, error, …), "
              f"but {found}."
    }


def test_empty_ad_hoc_sub_process_is_refused():
    assert errors(around(sub("A", tag="adHocSubProcess"))) == {
        "A": "Expected the ad-hoc sub-process to contain an activity, but it is empty."
    }


def test_start_and_end_event_in_an_ad_hoc_sub_process_are_refused():
    assert errors(around(sub("A", start("S1"), end("E1"), flows("S1 > E1"), tag="adHocSubProcess"))) == {
        "S1": "Expected no start event in an ad-hoc sub-process, but it is one.",
        "E1": "Expected no end event in an ad-hoc sub-process, but it is one.",
    }


@pytest.mark.parametrize(("tag", "reason"), [
    ("complexGateway", "there are no complex gateways; use exclusive, inclusive or parallel gateways"),
    ("choreographyTask", "there are no choreographies"),
])
def test_unsupported_element_is_refused_by_name(tag, reason):
    assert errors(diagram(start(), el(tag, id="A"), flows("Start > A"))) == {
        "A": f"Expected a supported element, but {tag} is not one: {reason}."
    }


def test_choreography_beside_the_process_is_refused():
    assert errors(diagram(start(), before=el("choreography", id="C"))) == {
        "C": "Expected processes, but there is a choreography, which cannot be run."
    }


def test_unknown_element_on_the_way_of_a_token_is_refused():
    assert errors(diagram(start(), el("magicTask", id="A"), flows("Start > A"))) == {
        "A": "Expected a BPMN element, but <magicTask> is not one, and sequence flows lead to or from it."
    }


def test_unknown_element_that_nothing_leads_to_is_ignored_with_a_warning():
    assert warnings(diagram(start(), el("magicTask", id="A"))) == {
        "A": "<magicTask> is not a known BPMN element. It is ignored."
    }


def test_lanes_message_flows_and_data_are_said_to_be_documentation():
    # given
    pools = el("collaboration", el("messageFlow", id="M", sourceRef="A", targetRef="B"))
    content = diagram(
        el("laneSet", el("lane", id="L")), start(), task("A", el("dataOutputAssociation", id="D")),
        el("dataStoreReference", id="Store"), flows("Start > A"), before=pools,
    )

    # then
    assert warnings(content) == {
        None: "Some of the diagram is documentation only: lanes do not assign work, data objects and data stores hold "
              "no data (variables do), message flows do not carry messages (messages go by name)."
    }


def test_listener_of_a_flow_or_of_a_process_hears_of_what_can_happen_to_it_only():
    # given
    def listener(event):
        return el("extensionElements", el("camunda:executionListener", event=event, class_="c.L"))

    def drawn(of_process, of_flow):
        flow = el("sequenceFlow", listener(of_flow), id="F", sourceRef="Start", targetRef="End")
        return diagram(listener(of_process), start(), end(), flow, platform=CAMUNDA_7)

    # then
    assert warnings(drawn("start", "take")) == {}
    assert errors(drawn("take", "end")) == {
        "P": "Expected the event of a listener to be one of end, start, but it is 'take'.",
        "F": "Expected the event of a listener to be one of take, but it is 'end'.",
    }


@pytest.mark.parametrize(("bounds", "wrong"), [
    ({"x": "1", "y": "2.5", "width": "-3", "height": "wide"}, "height"),
    ({"x": "1", "y": "2"}, "width, height"),
])
def test_shape_without_place_is_refused(bounds, wrong):
    # given
    place = el("dc:Bounds", **bounds, xmlns__dc="http://www.omg.org/spec/DD/20100524/DC")
    content = diagram(start(), before=el("bpmndi:BPMNShape", place, bpmnElement="Start"))

    # then
    assert errors(content) == {
        "Start": f"Expected numbers for the place of the shape, but {wrong} of its bounds is none."
    }


def test_file_without_diagram_is_a_warning():
    content = diagram(start()).replace(b'<bpmndi:BPMNDiagram id="Diagram"/>', b"")
    assert warnings(content) == {None: "The file has no diagram, so instances cannot be shown on one."}
