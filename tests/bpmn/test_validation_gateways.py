"""What is said about gateways, activities and the ways of tokens."""

from __future__ import annotations

import pytest

from tests.bpmn.diagrams import (
    CAMUNDA_7,
    CAMUNDA_8,
    around,
    boundary,
    catch,
    definition,
    diagram,
    el,
    end,
    errors,
    event_sub,
    ext,
    flow,
    flows,
    gateway,
    keyed_message,
    service,
    start,
    sub,
    task,
    text,
    throw,
    timer,
    warnings,
)

HOUR = timer("Duration", "PT1H")
PAID = definition("message", messageRef="Paid")


def choice(*conditions: str | None, kind: str = "exclusive", platform: str | None = None, default: str = "") -> bytes:
    """A gateway `G` with a flow to `T0`, `T1`, … for each condition."""
    attributes = {"default": default} if default else {}
    return diagram(
        start(), gateway(kind, "G", **attributes), *(task(f"T{number}") for number in range(len(conditions))),
        *(flow("G", f"T{number}", condition) for number, condition in enumerate(conditions)), flows("Start > G"),
        platform=platform,
    )


def test_several_flows_without_condition_out_of_an_exclusive_gateway_are_refused():
    message = "Expected a condition, or to be the default flow of the exclusive gateway 'G', but it is neither."
    assert errors(choice("=x", None, None)) == {"G_T1": message, "G_T2": message}


def test_flow_without_condition_beside_the_default_is_refused():
    assert list(errors(choice(None, None, default="G_T0"))) == ["G_T1"]


@pytest.mark.parametrize("kind", ["exclusive", "inclusive"])
def test_single_flow_without_condition_is_refused_in_camunda_8(kind):
    assert list(errors(choice("=x", None, kind=kind, platform=CAMUNDA_8))) == ["G_T1"]


@pytest.mark.parametrize("kind", ["exclusive", "inclusive"])
def test_single_flow_without_condition_is_right_elsewhere(kind):
    assert warnings(choice("${x}", None, kind=kind, platform=CAMUNDA_7)) == {}


@pytest.mark.parametrize("kind", ["exclusive", "inclusive"])
def test_missing_default_flow_is_a_warning(kind):
    assert warnings(choice("=x", "=y", kind=kind)) == {
        "G": "The gateway has no default flow: if no condition is true, there is an incident."
    }


def test_condition_of_the_default_flow_is_refused_in_camunda_7_and_a_warning_elsewhere():
    assert errors(choice("${x}", "${y}", default="G_T0", platform=CAMUNDA_7)) == {
        "G_T0": "Expected no condition on the default flow of 'G', but there is one."
    }
    assert warnings(choice("=x", "=y", default="G_T0", platform=CAMUNDA_8)) == {
        "G_T0": "The default flow of 'G' has a condition, which is not looked at."
    }


def test_exclusive_gateway_without_way_out_is_refused_in_camunda_7():
    assert errors(choice(platform=CAMUNDA_7)) == {
        "G": "Expected the exclusive gateway to have an outgoing flow, but it has none."
    }
    assert errors(choice(platform=CAMUNDA_8)) == {}


def test_condition_on_the_only_way_out_is_refused_in_camunda_7():
    assert errors(choice("${x}", platform=CAMUNDA_7)) == {
        "G_T0": "Expected no condition on the only flow out of 'G', but there is one."
    }


def test_condition_behind_a_parallel_gateway_is_a_warning():
    assert warnings(choice("=x", None, kind="parallel")) == {
        "G_T0": "The condition is not looked at: 'G' is a parallel gateway."
    }


def test_condition_that_does_not_parse_is_refused_on_its_flow():
    (message,) = errors(choice("=x +* 1", None, default="G_T1", platform=CAMUNDA_8)).values()
    assert message.startswith("Expected the condition to be a valid expression, but '=x +* 1' is not: ")


def waiting(*targets: str, paths: tuple[str, ...], platform: str | None = None) -> bytes:
    """An event-based gateway `G` with these targets."""
    return diagram(
        start(), gateway("eventBased", "G"), *targets, flows("Start > G", *paths), before=keyed_message(),
        platform=platform,
    )


def test_event_based_gateway_with_events_and_receive_tasks_is_right():
    content = waiting(
        catch("A", HOUR), task("B", tag="receiveTask", messageRef="Paid"), paths=("G > A", "G > B"), platform=CAMUNDA_7
    )
    assert warnings(content) == {}


def test_event_based_gateway_that_leads_to_work_is_refused():
    assert errors(waiting(catch("A", HOUR), task("B"), paths=("G > A", "G > B"))) == {
        "B": "Expected a catching message, timer, signal or conditional event after the event-based gateway 'G', "
             "but this is another task."
    }


def test_event_based_gateway_without_way_out_is_refused():
    assert errors(waiting(paths=())) == {
        "G": "Expected two outgoing flows of an event-based gateway, but there is none."
    }


def test_event_based_gateway_with_one_way_out_is_refused_in_camunda_8_and_a_warning_elsewhere():
    message = "Expected two outgoing flows of an event-based gateway, but there is only one."
    assert errors(waiting(catch("A", HOUR), paths=("G > A",), platform=CAMUNDA_8)) == {"G": message}
    assert warnings(waiting(catch("A", HOUR), paths=("G > A",), platform=CAMUNDA_7)) == {"G": message}


def test_another_flow_into_an_awaited_event_is_refused():
    content = waiting(catch("A", HOUR), catch("B", PAID), task("T"), paths=("G > A > T > B", "G > B"))
    assert errors(content) == {
        "B": "Expected no other sequence flow into an event after the event-based gateway 'G', but there is one."
    }


def test_two_events_for_the_same_message_are_refused():
    assert errors(waiting(catch("A", PAID), catch("B", PAID), paths=("G > A", "G > B"))) == {
        "B": "Expected each event after a gateway to wait for its own, but 'A' waits for the same message."
    }


@pytest.mark.parametrize(("tag", "platform", "message"), [
    ("serviceTask", CAMUNDA_8, "the service task to have a job type (zeebe:taskDefinition)"),
    ("sendTask", CAMUNDA_8, "the send task to have a job type (zeebe:taskDefinition)"),
    ("businessRuleTask", CAMUNDA_8, "the business rule task to have a decision, or a job type (zeebe:taskDefinition)"),
    ("scriptTask", CAMUNDA_8, "the script task to have a FEEL expression (zeebe:script)"),
    ("callActivity", CAMUNDA_8, "the call activity to have the id of the process to call"),
    ("receiveTask", CAMUNDA_8, "the receive task to have a message"),
    ("serviceTask", CAMUNDA_7, "the service task to have an external topic, a class or an expression"),
    ("sendTask", CAMUNDA_7, "the send task to have an external topic, a class or an expression"),
    ("businessRuleTask", CAMUNDA_7,
     "the business rule task to have a decision, or an external topic, a class or an expression"),
    ("callActivity", CAMUNDA_7, "the call activity to have the id of the process to call"),
])
def test_activity_that_nobody_does_is_refused(tag, platform, message):
    assert errors(around(task("A", tag=tag), platform=platform)) == {"A": f"Expected {message}, but it has none."}


@pytest.mark.parametrize(("attributes", "message"), [
    ({"bindingType": "versionTag"}, "Expected a version for the binding 'versionTag', but there is none."),
    ({"bindingType": "newest"},
     "Expected the binding to be one of deployment, latest, version, versionTag, but it is 'newest'."),
])
def test_binding_that_names_no_version_is_refused(attributes, message):
    called = ext(el("zeebe:calledElement", processId="B", **attributes))
    assert errors(around(task("A", called, tag="callActivity"))) == {"A": message}


def test_script_task_of_camunda_7_without_script_is_refused():
    assert errors(around(task("A", tag="scriptTask"), platform=CAMUNDA_7)) == {
        "A": "Expected a script, but it is empty."
    }


def test_receive_task_of_camunda_7_may_wait_without_message():
    assert errors(around(task("A", tag="receiveTask"), platform=CAMUNDA_7)) == {}


def test_multi_instance_without_collection_and_number_is_refused():
    assert errors(around(task("A", el("multiInstanceLoopCharacteristics")))) == {
        "A": "Expected a collection or a number for the multi-instance, but there is neither."
    }


def test_number_of_instances_that_is_no_number_is_refused():
    loop = el("multiInstanceLoopCharacteristics", text("loopCardinality", "many"))
    assert errors(around(task("A", loop))) == {"A": "Expected a whole number of instances, but it is 'many'."}


def test_loop_without_condition_and_maximum_is_refused():
    assert errors(around(task("A", el("standardLoopCharacteristics")))) == {
        "A": "Expected the loop to have a condition or a maximum, but it has neither."
    }


@pytest.mark.parametrize(("platform", "ours"), [
    (CAMUNDA_7, "Camunda 7 does the activity once"), (CAMUNDA_8, "Camunda 8 refuses it"),
])
def test_standard_loop_is_said_to_be_run_here_only(platform, ours):
    loop = el("standardLoopCharacteristics", loopMaximum="3")
    content = around(task("A", loop), platform=platform)
    assert errors(content) == {}
    assert warnings(content) == {"A": f"The loop is run here, but not by Camunda: {ours}."}


def test_output_collection_without_output_element_is_refused():
    loop = el("multiInstanceLoopCharacteristics", ext(
        el("zeebe:loopCharacteristics", inputCollection="=items", outputCollection="sums")
    ))
    assert errors(around(task("A", loop))) == {
        "A": "Expected an output element for the output collection, but there is none."
    }


def test_event_sub_process_with_loop_is_refused():
    loop = el("multiInstanceLoopCharacteristics", text("loopCardinality", "2"))
    content = diagram(start(), event_sub("E", loop, start("S1", definition("error"))))
    assert errors(content) == {"E": "Expected an event sub-process without a loop, but it has one."}


def listening(tag: str, **attributes: str) -> bytes:
    listener = el("zeebe:executionListeners", el("zeebe:executionListener", type="log", **attributes))
    return around(task("A", ext(listener), tag=tag))


def test_listener_of_an_unknown_event_is_refused():
    assert errors(listening("task", eventType="creating")) == {
        "A": "Expected the event of a listener to be one of end, start, but it is 'creating'."
    }
    assert errors(listening("userTask", eventType="creating")) == {}


def test_listener_that_is_never_called_is_a_warning():
    assert warnings(listening("userTask", eventType="timeout")) == {
        "A": "The listener of the event 'timeout' is never called."
    }


def test_ad_hoc_sub_process_may_be_led_by_a_worker():
    content = around(sub("A", ext(el("zeebe:taskDefinition", type="agent")), task("T"), tag="adHocSubProcess"))
    assert errors(content) == {}


def test_output_collection_of_an_ad_hoc_sub_process_needs_an_output_element():
    content = around(sub("A", ext(el("zeebe:adHoc", outputCollection="results")), task("T"), tag="adHocSubProcess"))
    assert errors(content) == {"A": "Expected an output element for the output collection, but there is none."}


MAPPED = ext(el("camunda:inputOutput", text("camunda:outputParameter", "1", name="x")))


@pytest.mark.parametrize(("content", "id", "message"), [
    (diagram(start("Start", MAPPED), platform=CAMUNDA_7), "Start",
     "Expected a start event without inputs and outputs, but it has some."),
    (diagram(start(), end("End", MAPPED), flows("Start > End"), platform=CAMUNDA_7), "End",
     "Expected an end event without outputs, but it has some."),
    (around(task("A", MAPPED, el("multiInstanceLoopCharacteristics", text("loopCardinality", "2"))),
            platform=CAMUNDA_7), "A", "Expected a multi-instance activity without outputs, but it has some."),
])
def test_mapping_that_camunda_7_does_not_take_is_refused(content, id, message):
    assert errors(content) == {id: message}


UNREACHED = "No token ever comes here: nothing leads to this element from a start event."


def test_element_that_no_token_reaches_is_a_warning():
    assert warnings(diagram(start(), task("A"), task("B"), flows("A > B"))) == {"A": UNREACHED, "B": UNREACHED}


def test_unreached_sub_process_speaks_for_what_is_in_it():
    assert warnings(diagram(start(), sub("Sub", start("S1"), task("A"), flows("S1 > A")))) == {"Sub": UNREACHED}


def test_boundary_events_event_sub_processes_and_ad_hoc_activities_are_reached():
    content = diagram(
        start(), sub("A", task("Inner"), tag="adHocSubProcess"), boundary("B", "A", HOUR), task("C"),
        event_sub("E", start("S1", definition("error")), task("D"), flows("S1 > D")), flows("Start > A", "B > C"),
    )
    assert warnings(content) == {}


DEAD = "The join waits for ever: after a choice only one of its flows gets a token."


def split_and_join(split: str, **attributes: str) -> str:
    return gateway(split, "F", **attributes) + task("A") + task("B") + gateway("parallel", "J")


def test_choice_before_a_parallel_join_is_a_warning():
    content = diagram(
        start(), split_and_join("exclusive", default="F_B"), flow("F", "A", "=x"), flows("Start > F > B > J", "A > J")
    )
    assert warnings(content) == {"J": DEAD}


@pytest.mark.parametrize("split", ["parallel", "inclusive"])
def test_fork_before_a_parallel_join_is_right(split):
    condition = "=x" if split == "inclusive" else None
    content = diagram(
        start(), split_and_join(split, default="F_B"), flow("F", "A", condition), flows("Start > F > B > J", "A > J")
    )
    assert warnings(content) == {}


def test_choice_in_one_branch_of_a_fork_is_a_warning_where_it_joins():
    content = diagram(
        start(), gateway("parallel", "P0"), split_and_join("exclusive", default="F_B"), task("C"), flow("F", "A", "=x"),
        flows("Start > P0 > F > B > J", "A > J", "P0 > C > J"),
    )
    assert warnings(content) == {"J": DEAD}


def test_tokens_that_multiply_beside_a_task_can_meet_in_a_join():
    # given a non-interrupting timer beside the task
    content = diagram(
        start(), task("A"), boundary("B", "A", HOUR, cancelActivity="false"), gateway("parallel", "J"),
        flows("Start > A > J", "B > J"),
    )
    assert warnings(content) == {}


def test_several_flows_out_of_a_task_are_a_fork():
    content = diagram(
        start(), task("T"), task("A"), task("B"), gateway("parallel", "J"), flows("Start > T > A > J", "T > B > J")
    )
    assert warnings(content) == {}


LOOP = "This is in a loop that never waits and never ends: nothing in it has a condition."


def test_loop_that_never_waits_is_a_warning():
    content = diagram(start(), gateway("exclusive", "M"), task("A"), throw("B"), flows("Start > M > A > B > M"))
    assert warnings(content) == {"M": LOOP}


def test_loop_that_goes_on_beside_a_way_out_is_a_warning():
    content = diagram(
        start(), gateway("exclusive", "M"), gateway("parallel", "F"), end(), flows("Start > M > F > M", "F > End")
    )
    assert warnings(content) == {"M": LOOP}


@pytest.mark.parametrize("inside", [
    service("A"),
    task("A", tag="userTask"),
    catch("A", HOUR),
])
def test_loop_that_waits_is_right(inside):
    content = diagram(start(), gateway("exclusive", "M"), inside, flows("Start > M > A > M"))
    assert warnings(content) == {}


def test_loop_with_a_condition_is_right():
    content = diagram(
        start(), gateway("exclusive", "M"), gateway("exclusive", "G", default="G_End"), end(), flow("G", "M", "=n < 3"),
        flows("Start > M > G > End"),
    )
    assert warnings(content) == {}
