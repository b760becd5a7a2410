"""What every file is read into, whichever dialect it was drawn in."""

from __future__ import annotations

import pytest

from bpmn.expressions import Feel, Juel, Literal
from bpmn.model import Dialect, ElementType
from bpmn.parser import ParseRefused, parse, read
from bpmn.problems import Severity
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
    element,
    end,
    errors,
    ext,
    file,
    flow,
    flows,
    gateway,
    message,
    model_of,
    service,
    start,
    sub,
    task,
    text,
    throw,
)


def test_elements_and_flows_are_read_in_the_order_of_the_file():
    # given
    content = diagram(task("B"), start(), task("A"), end(), flows("Start > A > B > End"))

    # when
    process = model_of(content).processes[0]

    # then
    assert list(process.elements) == ["B", "Start", "A", "End"]
    assert list(process.flows) == ["Start_A", "A_B", "B_End"]
    assert (process.elements["A"].incoming, process.elements["A"].outgoing) == (("Start_A",), ("A_B",))


def test_elements_of_nested_sub_processes_know_their_scope():
    # given
    inner = sub("Inner", start("S2"), task("A"), flows("S2 > A"))
    outer = sub("Outer", start("S1"), inner, flows("S1 > Inner"))
    content = diagram(start(), outer, end(), flows("Start > Outer > End"))

    # when
    elements = model_of(content).processes[0].elements

    # then
    assert [(id, found.scope) for id, found in elements.items()] == [
        ("Start", "P"), ("Outer", "P"), ("S1", "Outer"), ("Inner", "Outer"), ("S2", "Inner"), ("A", "Inner"),
        ("End", "P"),
    ]


@pytest.mark.parametrize(("tag", "type"), [
    ("task", ElementType.TASK),
    ("manualTask", ElementType.MANUAL_TASK),
    ("userTask", ElementType.USER_TASK),
    ("parallelGateway", ElementType.PARALLEL_GATEWAY),
    ("inclusiveGateway", ElementType.INCLUSIVE_GATEWAY),
    ("exclusiveGateway", ElementType.EXCLUSIVE_GATEWAY),
])
def test_element_type_follows_the_tag(tag, type):
    assert element(around(task("A", tag=tag))).type is type


def test_sub_process_types_are_told_apart():
    # given
    content = diagram(
        start(), sub("Tx", start("S1"), tag="transaction"), sub("AdHoc", task("T"), tag="adHocSubProcess"),
        sub("Plain", start("S2")), sub("Event", start("S3", definition("error")), triggeredByEvent="true"),
        flows("Start > Tx > AdHoc > Plain"),
    )

    # when
    elements = model_of(content).processes[0].elements

    # then
    assert [elements[id].type for id in ("Tx", "AdHoc", "Plain", "Event")] == [
        ElementType.TRANSACTION, ElementType.AD_HOC_SUB_PROCESS, ElementType.SUB_PROCESS,
        ElementType.EVENT_SUB_PROCESS,
    ]


def test_name_and_documentation_are_kept():
    # when
    found = element(around(task("A", text("documentation", " Why & how "), name="Check it")))

    # then
    assert (found.name, found.documentation) == ("Check it", "Why & how")


def test_process_that_does_not_say_executable_is_left_out():
    # given
    content = file(el("process", task("X"), id="Drawn"), el("process", start(), id="Run", isExecutable="true"))

    # when
    model = model_of(content)

    # then
    assert [process.id for process in model.processes] == ["Run"]


def test_file_without_executable_process_is_refused():
    assert errors(file(el("process", start(), id="P"))) == {
        None: "Expected an executable process (isExecutable), but there is none."
    }


@pytest.mark.parametrize(("platform", "dialect"), [
    (CAMUNDA_7, Dialect.CAMUNDA_7),
    (CAMUNDA_8, Dialect.CAMUNDA_8),
])
def test_stated_platform_is_the_dialect(platform, dialect):
    model = model_of(diagram(start(), platform=platform))
    assert (model.dialect, model.states_platform) == (dialect, True)


@pytest.mark.parametrize(("part", "dialect"), [
    (task("A", ext(el("zeebe:properties"))), Dialect.CAMUNDA_8),
    (task("A", camunda__asyncBefore="true"), Dialect.CAMUNDA_7),
    (task("A"), Dialect.CAMUNDA_7),
])
def test_dialect_of_a_file_that_does_not_state_it_is_guessed(part, dialect):
    model = model_of(around(part))
    assert (model.dialect, model.states_platform) == (dialect, False)


def test_feel_condition_makes_a_plain_file_camunda_8():
    content = diagram(start(), task("A"), task("B"), flow("Start", "A", "=x > 1"), flow("Start", "B"))
    assert model_of(content).dialect is Dialect.CAMUNDA_8


def test_expression_language_is_chosen_by_each_text_when_the_file_states_no_platform():
    # given
    content = diagram(
        start(), task("A"), task("B"), flow("Start", "A", "=x > 1"), flow("Start", "B", "${x > 1}"),
    )

    # when
    found = model_of(content).processes[0].flows

    # then
    assert (found["Start_A"].condition, found["Start_B"].condition) == (Feel("x > 1"), Juel("${x > 1}"))


def test_flow_without_id_gets_the_same_one_each_time():
    # given
    content = diagram(start(), end(), '<sequenceFlow sourceRef="Start" targetRef="End"/>')

    # when
    first, second = model_of(content), model_of(content)

    # then
    assert list(first.processes[0].flows) == list(second.processes[0].flows) == ["P_sequenceFlow_1"]
    assert first.processes[0].elements["Start"].outgoing == ("P_sequenceFlow_1",)


def test_generated_id_never_meets_one_of_the_file():
    # given
    content = diagram(
        start(), task("P_sequenceFlow_1"), '<sequenceFlow sourceRef="Start" targetRef="P_sequenceFlow_1"/>'
    )

    # when
    process = model_of(content).processes[0]

    # then
    assert list(process.flows) == ["P_sequenceFlow_1_"]


def test_tree_for_the_interpreter_carries_the_generated_ids():
    # given
    content = file(el("process", "<startEvent/>", id="P", isExecutable="1"))

    # when
    tree = model_of(content).processes[0].tree

    # then
    assert tree is not None
    assert [node.get("id") for node in tree] == ["P_startEvent_1"]
    assert tree.get("isExecutable") == "true"


def test_prefixed_references_are_resolved():
    # given
    content = around(catch("A", definition("message", messageRef="tns:Paid")), before=message())

    # then
    assert element(content).events[0].name == Literal("paid")


def test_activiti_attributes_are_read_as_camunda():
    # when
    found = element(around(task("A", tag="userTask", activiti__assignee="kermit")))

    # then
    assert found.user_task is not None
    assert found.user_task.assignee == Literal("kermit")


def test_referenced_event_definition_is_read_where_it_is_used():
    # given
    shared = definition("message", id="Shared", messageRef="Paid")

    # when
    found = element(around(catch("A", text("eventDefinitionRef", "tns:Shared")), before=message() + shared))

    # then
    assert found.events[0].name == Literal("paid")


@pytest.mark.parametrize("ends", [("OnA", "Undo"), ("Undo", "OnA")])
def test_compensation_handler_is_found_in_either_direction_and_any_scope(ends):
    # given
    inside = sub(
        "Sub", start("S1"), task("A"), boundary("OnA", "A", definition("compensate")),
        task("Undo", isForCompensation="true"), flows("S1 > A"),
    )
    content = diagram(start(), inside, flows("Start > Sub"), association(*ends))

    # when
    found = element(content)

    # then
    assert found.compensation_handler == "Undo"
    assert element(content, "OnA").type is ElementType.BOUNDARY_EVENT
    assert element(content, "Undo").for_compensation


def test_only_flow_without_condition_is_the_default_of_an_exclusive_gateway():
    # given
    content = diagram(
        start(), gateway("exclusive", "G"), task("A"), task("B"), flows("Start > G"),
        flow("G", "A", "${x}"), flow("G", "B"), platform=CAMUNDA_7,
    )

    # then
    assert element(content, "G").default_flow == "G_B"


def test_names_of_everything_are_known():
    content = diagram(start(name="Order came"), before=message(name="paid"))
    assert model_of(content).names == {"Start": "Order came", "Paid": "paid"}


def test_every_problem_is_said_at_once_errors_first():
    # given a file with a warning and two errors
    content = diagram(
        start(), task("Lonely"), throw("A", definition("signal", signalRef="Nothing")), service("B", type=""),
        flows("Start > A > B"), platform=CAMUNDA_8,
    )

    # when
    model, problems = read(content, "shop.bpmn")

    # then
    assert model is None
    assert [(problem.severity, problem.element_id) for problem in problems] == [
        (Severity.ERROR, "A"), (Severity.ERROR, "B"), (Severity.WARNING, "Lonely"),
    ]


def test_refusal_names_file_element_and_line():
    # given
    content = diagram("\n", start(), "\n", service("A", type="", name="Charge"), flows("Start > A"), platform=CAMUNDA_8)

    # when
    with pytest.raises(ParseRefused) as refusal:
        parse(content, "shop.bpmn")

    # then
    assert str(refusal.value) == (
        "shop.bpmn: element 'A' (Charge) line 3: "
        "Expected the service task to have a job type (zeebe:taskDefinition), but it has none."
    )


def test_long_text_of_the_file_is_shortened_in_a_message():
    content = around(catch("A", definition("timer", text("timeDuration", "x" * 100_000))))
    assert len(errors(content)["A"]) < 200


def test_process_of_3000_elements_in_a_line_is_read():
    # given
    ids = [f"T{number}" for number in range(3000)]
    content = diagram(start(), *(task(id) for id in ids), flows(" > ".join(["Start", *ids])))

    # then
    assert len(model_of(content).processes[0].elements) == 3001


def test_sub_processes_nested_200_deep_are_read():
    # given
    inside = task("A")
    for depth in range(200):
        first = f"Sub{depth - 1}" if depth else "A"
        inside = sub(f"Sub{depth}", start(f"S{depth}"), inside, flow(f"S{depth}", first))

    # then
    assert element(diagram(start(), inside, flow("Start", "Sub199"))).scope == "Sub0"


def test_version_tag_and_history_time_are_read_from_camunda_7():
    process = model_of(diagram(start(), camunda__versionTag="v2", camunda__historyTimeToLive="P30D")).processes[0]
    assert (process.version_tag, process.history_ttl_days) == ("v2", 30)


def test_version_tag_is_read_from_camunda_8():
    process = model_of(diagram(ext(el("zeebe:versionTag", value="v3")), start())).processes[0]
    assert process.version_tag == "v3"


def test_missing_history_time_is_no_problem():
    assert model_of(diagram(start(), platform=CAMUNDA_7)).processes[0].history_ttl_days is None


def test_history_time_that_is_no_number_of_days_is_refused():
    assert errors(diagram(start(), camunda__historyTimeToLive="forever")) == {
        "P": "Expected historyTimeToLive to be days such as 30 or P30D, but it is 'forever'."
    }
