"""Compensation drills: every step fails in turn, and what is not undone is told."""

from __future__ import annotations

import pytest

from bpmn.parser import parse
from engine.definitions import Resource
from engine.errors import Rejection
from service_tasks import Data, Registry, service_task
from service_tasks.drills import Drill, drill
from tests.engine import drawing
from tests.examples.order import ORDER_EXAMPLE
from tests.service_tasks.checking import gateway, process, sub, task


class Ticket(Data):
    ticket_id: str
    price: int


@service_task("book-flight", compensated_by="cancel-flight", errors={"FULL": "No seat."})
def book_flight(person: str) -> Ticket:
    raise NotImplementedError


@service_task("cancel-flight", idempotent=True)
def cancel_flight(ticket_id: str) -> None: ...


@service_task("book-hotel", compensated_by="cancel-hotel", errors={"CLOSED": "Nobody there."})
def book_hotel(person: str) -> None: ...


@service_task("cancel-hotel", idempotent=True)
def cancel_hotel() -> None: ...


@service_task("charge", errors={"DECLINED": "No money."})
def charge(price: int) -> None: ...


@service_task("look-up", read_only=True, errors={"GONE": "Not there."})
def look_up(person: str) -> None: ...


@service_task("send-mail")
def send_mail(person: str) -> None: ...


ALL = (book_flight, cancel_flight, book_hotel, cancel_hotel, charge, look_up, send_mail)
CATCH = "<bpmn:errorEventDefinition/>"
COMPENSATE = '<bpmn:compensateEventDefinition id="c-{}"/>'


def undoable(id, service, undo, handler=None):
    """A task with a compensation handler."""
    handler = handler or task(f"undo-{id}", undo, attributes=' isForCompensation="true"')
    boundary = drawing.boundary(f"b-{id}", id, COMPENSATE.format(id))
    association = (f'<bpmn:association id="as-{id}" associationDirection="One" sourceRef="b-{id}" '
                   f'targetRef="undo-{id}"/>')
    return task(id, service), boundary, handler, association


def trip(*, compensates=True, hotel=None, then="charge"):
    """Flight, hotel and payment; when something is declined, everything is compensated, or is not."""
    flight, flight_boundary, flight_handler, flight_link = undoable("flight", "book-flight", "cancel-flight")
    hotel, hotel_boundary, hotel_handler, hotel_link = hotel or undoable("hotel", "book-hotel", "cancel-hotel")
    undo = drawing.throw("undo", COMPENSATE.format("all")) if compensates else '<bpmn:task id="undo"/>'
    inner = sub("trip", drawing.start("s"), flight, hotel, task("last", then), drawing.end("e"),
                flows="s>flight flight>hotel hotel>last last>e",
                ).replace("</bpmn:subProcess>", flight_boundary + hotel_boundary + flight_handler + hotel_handler
                          + flight_link + hotel_link + "</bpmn:subProcess>")
    if compensates:
        # The error is caught where the compensation is thrown: inside of the scope of what is to be undone.
        catcher = sub("oops", drawing.start("os", CATCH), undo, drawing.end("oe", drawing.error("failed")), event=True)
        inner = inner.replace("</bpmn:subProcess>", catcher + "</bpmn:subProcess>", 1)
    return process(drawing.start(), inner, drawing.boundary("failed-b", "trip", CATCH), drawing.end(),
                   drawing.end("sorry"), flows="start>trip trip>end failed-b>sorry",
                   roots=[drawing.error_of("failed", "FAILED")])


def run(resource, *services, **more):
    registry = Registry()
    registry.add(*(services or ALL))
    model = parse(resource.content, resource.name)
    return drill(Drill(resources=[resource], model=model, process=model.processes[0], registry=registry, **more))


def told(report, field):
    """The services in one field of each failure, by step and code."""
    return {(trial.step.element_id, trial.code): [effect.service for effect in getattr(trial, field)]
            for trial in report.trials}


def test_what_is_compensated_is_told_in_order_and_nothing_is_left():
    report = run(trip())

    assert report.unreached == []
    assert told(report, "handlers") == {
        ("flight", "FULL"): [], ("flight", None): [],
        ("hotel", "CLOSED"): ["cancel-flight"], ("hotel", None): [],
        ("last", "DECLINED"): ["cancel-hotel", "cancel-flight"], ("last", None): [],
    }
    assert told(report, "compensated")["last", "DECLINED"] == ["book-hotel", "book-flight"]
    assert not any(told(report, "remained").values())
    assert report.is_clean
    # and an operator who cancels is told what to undo, and how
    assert told(report, "by_hand")["last", None] == ["book-hotel", "book-flight"]
    assert [trial.by_hand[0].undoing for trial in report.trials if trial.by_hand][-1] == "cancel-hotel"


def test_a_forgotten_compensation_is_found():
    report = run(trip(compensates=False))

    assert told(report, "remained")["last", "DECLINED"] == ["book-hotel", "book-flight"]
    assert told(report, "remained")["hotel", "CLOSED"] == ["book-flight"]
    assert told(report, "remained")["flight", "FULL"] == []
    assert (report.is_clean, report.remained) == (False, 2)


def test_a_step_without_a_handler_is_left_when_the_others_are_undone():
    hotel = (task("hotel", "book-hotel"), "", "", "")
    report = run(trip(hotel=hotel))

    assert told(report, "handlers")["last", "DECLINED"] == ["cancel-flight"]
    assert told(report, "remained")["last", "DECLINED"] == ["book-hotel"]


def test_what_nothing_can_undo_is_left_also_when_an_operator_cancels():
    report = run(process(task("mail", "send-mail"), task("pay", "charge")))

    assert told(report, "remained") == {("mail", None): [], ("pay", "DECLINED"): ["send-mail"],
                                        ("pay", None): ["send-mail"]}
    outcomes = {trial.code: trial.outcome for trial in report.trials if trial.step.element_id == "pay"}
    assert outcomes == {"DECLINED": "nothing catches it: incident, cancelled", None: "incident, cancelled"}


def test_services_that_only_read_leave_nothing():
    assert run(process(task("look", "look-up"), task("pay", "charge"))).is_clean


def around(boundary_flows, *nodes):
    return process(drawing.start(), *nodes, drawing.end(), drawing.end("other"), flows=boundary_flows)


@pytest.mark.parametrize(("target", "good", "left"), [("end", (), 0), ("other", (), 1), ("other", ("other",), 0)])
def test_effects_stay_where_the_process_goes_on_to_the_end_that_it_has_anyway(target, good, left):
    flows = f"start>mail mail>pay pay>end caught>retry retry>{target}"
    resource = around(flows, task("mail", "send-mail"), task("pay", "charge"), drawing.boundary("caught", "pay", CATCH),
                      '<bpmn:task id="retry"/>')

    report = run(resource, good_ends=good)
    [declined] = [trial for trial in report.trials if trial.code == "DECLINED"]

    assert (len(declined.remained), len(declined.kept)) == (left, 1 - left)


def test_a_service_that_undoes_another_may_be_drawn_as_a_step():
    flows = "start>flight flight>pay pay>end caught>back back>other"
    resource = around(flows, task("flight", "book-flight"), task("pay", "charge"),
                      drawing.boundary("caught", "pay", CATCH), task("back", "cancel-flight"))

    report = run(resource)
    [declined] = [trial for trial in report.trials if trial.code == "DECLINED"]

    assert [effect.service for effect in declined.compensated] == ["book-flight"]
    assert declined.remained == []


def test_a_handler_that_is_no_job_undoes_too():
    handler = ('<bpmn:scriptTask id="undo-hotel" isForCompensation="true"><bpmn:extensionElements><zeebe:script '
               'expression="=1" resultVariable="undone"/></bpmn:extensionElements></bpmn:scriptTask>')
    report = run(trip(hotel=undoable("hotel", "book-hotel", None, handler)))

    assert told(report, "remained")["last", "DECLINED"] == []
    assert told(report, "handlers")["last", "DECLINED"] == ["undo-hotel", "cancel-flight"]


def conditional(resource, **conditions):
    """The file with conditions on sequence flows, by their id."""
    content = resource.content.decode()
    for id, condition in conditions.items():
        start = content.index(f'<bpmn:sequenceFlow id="{id}"')
        end = content.index("/>", start)
        content = (content[:end] + f"><bpmn:conditionExpression>={condition}</bpmn:conditionExpression>"
                   "</bpmn:sequenceFlow>" + content[end + 2:])
    return Resource(name=resource.name, content=content.encode())


@pytest.mark.parametrize("condition", [
    "price &gt; 100", "price &lt; -3", 'country = "NO"', 'not(country = "x") and price = 17', "express",
    "order.total &gt;= 2000",
])
def test_a_branch_is_reached_by_trying_values(condition):
    resource = conditional(process(
        drawing.start(), gateway("g", default="g_plain"), task("plain", "look-up"), task("rare", "charge"),
        drawing.end(), drawing.end("e2"), flows="start>g g>plain g>rare plain>end rare>e2"), g_rare=condition)

    assert {trial.step.element_id for trial in run(resource).trials} == {"plain", "rare"}


def test_a_branch_that_a_result_decides_is_reached():
    @service_task("rate", read_only=True)
    def rate() -> Ticket:
        raise NotImplementedError

    resource = conditional(process(
        drawing.start(), task("rate"), gateway("g", default="g_end"), task("rare", "charge"), drawing.end(),
        drawing.end("e2"), flows="start>rate rate>g g>end g>rare rare>e2"), g_rare="price &gt; 5000")

    assert ("rare", "DECLINED") in told(run(resource, rate, charge), "remained")


def test_a_step_on_an_error_path_and_one_behind_a_timer_are_reached():
    flows = "start>pay pay>wait wait>end caught>mail mail>other late>look look>other"
    resource = around(flows, task("pay", "charge"), drawing.boundary("caught", "pay", CATCH), task("mail", "send-mail"),
                      drawing.user("wait"), drawing.boundary("late", "wait", drawing.timer("Duration", "P2D")),
                      task("look", "look-up"))

    report = run(resource)

    assert report.unreached == []
    assert {trial.step.element_id for trial in report.trials} == {"pay", "mail", "look"}


def test_messages_tasks_timers_and_signals_are_given():
    resource = process(
        drawing.user("ask"), drawing.catch("pause", drawing.timer("Duration", "P30D")),
        drawing.catch("reply", drawing.message("m")), drawing.catch("horn", drawing.signal("s")),
        task("mail", "send-mail"), roots=[drawing.message_of("m", "reply", key="=orderId"),
                                          drawing.signal_of("s", "horn")])

    assert told(run(resource), "remained") == {("mail", None): []}


def test_effects_of_a_called_process_are_told_and_a_handler_of_the_call_undoes_them():
    call, boundary, handler, association = undoable("call", "x", "cancel-flight")
    call = drawing.call("call", "inner")
    inner = drawing.process("inner", drawing.start("s"), task("flight", "book-flight"), drawing.end("e"))
    scope = sub("scope", drawing.start("s1"), call, task("pay", "charge"), drawing.end("e1"))
    catcher = sub("oops", drawing.start("os", CATCH), drawing.throw("undo", COMPENSATE.format("all")),
                  drawing.end("oe"), event=True)
    scope = scope.replace("</bpmn:subProcess>", boundary + handler + association + catcher + "</bpmn:subProcess>", 1)

    report = run(process(scope, others=[inner]))

    assert {trial.step.process_id for trial in report.trials} == {"p", "inner"}
    assert told(report, "handlers")["pay", "DECLINED"] == ["cancel-flight"]
    assert told(report, "remained")["pay", "DECLINED"] == []


LOOP = ('<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:extensionElements><zeebe:loopCharacteristics '
        'inputCollection="=people" inputElement="person"/></bpmn:extensionElements>'
        '</bpmn:multiInstanceLoopCharacteristics>')


def test_of_a_multi_instance_the_last_round_fails_and_the_first_is_left():
    report = run(process(task("mails", "send-mail", loop=LOOP)))

    assert told(report, "remained") == {("mails", None): ["send-mail"]}


def test_a_step_that_cannot_be_reached_is_told_with_the_reason():
    dead = conditional(process(
        drawing.start(), gateway("g", default="g_end"), task("never", "charge"), drawing.end(), drawing.end("e2"),
        flows="start>g g>never g>end never>e2"), g_never="1 = 2")

    report = run(dead)

    assert [step.element_id for step in report.unreached] == ["never"]
    assert not report.is_clean


def test_variables_of_somebody_who_knows_the_process_are_used():
    nested = conditional(process(
        drawing.start(), gateway("g", default="g_end"), task("rare", "charge"), drawing.end(), drawing.end("e2"),
        flows="start>g g>rare g>end rare>e2"), g_rare="sum(prices) = 123456 and count(prices) = 3")

    assert [step.element_id for step in run(nested).unreached] == ["rare"]
    assert run(nested, variables={"prices": [123400, 50, 6]}).unreached == []


def test_without_contracts_the_errors_that_are_caught_are_tried_and_everything_counts():
    flows = "start>a a>b b>end caught>other"
    resource = around(flows, task("a"), task("b"), drawing.boundary("caught", "b", drawing.error("bad")))
    resource = Resource(name="x.bpmn", content=resource.content.replace(
        b"</bpmn:definitions>", drawing.error_of("bad", "BAD").encode() + b"</bpmn:definitions>"))
    registry = Registry()
    model = parse(resource.content, "x.bpmn")

    report = drill(Drill(resources=[resource], model=model, process=model.processes[0], registry=registry))

    assert told(report, "remained") == {("a", None): [], ("b", "BAD"): ["a"], ("b", None): ["a"]}


def test_a_file_that_cannot_be_deployed_is_refused():
    broken = process(task("a"), task("b", "charg"))
    with pytest.raises(Rejection, match="Did you mean 'charge'"):
        run(broken)


def test_camunda_7_processes_are_drilled_too():
    resource = process(task("mail", "send-mail", dialect=7), task("pay", "charge", dialect=7), dialect=7)

    assert told(run(resource), "remained")["pay", "DECLINED"] == ["send-mail"]


def test_the_order_example_leaves_nothing_behind():
    registry = Registry()
    registry.load(ORDER_EXAMPLE)
    content = (ORDER_EXAMPLE / "order-fulfilment.bpmn").read_bytes()
    model = parse(content, "order.bpmn")

    report = drill(Drill(resources=[Resource(name="order.bpmn", content=content)], model=model,
                         process=model.processes[0], registry=registry))

    assert report.is_clean
    assert report.unreached == []
    assert told(report, "handlers")["ScheduleDelivery", "NO_CARRIER"] == ["void-payment", "release-inventory"]
