"""What is said about events, links and compensation that cannot run."""

from __future__ import annotations

import pytest

from tests.bpmn.diagrams import (
    CAMUNDA_7,
    CAMUNDA_8,
    around,
    association,
    boundary,
    catch,
    definition,
    diagram,
    el,
    end,
    errors,
    event_sub,
    ext,
    flows,
    gateway,
    keyed_message,
    message,
    start,
    sub,
    task,
    throw,
    timer,
    warnings,
)

HOUR = timer("Duration", "PT1H")
PAID = definition("message", messageRef="Paid")


def with_boundary(*events: str, before: str = "", platform: str | None = None) -> bytes:
    return diagram(start(), task("A"), *events, end(), flows("Start > A > End"), before=before, platform=platform)


def test_catch_event_without_trigger_is_refused():
    assert errors(around(catch("A"))) == {
        "A": "Expected the intermediate catch event to have a trigger, but it has none."
    }


@pytest.mark.parametrize(("written", "kind", "place"), [
    (around(catch("A", definition("error"))), "an error", "an intermediate catch event"),
    (around(throw("A", HOUR)), "a timer", "an intermediate throw event"),
    (with_boundary(boundary("B", "A", definition("terminate"))), "a terminate", "a boundary event"),
    (diagram(start(), end("E", HOUR), flows("Start > E")), "a timer", "an end event"),
])
def test_event_at_a_wrong_place_is_refused(written, kind, place):
    (found,) = errors(written).values()
    assert found == f"Expected another kind of event here, but {kind} event cannot be {place}."


@pytest.mark.parametrize(("on", "found"), [
    ("Gone", "there is no 'Gone'"),
    ("", "it is attached to nothing"),
    ("Start", "'Start' is a start event"),
])
def test_boundary_event_on_no_activity_is_refused(on, found):
    assert errors(with_boundary(boundary("B", on, HOUR))) == {
        "B": f"Expected the boundary event to be attached to an activity, but {found}."
    }


def test_boundary_event_in_another_scope_is_refused():
    content = diagram(start(), task("A"), sub("Sub", start("S1"), boundary("B", "A", HOUR)), flows("Start > A > Sub"))
    assert errors(content) == {"B": "Expected the boundary event in the same sub-process as 'A', but it is in another."}


def test_error_event_that_does_not_interrupt_is_refused():
    content = with_boundary(boundary("B", "A", definition("error"), cancelActivity="false"), platform=CAMUNDA_8)
    assert errors(content) == {"B": "Expected an error event to interrupt, but it is non-interrupting."}


def test_cancel_end_event_outside_a_transaction_is_refused():
    content = diagram(start(), end("E", definition("cancel")), flows("Start > E"))
    assert errors(content) == {"E": "Expected a cancel end event inside a transaction, but it is not in one."}


def test_cancel_events_of_a_transaction_are_right():
    transaction = sub("A", start("S1"), end("E1", definition("cancel")), flows("S1 > E1"), tag="transaction")
    content = diagram(start(), transaction, boundary("B", "A", definition("cancel")), flows("Start > A"))
    assert errors(content) == {}


def test_cancel_boundary_event_on_something_else_is_refused():
    assert errors(with_boundary(boundary("B", "A", definition("cancel")))) == {
        "B": "Expected a cancel boundary event on a transaction, but 'A' is none."
    }


@pytest.mark.parametrize(("kind", "before", "caught"), [
    ("message", message("M"), "the same message"),
    ("signal", el("signal", id="M", name="s"), "the same signal"),
    ("error", el("error", id="M", errorCode="X"), "the same error"),
    ("escalation", el("escalation", id="M", escalationCode="X"), "the same escalation"),
    ("error", "", "every error"),
])
def test_two_boundary_events_for_the_same_are_refused(kind, before, caught):
    trigger = definition(kind, **({f"{kind}Ref": "M"} if before else {}))
    assert errors(with_boundary(boundary("B", "A", trigger), boundary("C", "A", trigger), before=before)) == {
        "C": f"Expected each event to catch something else, but 'B' catches {caught}."
    }


def test_two_event_sub_processes_for_the_same_are_refused():
    content = diagram(
        start(), event_sub("E1", start("S1", definition("error"))), event_sub("E2", start("S2", definition("error")))
    )
    assert errors(content) == {"S2": "Expected each event to catch something else, but 'S1' catches every error."}


def test_specific_and_general_error_stand_beside_each_other():
    content = with_boundary(
        boundary("B", "A", definition("error")), boundary("C", "A", definition("error", errorRef="X")),
        before=el("error", id="X", errorCode="X"),
    )
    assert errors(content) == {}


def test_caught_error_code_that_is_an_expression_is_refused():
    content = with_boundary(
        boundary("B", "A", definition("error", errorRef="X")), before=el("error", id="X", errorCode="=code")
    )
    assert errors(content) == {"B": "Expected a constant for the error code to catch, but it is an expression."}


@pytest.mark.parametrize("name", ["=order", "${order}"])
def test_name_of_a_starting_message_that_needs_variables_is_refused(name):
    assert errors(diagram(start("Start", PAID), before=message(name=name))) == {
        "Start": "Expected the name of the message to need no variables, but there are none before the start."
    }


def test_name_of_a_starting_message_may_be_computed_from_constants():
    assert errors(diagram(start("Start", PAID), before=message(name='="a" + "b"'))) == {}


def test_throwing_message_event_of_camunda_8_without_worker_is_refused():
    assert errors(around(throw("A", PAID), before=message(), platform=CAMUNDA_8)) == {
        "A": "Expected a job type (zeebe:taskDefinition) to send the message, but there is none."
    }


def test_throwing_message_event_of_camunda_8_with_worker_is_right():
    job = ext(el("zeebe:taskDefinition", type="mail"))
    assert errors(around(throw("A", job, PAID), before=message(), platform=CAMUNDA_8)) == {}


@pytest.mark.parametrize("content", [
    around(catch("A", timer("Cycle", "R3/PT1H"))),
    with_boundary(boundary("A2", "A", timer("Cycle", "R3/PT1H"))),
    diagram(start(), event_sub("E", start("S1", timer("Cycle", "R3/PT1H")))),
])
def test_cycle_that_can_happen_only_once_is_a_warning(content):
    assert list(warnings(content).values()) == [
        "Expected a date or a duration, but the timer is a cycle: here it can happen only once."
    ]


def test_cycle_that_can_happen_only_once_is_refused_in_camunda_8():
    assert list(errors(around(catch("A", timer("Cycle", "R3/PT1H")), platform=CAMUNDA_8))) == ["A"]


def test_cycle_that_repeats_is_right():
    content = with_boundary(boundary("B", "A", timer("Cycle", "R3/PT1H"), cancelActivity="false"), platform=CAMUNDA_8)
    assert warnings(content) == {}


def test_throwing_link_without_catch_is_refused():
    assert errors(diagram(start(), throw("A", definition("link", name="L")), flows("Start > A"))) == {
        "A": "Expected a catching link event named 'L' here, but there is none."
    }


def test_catching_link_in_another_scope_does_not_count():
    content = diagram(
        start(), throw("A", definition("link", name="L")), flows("Start > A > Sub"),
        sub("Sub", start("S1"), catch("C", definition("link", name="L"))),
    )
    assert list(errors(content)) == ["A"]


def test_two_catching_links_of_one_name_are_refused():
    link = definition("link", name="L")
    content = diagram(start(), throw("A", link), catch("C", link), catch("D", link), flows("Start > A"))
    assert errors(content) == {"D": "Expected one catching link event 'L', but 'C' is one too."}


def test_link_leads_to_its_catch():
    link = definition("link", name="L")
    content = diagram(start(), throw("A", link), throw("B", link), gateway("parallel", "F"), catch("C", link),
                      flows("Start > F > A", "F > B"))
    assert warnings(content) == {}


UNDO = task("Undo", isForCompensation="true")


def compensated(*more: str, handler: str = UNDO, links: str = association("B", "Undo")) -> bytes:
    """A process whose activity `A` has the compensation event `B` and the handler `Undo`."""
    return diagram(
        start(), task("A"), boundary("B", "A", definition("compensate")), handler, links, *more, flows("Start > A")
    )


def test_compensation_with_handler_is_right():
    assert warnings(compensated()) == {}


def test_compensation_event_without_handler_is_refused():
    assert errors(compensated(handler="", links="")) == {
        "B": "Expected an association with a compensation handler, but there is none."
    }


def test_compensation_event_with_sequence_flow_is_refused():
    assert errors(compensated(task("C"), flows("B > C"))) == {
        "B": "Expected an association with a compensation handler, but the sequence flow 'B_C' leaves the event."
    }


def test_two_handlers_of_one_activity_are_refused():
    content = compensated(task("Undo2", isForCompensation="true"), association("B", "Undo2"))
    assert errors(content) == {"A": "Expected one compensation handler, but there are two: 'Undo' and 'Undo2'."}


def test_handler_that_is_no_activity_is_refused():
    handler = el("magic", id="Undo", isForCompensation="true")
    assert errors(compensated(handler=handler)) == {
        "A": "Expected an activity as compensation handler, but 'Undo' is none."
    }


def test_handler_in_another_scope_is_refused():
    content = compensated(handler=sub("Sub", start("S1"), UNDO))
    assert errors(content) == {
        "Undo": "Expected the compensation handler in the same sub-process as 'A', but it is in another."
    }


def test_handler_with_sequence_flows_is_refused():
    assert errors(compensated(task("C"), flows("A > Undo > C"))) == {
        "Undo": "Expected no sequence flow at a compensation handler, but there is 'A_Undo'.\n"
                "Expected no sequence flow at a compensation handler, but there is 'Undo_C'."
    }


def test_handler_of_nothing_is_a_warning():
    assert warnings(diagram(start(), task("Undo", isForCompensation="true"))) == {
        "Undo": "No compensation event is associated with this handler: it never runs."
    }


def test_compensation_of_an_unknown_activity_is_refused():
    content = diagram(start(), throw("T", definition("compensate", activityRef="Gone")), flows("Start > T"))
    assert errors(content) == {"T": "Expected an activity to compensate, but there is no 'Gone'."}


def test_compensation_of_an_activity_in_another_scope_is_refused():
    inner = sub("Sub", start("S1"), throw("T", definition("compensate", activityRef="A")), flows("S1 > T"))
    content = diagram(start(), task("A"), inner, flows("Start > A > Sub"))
    assert errors(content) == {"T": "Expected an activity of the same scope to compensate, but 'A' is in another."}


def test_event_sub_process_may_compensate_what_is_around_it():
    inner = event_sub("E", start("S1", definition("error")), throw("T", definition("compensate", activityRef="A")),
                      flows("S1 > T"))
    assert errors(diagram(start(), task("A"), inner, flows("Start > A"))) == {}


def undoing(id: str) -> str:
    return event_sub(id, start(f"{id}Start", definition("compensate")))


def test_compensation_event_sub_process_of_a_process_is_refused():
    assert errors(diagram(start(), undoing("E"))) == {
        "E": "Expected a sub-process around this compensation event, but there is none."
    }


def test_two_compensation_event_sub_processes_are_refused():
    assert errors(around(sub("A", start("S1"), undoing("E1"), undoing("E2")))) == {
        "E2": "Expected one compensation event sub-process, but 'E1' is one too."
    }


def test_handler_beside_a_compensation_event_sub_process_is_refused():
    content = diagram(
        start(), sub("A", start("S1"), undoing("E")), boundary("B", "A", definition("compensate")),
        task("Undo", isForCompensation="true"), association("B", "Undo"), flows("Start > A"),
    )
    assert errors(content) == {
        "E": "Expected either a compensation event sub-process or a handler, but 'A' has the handler 'Undo' too."
    }


def test_keyed_message_is_right_in_both_dialects():
    for platform in (CAMUNDA_7, CAMUNDA_8):
        assert errors(around(catch("A", PAID), before=keyed_message(), platform=platform)) == {}
