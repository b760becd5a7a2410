"""Whether the inputs of services are there, and fit: what certainly fails is an error, what may be meant a warning."""

from typing import Annotated

import pytest
from pydantic import Field

from service_tasks import Data, service_task
from tests.engine import drawing
from tests.service_tasks import checking
from tests.service_tasks.checking import errors, gateway, process, sub, task, warnings


class Address(Data):
    street_name: str
    city: str
    note: str = ""


class Reservation(Data):
    id: str
    warehouse: Address


class Reserved(Data):
    reservation: Reservation
    amount: int


@service_task("reserve", idempotent=True, read_only=True)
def reserve(order_id: str) -> Reserved:
    raise NotImplementedError


@service_task("ship", read_only=True)
def ship(reservation_id: str) -> None: ...


@service_task("pay", read_only=True)
def pay(amount: Annotated[int, Field(gt=0)], currency: str = "EUR") -> None: ...


@service_task("deliver", read_only=True)
def deliver(address: Address, lines: list[str]) -> None: ...


SERVICES = (reserve, ship, pay, deliver)


@pytest.mark.parametrize("dialect", [7, 8])
@pytest.mark.parametrize(("written", "said"), [("many", "valid integer"), ("0", "greater than 0"), ("1.5", "integer")])
def test_a_written_value_that_the_service_cannot_take_is_refused(dialect, written, said):
    [(element, message)] = errors(process(task("pay", dialect=dialect, inputs=[("amount", written)]), dialect=dialect),
                                  *SERVICES)

    assert element == "pay"
    assert "'amount'" in message
    assert said in message


@pytest.mark.parametrize("dialect", [7, 8])
def test_a_written_value_that_fits_is_taken(dialect):
    inputs = [("amount", "12"), ("currency", "USD")]

    assert checking.found(process(task("pay", dialect=dialect, inputs=inputs), dialect=dialect), *SERVICES) == []


@pytest.mark.parametrize(("source", "said"), [
    ("={a: 1}", "object"), ("=[1, 2]", "array"), ("=x &gt; 3", "boolean"), ("=null", "null"),
    ("=if a then [1] else {b: 2}", "array or object"),
])
def test_an_expression_that_never_gives_the_type_is_refused(source, said):
    [(_, message)] = errors(process(task("pay", inputs=[("amount", source)])), *SERVICES)

    assert f"gives {said}" in message


@pytest.mark.parametrize("source", ["=x", "=x + 1", "=4", '="4"', "=if a then 1 else 2", "=count(x)", "=x.y"])
def test_an_expression_that_may_give_the_type_is_left_to_the_run(source):
    source = source.replace('"', "&quot;")

    assert errors(process(task("pay", inputs=[("amount", source)])), *SERVICES) == []


def test_a_context_without_a_required_entry_is_refused():
    inputs = [("address", "={city: c}"), ("lines", "=lines")]
    [(_, message)] = errors(process(task("deliver", inputs=inputs)), *SERVICES)

    assert "without 'streetName'" in message


@pytest.mark.parametrize("entry", ["streetName", "street_name"])
def test_a_context_may_use_either_spelling(entry):
    inputs = [("address", f"={{city: c, {entry}: s, more: 1}}"), ("lines", "=lines")]

    assert errors(process(task("deliver", inputs=inputs)), *SERVICES) == []


def test_an_empty_input_parameter_of_camunda_7_is_refused_where_the_service_needs_one():
    [(_, message)] = errors(process(task("pay", dialect=7, inputs=[("amount", "")]), dialect=7), *SERVICES)

    assert "gives null" in message


@pytest.mark.parametrize(("path", "expected"), [
    ("=reservation.id", None),
    ("=reservation.warehouse.city", None),
    ("=reservation.warehouse", "gives object"),
    ("=reservation.number", "no such entry"),
    ("=amount", "gives integer"),
])
def test_what_an_earlier_service_gives_is_followed_into_its_entries(path, expected):
    resource = process(task("reserve"), task("ship", inputs=[("reservationId", path)]))
    found = warnings(resource, *SERVICES)

    if expected is None:
        assert found == []
    else:
        [(element, message)] = found
        assert element == "ship"
        assert expected in message


@pytest.mark.parametrize("dialect", [7, 8])
def test_an_input_computed_from_what_comes_later_is_a_warning(dialect):
    source = "=reservation.id" if dialect == 8 else "${reservation.id}"
    ship_first = [task("ship", dialect=dialect, inputs=[("reservationId", source)]), task("reserve", dialect=dialect)]

    [(element, message)] = warnings(process(*ship_first, dialect=dialect), *SERVICES)

    assert element == "ship"
    assert "'reservation'" in message
    assert "'reserve'" in message


def test_a_variable_of_another_branch_comes_from_no_path():
    flows = "start>split split>reserve split>pay reserve>end pay>end2"
    resource = process(
        drawing.start(), gateway("split", default="split_pay"), task("reserve"), task("pay"), drawing.end(),
        drawing.end("end2"), flows=flows)
    resource = drawing.Resource(name="x.bpmn", content=resource.content.replace(
        b'id="split_reserve" sourceRef="split" targetRef="reserve"/>',
        b'id="split_reserve" sourceRef="split" targetRef="reserve"><bpmn:conditionExpression>=a'
        b'</bpmn:conditionExpression></bpmn:sequenceFlow>'))

    [(element, message)] = warnings(resource, *SERVICES)

    assert element == "pay"
    assert "on another path" in message


def test_a_variable_that_a_loop_brings_back_is_there():
    flows = "start>join join>pay pay>reserve reserve>split split>join split>end"
    resource = process(drawing.start(), gateway("join"), task("pay"), task("reserve"),
                       gateway("split", default="split_end"), drawing.end(), flows=flows)
    resource = drawing.Resource(name="x.bpmn", content=resource.content.replace(
        b'sourceRef="split" targetRef="join"/>',
        b'sourceRef="split" targetRef="join"><bpmn:conditionExpression>=a</bpmn:conditionExpression>'
        b'</bpmn:sequenceFlow>'))

    assert warnings(resource, *SERVICES) == []


LOOP = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
        'inputCollection="=orders" inputElement="amount"/></bpmn:extensionElements>'
        '</bpmn:multiInstanceLoopCharacteristics>')


def test_the_element_of_a_multi_instance_is_there_and_inside_of_it_too():
    alone = process(task("pay", loop=LOOP), task("reserve"))
    around = process(sub("each", drawing.start("s"), task("pay"), drawing.end("e")).replace(
        "</bpmn:subProcess>", LOOP + "</bpmn:subProcess>"), task("reserve"))

    assert warnings(alone, *SERVICES) == []
    assert warnings(around, *SERVICES) == []


def test_the_inputs_of_a_sub_process_are_there_inside():
    mapped = ('<bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=x" target="amount"/></zeebe:ioMapping>'
              '</bpmn:extensionElements>')
    resource = process(sub("scope", drawing.start("s"), task("pay"), drawing.end("e"), more=mapped), task("reserve"))

    assert warnings(resource, *SERVICES) == []


@pytest.mark.parametrize(("order", "count"), [(("call", "pay"), 0), (("pay", "call"), 1)])
def test_what_a_called_process_of_the_same_file_gives_is_known(order, count):
    nodes = {"call": drawing.call("call", "inner"), "pay": task("pay")}
    inner = drawing.process("inner", drawing.start("s"), task("reserve"), drawing.end("e"))

    resource = process(*(nodes[name] for name in order), others=[inner])

    assert len(warnings(resource, *SERVICES)) == count


def test_processes_that_call_each_other_are_checked_too():
    inner = drawing.process("inner", drawing.start("s"), drawing.call("back", "p"), task("pay"), drawing.end("e"))

    assert warnings(process(drawing.call("call", "inner"), others=[inner]), *SERVICES) == []


def test_an_input_that_the_task_leaves_out_and_nothing_gives_is_a_warning():
    [(element, message)] = warnings(process(task("deliver", inputs=[("lines", "=lines")])), *SERVICES)

    assert element == "deliver"
    assert "'address'" in message


def test_a_process_that_only_a_timer_starts_has_no_variables_from_the_start():
    clock = drawing.start(event=drawing.timer("Cycle", "R/PT1H"))
    resource = drawing.file(drawing.process("p", clock, task("pay"), drawing.end()))

    [(element, message)] = warnings(resource, *SERVICES)

    assert (element, "timer" in message) == ("pay", True)


@pytest.mark.parametrize(("sku", "count"), [("=reservation.warehouse", 1), ("=reservation.id", 0)])
def test_listeners_get_the_same_checks(sku, count):
    listener = '<zeebe:executionListener eventType="end" type="ship"/>'
    listener = f"<zeebe:executionListeners>{listener}</zeebe:executionListeners>"
    inputs = [("orderId", "=a"), ("reservationId", sku)]
    resource = process(task("reserve", "reserve"), task("again", "reserve", inputs=inputs, listeners=listener))

    assert len(warnings(resource, *SERVICES, about="'ship'")) == count


@pytest.mark.parametrize("dialect", [7, 8])
def test_a_problem_tells_the_line_of_its_element(dialect):
    resource = process(task("pay", dialect=dialect, inputs=[("amount", "many")]), dialect=dialect)
    lower = resource.content.replace(b"<bpmn:serviceTask", b"\n\n<bpmn:serviceTask")

    [(_, element, _, line)] = checking.found(drawing.Resource(name="x.bpmn", content=lower), *SERVICES)

    assert (element, line) == ("pay", 3)


def test_an_optional_input_may_be_left_out():
    assert checking.found(process(task("pay", inputs=[("amount", "=a")])), *SERVICES) == []
