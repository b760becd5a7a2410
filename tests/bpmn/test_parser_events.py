"""What events are read into, and what is said about those that cannot be."""

from __future__ import annotations

import pytest

from bpmn.expressions import Feel, Juel, Literal
from bpmn.model import EventDefinition, EventKind, TimerKind
from bpmn.reading import timers
from tests.bpmn.diagrams import (
    CAMUNDA_7,
    CAMUNDA_8,
    around,
    boundary,
    catch,
    definition,
    diagram,
    el,
    element,
    end,
    errors,
    event_sub,
    ext,
    flows,
    keyed_message,
    message,
    start,
    sub,
    task,
    text,
    throw,
    timer,
)


def event(content: bytes, id: str = "A") -> EventDefinition:
    (found,) = element(content, id).events
    return found


def on_task(event_definition: str, before: str = "", platform: str | None = None, **attributes: str) -> bytes:
    """A process whose task `T` has the boundary event `A`."""
    return diagram(
        start(), task("T"), boundary("A", "T", event_definition, **attributes), end(), flows("Start > T > End"),
        before=before, platform=platform,
    )


def ending(event_definition: str, before: str = "", platform: str | None = None) -> bytes:
    """A process that ends with the event `A`."""
    return diagram(start(), end("A", event_definition), flows("Start > A"), before=before, platform=platform)


def test_none_event_has_one_definition_of_kind_none():
    assert event(around(throw("A"))) == EventDefinition(kind=EventKind.NONE)


def test_task_has_no_event():
    assert element(around(task("A"))).events == ()


def test_message_has_name_and_correlation_key():
    content = around(catch("A", definition("message", messageRef="Paid")), before=keyed_message())
    assert event(content) == EventDefinition(
        kind=EventKind.MESSAGE, name=Literal("paid"), correlation_key=Feel("orderId")
    )


def test_receive_task_waits_for_its_message():
    content = around(task("A", tag="receiveTask", messageRef="Paid"), before=keyed_message())
    assert event(content).name == Literal("paid")


def test_published_message_has_its_own_correlation_key():
    sent = definition("message", ext(el("zeebe:publishMessage", correlationKey="=id")), messageRef="Paid")
    assert event(around(throw("A", sent), before=message(), platform=CAMUNDA_8)).correlation_key == Feel("id")


def test_caught_message_of_camunda_8_needs_a_correlation_key():
    content = around(catch("A", definition("message", messageRef="Paid")), before=message(), platform=CAMUNDA_8)
    assert errors(content) == {
        "A": "Expected the message 'paid' to have a correlation key (zeebe:subscription), but it has none."
    }


def test_message_that_starts_a_process_needs_no_correlation_key():
    content = diagram(start("A", definition("message", messageRef="Paid")), before=message(), platform=CAMUNDA_8)
    assert event(content).name == Literal("paid")


def test_message_that_starts_an_event_sub_process_needs_a_correlation_key():
    content = diagram(
        start(), event_sub("E", start("A", definition("message", messageRef="Paid"))), before=message(),
        platform=CAMUNDA_8,
    )
    assert list(errors(content)) == ["A"]


@pytest.mark.parametrize("platform", [CAMUNDA_7, None])
def test_message_without_correlation_key_is_right_elsewhere(platform):
    content = around(catch("A", definition("message", messageRef="Paid")), before=message(), platform=platform)
    assert event(content).correlation_key is None


@pytest.mark.parametrize(("kind", "what"), [("message", "a message"), ("signal", "a signal")])
def test_event_without_what_it_waits_for_is_refused(kind, what):
    assert errors(around(catch("A", definition(kind)))) == {
        "A": f"Expected {what} ({kind}Ref), but none is chosen."
    }


@pytest.mark.parametrize(("kind", "what"), [("message", "a message"), ("signal", "a signal"),
                                            ("escalation", "an escalation")])
def test_reference_to_nothing_is_refused(kind, what):
    content = on_task(definition(kind, **{f"{kind}Ref": "Nothing"}))
    assert errors(content) == {"A": f"Expected {what} with the id 'Nothing' in the file, but there is none."}


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_name_that_is_missing_is_refused(kind):
    content = on_task(definition(kind, **{f"{kind}Ref": "M"}), before=el(kind, id="M"))
    assert errors(content) == {"A": f"Expected the {kind} 'M' to have a name, but it has none."}


@pytest.mark.parametrize(("written", "name"), [("=n", Feel("n")), ("${n}", Juel("${n}")), ("s", Literal("s"))])
def test_signal_name_may_be_an_expression(written, name):
    content = around(catch("A", definition("signal", signalRef="S")), before=el("signal", id="S", name=written))
    assert event(content).name == name


def test_error_is_caught_by_its_code_into_variables():
    # given
    caught = definition("error", errorRef="E", camunda__errorCodeVariable="code", camunda__errorMessageVariable="text")

    # then
    assert event(on_task(caught, before=el("error", id="E", errorCode="OUT"))) == EventDefinition(
        kind=EventKind.ERROR, code=Literal("OUT"), code_variable="code", message_variable="text"
    )


def test_error_without_reference_catches_every_code():
    assert event(on_task(definition("error"))).code is None


def test_undefined_error_is_its_own_code_in_camunda_7():
    assert event(on_task(definition("error", errorRef="OUT"), platform=CAMUNDA_7)).code == Literal("OUT")


def test_undefined_error_is_refused_in_camunda_8():
    assert errors(on_task(definition("error", errorRef="OUT"), platform=CAMUNDA_8)) == {
        "A": "Expected an error with the id 'OUT' in the file, but there is none."
    }


def test_thrown_error_needs_an_error():
    assert errors(ending(definition("error"))) == {"A": "Expected an error (errorRef), but none is chosen."}


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_thrown_error_and_escalation_need_a_code(kind):
    content = ending(definition(kind, **{f"{kind}Ref": "E"}), before=el(kind, id="E"))
    assert errors(content) == {"A": f"Expected the {kind} 'E' to have a code, but it has none."}


def test_thrown_escalation_needs_an_escalation():
    assert errors(around(throw("A", definition("escalation")))) == {
        "A": "Expected an escalation (escalationRef), but none is chosen."
    }


def test_escalation_has_its_code():
    escalation = el("escalation", id="E", escalationCode="LATE")
    content = on_task(definition("escalation", escalationRef="E"), before=escalation)
    assert event(content) == EventDefinition(kind=EventKind.ESCALATION, code=Literal("LATE"))


def test_condition_is_an_expression():
    assert event(around(catch("A", definition("conditional", text("condition", "=x > 1"))))).condition == Feel("x > 1")


def test_conditional_event_without_condition_is_refused():
    assert errors(around(catch("A", definition("conditional")))) == {
        "A": "Expected the conditional event to have a condition, but it has none."
    }


def test_condition_that_is_a_plain_text_is_refused():
    assert errors(around(catch("A", definition("conditional", text("condition", "paid"))), platform=CAMUNDA_7)) == {
        "A": "Expected the condition to be an expression (${…}), but it is the text 'paid'."
    }


def test_condition_in_a_programming_language_is_refused():
    content = around(catch("A", definition("conditional", text("condition", "x", language="groovy"))))
    assert errors(content) == {"A": "Expected the condition in FEEL (= …) or as ${…}, but it is a script in groovy."}


def test_link_without_name_is_refused():
    assert errors(around(catch("A", definition("link")))) == {
        "A": "Expected the link to have a name, but it has none."
    }


def test_compensation_may_be_limited_to_an_activity():
    content = diagram(
        start(), sub("Sub", start("S1")), throw("A", definition("compensate", activityRef="Sub")),
        flows("Start > Sub > A"),
    )
    assert event(content).activity_ref == "Sub"


@pytest.mark.parametrize(("tag", "kind"), [("terminate", EventKind.TERMINATE), ("compensate", EventKind.COMPENSATION)])
def test_plain_end_events(tag, kind):
    assert event(ending(definition(tag))).kind is kind


def test_unknown_event_definition_is_refused():
    assert errors(around(catch("A", definition("telepathy")))) == {
        "A": "Expected a supported event, but telepathyEventDefinition is not one.\n"
             "Expected the intermediate catch event to have a trigger, but it has none."
    }


def test_boundary_event_interrupts_unless_it_says_otherwise():
    assert element(on_task(timer("Duration", "PT1H"))).interrupting
    assert not element(on_task(timer("Duration", "PT1H"), cancelActivity="false")).interrupting


def test_start_event_of_event_sub_process_interrupts_unless_it_says_otherwise():
    content = diagram(start(), event_sub("E", start("A", timer("Duration", "PT1H"), isInterrupting="false")))
    assert not element(content).interrupting


def test_error_event_of_camunda_7_interrupts_always():
    assert element(on_task(definition("error"), cancelActivity="false", platform=CAMUNDA_7)).interrupting


@pytest.mark.parametrize(("tag", "kind", "written"), [
    ("Date", TimerKind.DATE, "2030-01-01T09:00:00Z"),
    ("Duration", TimerKind.DURATION, "PT15M"),
    ("Duration", TimerKind.DURATION, "=wait"),
    ("Duration", TimerKind.DURATION, "${wait}"),
])
def test_timer_is_read_with_its_kind(tag, kind, written):
    found = event(around(catch("A", timer(tag, written))))
    assert found.timer_kind is kind
    assert found.timer is not None
    assert found.timer.text == written.removeprefix("=")


def test_timer_without_time_is_refused():
    assert errors(around(catch("A", definition("timer")))) == {
        "A": "Expected the timer to have a date, a duration or a cycle, but it has none."
    }


@pytest.mark.parametrize(("tag", "wanted"), [
    ("Date", "an ISO 8601 date and time such as 2030-01-31T09:00:00Z"),
    ("Duration", "an ISO 8601 duration such as PT15M or P2D"),
    ("Cycle", "a cycle such as R3/PT10M, or a cron expression such as 0 0 9 * * MON-FRI"),
])
def test_timer_that_is_no_time_is_refused(tag, wanted):
    assert errors(on_task(timer(tag, "10 seconds"), cancelActivity="false")) == {
        "A": f"Expected {wanted}, but the timer says '10 seconds'."
    }


@pytest.mark.parametrize("written", ["PT10S", "P1M", "P1Y2M3DT4H5M6.5S", "PT0.5S", "PT1,5S", "P2W", "P0D"])
def test_durations(written):
    assert timers.is_duration(written)


@pytest.mark.parametrize("written", ["P", "PT", "P1", "10", "PT10", "-PT5S", "PT5S ", "P1DT", "PT1H1H", "10s", ""])
def test_no_durations(written):
    assert not timers.is_duration(written)


@pytest.mark.parametrize("written", [
    "2030-01-01", "2030-01-01T09:00", "2030-01-01T09:00:00.5Z", "2030-01-01T09:00:00+02:00",
    "2030-01-01T09:00:00+01:00[Europe/Berlin]",
])
def test_dates(written):
    assert timers.is_date(written)


@pytest.mark.parametrize("written", ["tomorrow", "2030-13-01", "2030-02-30T00:00Z", "09:00", "", "[Europe/Berlin]"])
def test_no_dates(written):
    assert not timers.is_date(written)


@pytest.mark.parametrize("written", [
    "R3/PT10S", "R/PT10S", "R-1/PT1H", "R0/PT1S", "R2/2030-01-01T00:00:20Z/PT10S", "R5/PT1H/2030-01-01T00:00:00Z",
    "R//PT1S", "0 0/5 * * * ?", "*/5 * * * *", "0 0 9 * * MON-FRI", "0,30 8-18/2 * * *", "0 0 12 1W * ?", "0 0 0 L * ?",
    "0 0 0 ? * 6#3", "0 0 0 ? * MON#1", "0 15 10 ? * 6L 2022-2025", "@daily", "@every PT1M",
])
def test_cycles(written):
    assert timers.is_cycle(written)


@pytest.mark.parametrize("written", [
    "R3", "R3/", "R3/tomorrow", "Rx/PT1S", "R3/PT1S/PT1S/PT1S", "PT10S", "61 * * * *", "* * *", "* * * * * XYZ",
    "0 0 25 * * *", "0 0 0 0 * *", "1 2 3 4 5 6 7 8", "", "@never", "99999999999 * * * *",
])
def test_no_cycles(written):
    assert not timers.is_cycle(written)
